"""Figure of an image set's confidences: which photo contributed how much to which part of the face.

The first row shows the neutral face in the colour of the photo with the largest share at each
vertex, and the photos framed in their colours; the second row the neutral face in grey, and a heat
map of each photo's shares.
"""

from collections.abc import Sequence

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import mesh_normals
from tf_facerecon.visualization import crop_resampling, image_grid, mesh_rendering

TILE_SIZE = 288
MAX_PHOTOS = 8
# Distinguishable by most colour-blind people (Okabe and Ito 2008; grey instead of black).
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
# Colours of the heat map at 0, 1/2 and 1 times the largest share in the figure.
_HEAT_COLOURS = np.array([(0.16, 0.14, 0.35), (0.45, 0.60, 0.55), (1.0, 0.86, 0.30)], np.float32)
_GREY = np.array([0.80, 0.79, 0.78], np.float32)
# Margin between largest and second largest share at which a photo's colour is fully saturated;
# vertices where all shares are equal stay grey.
_SATURATION_MARGIN = 0.1
_BORDER = 10
_CAPTION_LENGTH = 20


def draw_confidence_figure(
    *,
    vertices: np.ndarray,
    triangles: np.ndarray,
    camera: cameras.PerspectiveCamera,
    crops: Sequence[np.ndarray],
    names: Sequence[str],
    counted: np.ndarray,
    photo_shares: np.ndarray,
    vertex_shares: np.ndarray,
) -> np.ndarray:
    """Draws the figure for N photos of one person; V vertices, T triangles.

    Of more than `MAX_PHOTOS` photos those with the largest shares are shown. Photos that do not
    count (duplicates) are never shown.

    Args:
        vertices: `[V, 3]` neutral face, decimetres.
        triangles: `[T, 3]` vertex indices.
        camera: Camera of the crops.
        crops: N aligned crops `[224, 224, 3]` uint8 RGB.
        names: N captions.
        counted: `[N]` bool, false for photos that were left out of the aggregation.
        photo_shares: `[N]` share of each photo in the whole identity.
        vertex_shares: `[N, V]`, see `confidence_shares.vertex_shares`.

    Returns:
        `[height, width, 3]` uint8 RGB.

    Raises:
        ValueError: If the shape of `vertex_shares` does not match `crops` and `vertices`.
    """
    checks.check_shape("vertex_shares", vertex_shares, (len(crops), len(vertices)))
    candidates = np.flatnonzero(counted)
    ranks = np.argsort(-photo_shares[candidates], kind="stable")[:MAX_PHOTOS]
    shown = np.sort(candidates[ranks])
    colours = _leader_colours(vertex_shares, shown)
    attributes = np.concatenate([colours, vertex_shares[shown].T], axis=-1)
    rendered, mask = _render_shaded(vertices, triangles, attributes, camera)
    shading, colours, shares = rendered[..., :1], rendered[..., 1:4], rendered[..., 4:]
    largest = max(float(vertex_shares[shown].max()), 1e-12)
    upper = [_face_tile(colours * shading, mask)]
    lower = [_face_tile(_GREY * shading, mask)]
    for number, index in enumerate(shown):
        upper.append(_photo_tile(crops[index], _COLOURS[number]))
        heat = _heat_colours(shares[..., number] / largest)
        lower.append(_face_tile(heat * shading, mask))
    num_counted = len(candidates)
    title = "largest share"
    if len(shown) < num_counted:
        title += f", {len(shown)} of {num_counted} photos"
    percent = [f"{100 * photo_shares[index]:.0f} %" for index in shown]
    return image_grid.stack_rows(
        [
            image_grid.captioned_row(upper, [title, *(_shorten(names[index]) for index in shown)]),
            image_grid.captioned_row(lower, ["neutral face", *percent]),
        ]
    )


def _leader_colours(shares, shown) -> np.ndarray:
    """`[V, 3]` colour of the photo with the largest share, greyer the smaller its margin."""
    if len(shares) == 1:
        return np.broadcast_to(_COLOURS[0], (shares.shape[1], 3))
    ordered = np.sort(shares, axis=0)
    margin = np.clip((ordered[-1] - ordered[-2]) / _SATURATION_MARGIN, 0.0, 1.0)[:, np.newaxis]
    colours = np.tile(_GREY, (len(shares), 1))
    colours[shown] = _COLOURS[: len(shown)]
    return margin * colours[shares.argmax(axis=0)] + (1.0 - margin) * _GREY


def _render_shaded(vertices, triangles, attributes, camera) -> tuple[np.ndarray, np.ndarray]:
    """Shading and `attributes` `[V, C]` of the face, at twice the size of a tile; and its mask."""
    vertices = vertices.astype(np.float32)
    incidence = mesh_normals.vertex_incidence(triangles, len(vertices))
    normals = mesh_normals.vertex_normals(vertices, triangles, incidence).numpy()
    shading = mesh_rendering.clay_colours(normals)[:, :1] / _GREY[0]
    attributes = np.concatenate([shading, attributes], axis=-1)
    return mesh_rendering.render_attributes(vertices, triangles, attributes, camera, 2 * TILE_SIZE)


def _face_tile(rendered, mask) -> np.ndarray:
    """Downsamples a rendering to a tile, which antialiases its outline, on light grey."""
    layer = np.concatenate([rendered * mask[..., None], mask[..., None]], axis=-1)
    layer = crop_resampling.resize(layer, (TILE_SIZE, TILE_SIZE))
    return np.clip(layer[..., :3] + 0.95 * (1.0 - layer[..., 3:]), 0.0, 1.0)


def _photo_tile(crop, colour) -> np.ndarray:
    """The crop with a border of the photo's colour."""
    inner = TILE_SIZE - 2 * _BORDER
    tile = np.empty((TILE_SIZE, TILE_SIZE, 3), np.float32)
    tile[:] = colour
    resized = crop_resampling.resize(crop / np.float32(255.0), (inner, inner))
    tile[_BORDER:-_BORDER, _BORDER:-_BORDER] = resized
    return tile


def _heat_colours(values) -> np.ndarray:
    """Colours `[..., 3]` of values in [0, 1]."""
    knots = np.linspace(0.0, 1.0, len(_HEAT_COLOURS))
    return np.stack([np.interp(values, knots, channel) for channel in _HEAT_COLOURS.T], axis=-1)


def _shorten(name: str) -> str:
    half = (_CAPTION_LENGTH - 1) // 2
    return name if len(name) <= _CAPTION_LENGTH else f"{name[:half]}…{name[-half:]}"
