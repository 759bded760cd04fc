"""Figures of a 3DMM: mean face, first modes, random faces and landmarks."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import coefficient_sampling
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import texture_seams
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.visualization import crop_resampling, image_grid, mesh_rendering
from tf_facerecon.visualization.face_thumbnails import (
    BACKGROUND,
    SUPERSAMPLING,
    TILE_SIZE,
    ThumbnailRenderer,
)

COLUMNS = 8
ANGLES = (-75.0, -40.0, 0.0, 40.0, 75.0)
_SUMMARY_COLUMNS = 6
_SUMMARY_MODES = 2  # Of identity and of albedo.
_LARGE_TILE_SIZE = 980
_CAPTION_LENGTH = 18
_REGION_COLOURS = np.array(
    [[0.95, 0.75, 0.35], [0.40, 0.65, 0.95], [0.30, 0.80, 0.45], [0.90, 0.30, 0.40]]
)
_CHECKS = 32  # Squares of the checkerboard texture along each side.

# Caption and image `[TILE_SIZE, TILE_SIZE, 3]` in [0, 1].
_Tile = tuple[str, np.ndarray]


def model_overview(model: MorphableModel, seed: int = 0) -> np.ndarray:
    """Draws the overview of a 3DMM.

    Args:
        model: The 3DMM.
        seed: Seed of the random faces.

    Returns:
        `[height, width, 3]` uint8 RGB. Rows from the top: the mean face at five yaw angles, its
        shape, its regions, and with a checkerboard texture; the first modes of identity, expression
        and albedo, at -2 and +2 standard deviations or at the ends of their range; random faces;
        the numbered landmarks, frontal and rotated.
    """
    renderer = ThumbnailRenderer.for_model(model)
    identity = (f"identity {mode + 1}" for mode in range(model.identity_basis.shape[-1]))
    expression = model.expression_names or tuple(
        f"expression {mode + 1}" for mode in range(model.expression_basis.shape[-1])
    )
    tiles = [
        *_mean_tiles(renderer),
        *_shape_tiles(renderer, model.identity_basis, identity, None),
        *_shape_tiles(renderer, model.expression_basis, expression, model.expression_range),
        *_albedo_tiles(renderer),
        *_random_tiles(renderer, seed, COLUMNS),
    ]
    rows = [
        _captioned_row(tiles[first : first + COLUMNS]) for first in range(0, len(tiles), COLUMNS)
    ]
    large = [_landmark_tile(renderer, degrees) for degrees in (0.0, 50.0)]
    landmarks = image_grid.captioned_row(large, ["68 landmarks", "yaw +50 degrees"])
    return image_grid.stack_rows([*rows, landmarks])


def model_summary(model: MorphableModel, seed: int = 0) -> np.ndarray:
    """Draws a smaller figure of a 3DMM, all faces with their colours.

    Args:
        model: The 3DMM.
        seed: Seed of the random faces.

    Returns:
        `[height, width, 3]` uint8 RGB. Rows from the top: the mean face at five yaw angles and its
        shape; the first two modes of identity and of albedo, at -2, 0 and +2 standard deviations;
        twelve random faces.
    """
    renderer = ThumbnailRenderer.for_model(model)
    modes = [
        (f"{kind} {mode + 1}: {coefficient:+g}", renderer.render_lit(shape, albedo))
        for kind, basis in (("identity", model.identity_basis), ("texture", model.albedo_basis))
        for mode in range(_SUMMARY_MODES)
        for coefficient in (-2.0, 0.0, 2.0)
        for shape, albedo in [_along_mode(model, kind, coefficient * basis[..., mode])]
    ]
    tiles = [
        *_angle_tiles(renderer),
        *modes,
        *_random_tiles(renderer, seed, 2 * _SUMMARY_COLUMNS),
    ]
    rows = range(0, len(tiles), _SUMMARY_COLUMNS)
    return image_grid.stack_rows(
        [_captioned_row(tiles[first : first + _SUMMARY_COLUMNS]) for first in rows]
    )


def _along_mode(
    model: MorphableModel, kind: str, change: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shape and albedo of the mean face, one of them changed."""
    if kind == "identity":
        return model.mean_shape + change, model.mean_albedo
    return model.mean_shape, np.clip(model.mean_albedo + change, 0.0, 1.0)


def _angle_tiles(renderer: ThumbnailRenderer) -> list[_Tile]:
    mean, albedo = renderer.model.mean_shape, renderer.model.mean_albedo
    return [
        *(
            (f"{degrees:+.0f} degrees", renderer.render_lit(mean, albedo, degrees))
            for degrees in ANGLES
        ),
        ("shape", renderer.render_clay(mean)),
    ]


def _mean_tiles(renderer: ThumbnailRenderer) -> list[_Tile]:
    mean = renderer.model.mean_shape
    return [
        *_angle_tiles(renderer),
        ("regions", renderer.render(mean, _region_colours(renderer.model))),
        ("texture", _checkerboard_tile(renderer)),
    ]


def _region_colours(model: MorphableModel) -> np.ndarray:
    """Colours `[V, 3]`: face region, skin and the other regions blended over grey."""
    colours = np.full((model.num_vertices, 3), 0.75)
    others = [
        region for name, region in model.regions.items() if name not in ("skin", "small_face")
    ]
    regions = [model.face_region, model.skin_region, *others]
    for number, region in enumerate(regions):
        target = _REGION_COLOURS[min(number, len(_REGION_COLOURS) - 1)]
        colours += region[:, None] * (target - colours)
    return colours


def _checkerboard_tile(renderer: ThumbnailRenderer) -> np.ndarray:
    """The mean face with a checkerboard texture, which shows seams and stretching."""
    model = renderer.model
    cut = texture_seams.cut_seams(model.triangles, model.uv_triangles)
    size = TILE_SIZE * SUPERSAMPLING
    rendered, mask = mesh_rendering.render_attributes(
        model.mean_shape[cut.vertices] - renderer.centre,
        cut.triangles,
        model.uv[cut.uv],
        renderer.camera,
        size,
    )
    checks = np.floor(_CHECKS * rendered).sum(axis=-1) % 2
    colours = np.where(checks[..., None] > 0, [0.30, 0.42, 0.60], [0.92, 0.90, 0.85])
    colours = np.where(mask[..., None] > 0, colours, BACKGROUND)
    return crop_resampling.resize(colours, (TILE_SIZE, TILE_SIZE))


def _shape_tiles(
    renderer: ThumbnailRenderer, basis: np.ndarray, names: Iterable[str], ranges: np.ndarray | None
) -> list[_Tile]:
    """Tiles of the first modes at the lower and upper ends of their ranges.

    If all ranges start at 0, the neutral face, only the upper ends are rendered.
    """
    num_modes = basis.shape[-1]
    ends = np.tile([-2.0, 2.0], (num_modes, 1)) if ranges is None else ranges.astype(np.float64)
    if (ends[:, 0] == 0).all():
        samples = [(mode, ends[mode, 1]) for mode in range(min(2 * COLUMNS, num_modes))]
    else:
        first = range(min(COLUMNS, num_modes))
        samples = [(mode, ends[mode, end]) for end in (0, 1) for mode in first]
    names = list(names)
    return _padded(
        (
            f"{_short(names[mode])} {coefficient:+g}",
            renderer.render_clay(renderer.model.mean_shape + coefficient * basis[..., mode]),
        )
        for mode, coefficient in samples
    )


def _albedo_tiles(renderer: ThumbnailRenderer) -> list[_Tile]:
    model = renderer.model
    return _padded(
        (
            f"texture {mode + 1} {sign:+g}",
            renderer.render(
                model.mean_shape,
                np.clip(model.mean_albedo + sign * model.albedo_basis[..., mode], 0.0, 1.0),
            ),
        )
        for sign in (-2.0, 2.0)
        for mode in range(min(COLUMNS, model.albedo_basis.shape[-1]))
    )


def _random_tiles(renderer: ThumbnailRenderer, seed: int, count: int) -> list[_Tile]:
    """Random faces of increasing expression strength, yaw alternating between both sides."""
    model = renderer.model
    generator = np.random.default_rng(seed)
    identity, texture = (
        generator.normal(size=(count, basis.shape[-1])).astype(np.float32)
        for basis in (model.identity_basis, model.albedo_basis)
    )
    strengths = tf.constant(np.linspace(0.0, 1.0, count)[:, None], tf.float32)
    expression = coefficient_sampling.sample_expression(
        model, strengths, tf.constant([seed, 0]), coefficient_sampling.FaceDistribution()
    ).numpy()
    tiles = []
    for number in range(count):
        shape = model.mean_shape + model.identity_basis @ identity[number]
        shape = shape + model.expression_basis @ expression[number]
        albedo = model.mean_albedo + model.albedo_basis @ texture[number]
        degrees = 20.0 if number % 2 else -20.0
        tiles.append((f"random {number + 1}", renderer.render_lit(shape, albedo, degrees)))
    return tiles


def _landmark_tile(renderer: ThumbnailRenderer, degrees: float) -> np.ndarray:
    """Large rendering with numbered landmarks; those of the NoW challenge are red."""
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    model, size = renderer.model, _LARGE_TILE_SIZE
    mean = model.mean_shape.astype(np.float64)
    vertices, normals = mesh_rendering.rotate_yaw(mean, renderer.normals(mean), degrees)
    # No supersampling: rendering dominates the time here, and the tile is large.
    colours = 0.5 + 0.5 * mesh_rendering.clay_colours(normals)
    tile = renderer.render(vertices, colours, size=size, supersampling=1)
    image = PIL.Image.fromarray(np.uint8(np.clip(255 * tile, 0, 255)))
    draw = PIL.ImageDraw.Draw(image)
    font = PIL.ImageFont.load_default(15)
    points = cameras.project(vertices[model.landmarks] - renderer.centre, renderer.camera).numpy()
    points = (points + 0.5) * size / TILE_SIZE  # Pillow counts from the edge of the first pixel.
    for number, (column, row) in enumerate(points):
        red = model.landmarks[number] in model.now_landmarks
        colour = (200, 30, 40) if red else (20, 70, 160)
        draw.ellipse((column - 3, row - 3, column + 3, row + 3), fill=colour)
        draw.text((column + 5, row - 8), str(number), fill=colour, font=font)
    return np.asarray(image) / 255.0


def _short(name: str) -> str:
    return name if len(name) <= _CAPTION_LENGTH else f"{name[: _CAPTION_LENGTH - 1]}…"


def _padded(tiles: Iterable[_Tile]) -> list[_Tile]:
    """Appends blank tiles up to a whole number of rows."""
    tiles = list(tiles)
    blank = np.ones((TILE_SIZE, TILE_SIZE, 3))
    return tiles + [("", blank)] * (-len(tiles) % COLUMNS)


def _captioned_row(row: Sequence[_Tile]) -> np.ndarray:
    captions, tiles = zip(*row, strict=True)
    return image_grid.captioned_row(tiles, captions)
