"""One picture that shows what a face model is: mean, modes, random faces, landmarks."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import coefficient_sampling
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import texture_seams
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.visualization import crop_window, mesh_views, panels
from tf_facerecon.visualization.face_thumbnails import (
    PAPER,
    SUPERSAMPLING,
    TILE_SIZE,
    ThumbnailRenderer,
)

COLUMNS = 8
ANGLES = (-75.0, -40.0, 0.0, 40.0, 75.0)
_LARGE_TILE_SIZE = 980
_CAPTION_LENGTH = 18
_REGION_COLOURS = np.array(
    [[0.95, 0.75, 0.35], [0.40, 0.65, 0.95], [0.30, 0.80, 0.45], [0.90, 0.30, 0.40]]
)
_CHECKS = 32  # Squares of the texture checker along each side.


# A tile and its caption.
_Tile = tuple[str, np.ndarray]


def model_overview(model: MorphableModel, seed: int = 0) -> np.ndarray:
    """Draws the sheet.

    Args:
        model: The face model.
        seed: Of the random faces.

    Returns:
        `[height, width, 3]` uint8 RGB, rows from the top: the mean from five sides, as clay, with
        its regions, with a checked texture; the first modes of identity, expression and albedo, at
        -2 and +2 standard deviations or at the ends of their range; random faces; the landmarks
        with their numbers, from the front and turned.
    """
    studio = ThumbnailRenderer.for_model(model)
    identity = (f"identity {mode + 1}" for mode in range(model.identity_basis.shape[-1]))
    expression = model.expression_names or tuple(
        f"expression {mode + 1}" for mode in range(model.expression_basis.shape[-1])
    )
    tiles = [
        *_mean_tiles(studio),
        *_shape_tiles(studio, model.identity_basis, identity, None),
        *_shape_tiles(studio, model.expression_basis, expression, model.expression_range),
        *_albedo_tiles(studio),
        *_random_tiles(studio, seed),
    ]
    rows = [_captioned(tiles[first : first + COLUMNS]) for first in range(0, len(tiles), COLUMNS)]
    large = [_landmark_tile(studio, degrees) for degrees in (0.0, 50.0)]
    landmarks = panels.captioned_row(large, ["68 landmarks", "turned by 50 degrees"])
    return _stacked([*rows, landmarks])


def _mean_tiles(studio: ThumbnailRenderer) -> list[_Tile]:
    mean, albedo = studio.model.mean_shape, studio.model.mean_albedo
    return [
        *((f"{degrees:+.0f} degrees", studio.lit(mean, albedo, degrees)) for degrees in ANGLES),
        ("shape", studio.clay(mean)),
        ("regions", studio.draw(mean, _region_colours(studio.model))),
        ("texture", _checked_tile(studio)),
    ]


def _region_colours(model: MorphableModel) -> np.ndarray:
    """Colours `[V, 3]` of skin, face region and the regions of other names, laid over clay."""
    colours = np.full((model.num_vertices, 3), 0.75)
    others = [part for name, part in model.regions.items() if name not in ("skin", "small_face")]
    parts = [model.face_region, model.skin_region, *others]
    for number, part in enumerate(parts):
        target = _REGION_COLOURS[min(number, len(_REGION_COLOURS) - 1)]
        colours += part[:, None] * (target - colours)
    return colours


def _checked_tile(studio: ThumbnailRenderer) -> np.ndarray:
    """The mean face under a checked texture: seams and stretching show."""
    model = studio.model
    cut = texture_seams.cut_seams(model.triangles, model.uv_triangles)
    size = TILE_SIZE * SUPERSAMPLING
    drawn, mask = mesh_views.render_window(
        model.mean_shape[cut.vertices] - studio.centre,
        cut.triangles,
        model.uv[cut.uv],
        studio.camera,
        size,
    )
    checks = np.floor(_CHECKS * drawn).sum(axis=-1) % 2
    colours = np.where(checks[..., None] > 0, [0.30, 0.42, 0.60], [0.92, 0.90, 0.85])
    colours = np.where(mask[..., None] > 0, colours, PAPER)
    return crop_window.resize(colours, (TILE_SIZE, TILE_SIZE))


def _shape_tiles(
    studio: ThumbnailRenderer, basis: np.ndarray, names: Iterable[str], ranges: np.ndarray | None
) -> list[_Tile]:
    """Two rows: the first modes at one end and at the other, or only at ends that are not 0."""
    num_modes = basis.shape[-1]
    ends = np.tile([-2.0, 2.0], (num_modes, 1)) if ranges is None else ranges.astype(np.float64)
    if (ends[:, 0] == 0).all():
        places = [(mode, ends[mode, 1]) for mode in range(min(2 * COLUMNS, num_modes))]
    else:
        first = range(min(COLUMNS, num_modes))
        places = [(mode, ends[mode, end]) for end in (0, 1) for mode in first]
    names = list(names)
    return _filled(
        (
            f"{_short(names[mode])} {coefficient:+g}",
            studio.clay(studio.model.mean_shape + coefficient * basis[..., mode]),
        )
        for mode, coefficient in places
    )


def _albedo_tiles(studio: ThumbnailRenderer) -> list[_Tile]:
    model = studio.model
    return _filled(
        (
            f"texture {mode + 1} {sign:+g}",
            studio.draw(
                model.mean_shape,
                np.clip(model.mean_albedo + sign * model.albedo_basis[..., mode], 0.0, 1.0),
            ),
        )
        for sign in (-2.0, 2.0)
        for mode in range(min(COLUMNS, model.albedo_basis.shape[-1]))
    )


def _random_tiles(studio: ThumbnailRenderer, seed: int) -> list[_Tile]:
    """From a still face to a lively one, turned to both sides."""
    model = studio.model
    generator = np.random.default_rng(seed)
    identity, texture = (
        generator.normal(size=(COLUMNS, basis.shape[-1])).astype(np.float32)
        for basis in (model.identity_basis, model.albedo_basis)
    )
    shares = tf.constant(np.linspace(0.0, 1.0, COLUMNS)[:, None], tf.float32)
    expression = coefficient_sampling.sample_expression(
        model, shares, tf.constant([seed, 0]), coefficient_sampling.FaceDistribution()
    ).numpy()
    tiles = []
    for number in range(COLUMNS):
        shape = model.mean_shape + model.identity_basis @ identity[number]
        shape = shape + model.expression_basis @ expression[number]
        albedo = model.mean_albedo + model.albedo_basis @ texture[number]
        degrees = 20.0 if number % 2 else -20.0
        tiles.append((f"random {number + 1}", studio.lit(shape, albedo, degrees)))
    return tiles


def _landmark_tile(studio: ThumbnailRenderer, degrees: float) -> np.ndarray:
    """A large grey face with dots and numbers on its landmarks; those of NoW are red."""
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    model, size = studio.model, _LARGE_TILE_SIZE
    mean = model.mean_shape.astype(np.float64)
    vertices, normals = mesh_views.turned(mean, studio.normals(mean), degrees)
    # Large enough to do without supersampling, which costs most of the time here.
    paint = 0.5 + 0.5 * mesh_views.clay_colours(normals)
    tile = studio.draw(vertices, paint, size=size, supersampling=1)
    picture = PIL.Image.fromarray(np.uint8(np.clip(255 * tile, 0, 255)))
    draw = PIL.ImageDraw.Draw(picture)
    font = PIL.ImageFont.load_default(15)
    points = cameras.project(vertices[model.landmarks] - studio.centre, studio.camera).numpy()
    # `project` counts as landmark labels do, see CONVENTIONS.md; dots lie where the mesh is drawn.
    points = (points + [0.0, 1.0]) * size / TILE_SIZE
    for number, (column, row) in enumerate(points):
        red = model.landmarks[number] in model.now_landmarks
        colour = (200, 30, 40) if red else (20, 70, 160)
        draw.ellipse((column - 3, row - 3, column + 3, row + 3), fill=colour)
        draw.text((column + 5, row - 8), str(number), fill=colour, font=font)
    return np.asarray(picture) / 255.0


def _short(name: str) -> str:
    return name if len(name) <= _CAPTION_LENGTH else f"{name[: _CAPTION_LENGTH - 1]}…"


def _filled(tiles: Iterable[_Tile]) -> list[_Tile]:
    """Adds blank tiles up to a whole number of rows."""
    tiles = list(tiles)
    blank = np.ones((TILE_SIZE, TILE_SIZE, 3))
    return tiles + [("", blank)] * (-len(tiles) % COLUMNS)


def _captioned(row: Sequence[_Tile]) -> np.ndarray:
    captions, tiles = zip(*row, strict=True)
    return panels.captioned_row(tiles, captions)


def _stacked(sheets: Sequence[np.ndarray]) -> np.ndarray:
    """Sheets one below the other on white paper."""
    width = max(sheet.shape[1] for sheet in sheets)
    padded = [
        np.pad(sheet, ((0, 0), (0, width - sheet.shape[1]), (0, 0)), constant_values=255)
        for sheet in sheets
    ]
    return np.concatenate(padded, axis=0)
