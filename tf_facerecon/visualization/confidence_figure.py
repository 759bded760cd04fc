"""Picture of who gave what: the face in the colours of its photographs, and each one's share."""

import numpy as np

from tf_facerecon.geometry import mesh_normals
from tf_facerecon.visualization import crop_window, mesh_views, panels

TILE_SIZE = 288
MAX_PHOTOS = 8
# Colours that differ for most colour-blind people as well (Okabe and Ito 2008, without black).
_COLOURS = np.array(
    [
        (230, 159, 0),
        (86, 180, 233),
        (0, 158, 115),
        (240, 228, 66),
        (0, 114, 178),
        (213, 94, 0),
        (204, 121, 167),
        (140, 140, 140),
    ],
    np.float32,
) / np.float32(255.0)
# Share 0, 1/2 and 1 of the largest share in the picture.
_RAMP = np.array([(0.16, 0.14, 0.35), (0.45, 0.60, 0.55), (1.0, 0.86, 0.30)], np.float32)
_NOBODY = np.array([0.80, 0.79, 0.78], np.float32)
# A lead of a tenth of all shares shows a photograph's full colour; nobody leads where all are
# equal.
_FULL_LEAD = 0.1
_BORDER = 10
_CAPTION_LETTERS = 20


def draw(result) -> np.ndarray:
    """Draws two rows: who leads where and the photographs; then the face and each one's shares.

    Of a large set the photographs with the largest shares are shown, copies never.

    Args:
        result: `ImageSetReconstruction`.

    Returns:
        `[height, width, 3]` uint8 RGB.
    """
    overall = result.coefficient_shares.mean(axis=1)
    candidates = np.flatnonzero(result.counted)
    ranks = np.argsort(-overall[candidates], kind="stable")[:MAX_PHOTOS]
    shown = np.sort(candidates[ranks])
    shares = result.vertex_shares()
    leader = _leader_colours(shares, shown)
    drawn, mask = _render(result, np.concatenate([leader, shares[shown].T], axis=-1))
    brightness, leader, fields = drawn[..., :1], drawn[..., 1:4], drawn[..., 4:]
    largest = max(float(shares[shown].max()), 1e-12)
    tiles = [_tile(leader * brightness, mask)]
    below = [_tile(_NOBODY * brightness, mask)]
    for number, index in enumerate(shown):
        tiles.append(_photo_tile(result.images[index].crop, _COLOURS[number]))
        below.append(_tile(_ramp(fields[..., number] / largest) * brightness, mask))
    names = [_shortened(result.images[index].name) for index in shown]
    count = len(result.images)
    title = "who gave what" if count == len(shown) else f"{len(shown)} of {count} photos"
    percent = [f"{100 * overall[index]:.0f} %" for index in shown]
    rows = [
        panels.captioned_row(tiles, [title, *names]),
        panels.captioned_row(below, ["neutral face", *percent]),
    ]
    return np.concatenate(rows)


def _leader_colours(shares, shown) -> np.ndarray:
    """`[V, 3]` colour of the photograph with the largest share, paler where its lead is small."""
    if len(shares) == 1:
        return np.broadcast_to(_COLOURS[0], (shares.shape[1], 3))
    order = np.sort(shares, axis=0)
    lead = np.clip((order[-1] - order[-2]) / _FULL_LEAD, 0.0, 1.0)[:, np.newaxis]
    colour = np.tile(_NOBODY, (len(shares), 1))
    colour[shown] = _COLOURS[: len(shown)]
    return lead * colour[shares.argmax(axis=0)] + (1.0 - lead) * _NOBODY


def _render(result, attributes) -> tuple[np.ndarray, np.ndarray]:
    """Clay brightness and `attributes` `[V, C]` of the neutral face, twice a tile's size."""
    model = result.decoder.face_model
    vertices = result.neutral_vertices.astype(np.float32)
    incidence = mesh_normals.vertex_incidence(model.triangles, model.num_vertices)
    normals = mesh_normals.vertex_normals(vertices, model.triangles, incidence).numpy()
    brightness = mesh_views.clay_colours(normals)[:, :1] / _NOBODY[0]
    return mesh_views.render_window(
        vertices,
        model.triangles,
        np.concatenate([brightness, attributes], axis=-1),
        result.decoder.camera,
        2 * TILE_SIZE,
    )


def _tile(drawn, mask) -> np.ndarray:
    """Shrinks a drawing to a tile, which smooths its outline, and lays it on light grey."""
    layer = np.concatenate([drawn * mask[..., None], mask[..., None]], axis=-1)
    layer = crop_window.resize(layer, (TILE_SIZE, TILE_SIZE))
    return np.clip(layer[..., :3] + 0.95 * (1.0 - layer[..., 3:]), 0.0, 1.0)


def _photo_tile(crop, colour) -> np.ndarray:
    """The crop in a frame of the photograph's colour."""
    inner = TILE_SIZE - 2 * _BORDER
    tile = np.empty((TILE_SIZE, TILE_SIZE, 3), np.float32)
    tile[:] = colour
    picture = crop_window.resize(crop / np.float32(255.0), (inner, inner))
    tile[_BORDER:-_BORDER, _BORDER:-_BORDER] = picture
    return tile


def _ramp(values) -> np.ndarray:
    """Colours `[..., 3]` of values in [0, 1]."""
    knots = np.linspace(0.0, 1.0, len(_RAMP))
    return np.stack([np.interp(values, knots, channel) for channel in _RAMP.T], axis=-1)


def _shortened(name: str) -> str:
    half = (_CAPTION_LETTERS - 1) // 2
    return name if len(name) <= _CAPTION_LETTERS else f"{name[:half]}…{name[-half:]}"
