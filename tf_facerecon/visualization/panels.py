"""Pictures of a reconstruction for people: a captioned panel, the face in its photograph."""

from collections.abc import Sequence

import numpy as np

from tf_facerecon.geometry import texture_seams
from tf_facerecon.io import image_files
from tf_facerecon.results.fitted_face import FittedFace
from tf_facerecon.visualization import crop_window, mesh_views

TILE_SIZE = 448
_SUPERSAMPLING = mesh_views.VIEW_SIZE // TILE_SIZE
_TURN_DEGREES = 40.0
_MARGIN = 28
_CAPTION_HEIGHT = 44
_CAPTION_SIZE = 22
_PAPER = (255, 255, 255)
_INK = (70, 72, 78)
_BACKDROP_TOP, _BACKDROP_BOTTOM = 0.97, 0.86
_LINE, _POINT, _FOUND = (255, 255, 255), (64, 196, 255), (255, 92, 92)
# iBUG: jaw, brows, nose ridge and base, eyes, outer and inner lips; True closes the line.
_LINES = (
    (range(0, 17), False),
    (range(17, 22), False),
    (range(22, 27), False),
    (range(27, 31), False),
    (range(31, 36), False),
    (range(36, 42), True),
    (range(42, 48), True),
    (range(48, 60), True),
    (range(60, 68), True),
)


def panel(
    face: FittedFace, view: mesh_views.FrontView, texture: np.ndarray | None = None
) -> np.ndarray:
    """Photo, overlay, shape, albedo and landmarks side by side, with captions.

    Args:
        face: The face.
        view: Its `mesh_views.front_view`.
        texture: `[N, N, 3]` uint8 of `photo_texture`; given, a sixth picture shows the textured
            face turned.

    Returns:
        `[height, width, 3]` uint8 RGB.
    """
    photo, _ = crop_window.cut(face.photo, face.crop_transform, TILE_SIZE)
    backdrop = _backdrop(TILE_SIZE)
    tiles = {
        "photo": photo,
        "overlay": _over(view.colours, view.mask, photo),
        "shape": _over(view.clay, view.mask, backdrop),
        "albedo": _over(view.albedo, view.mask, backdrop),
        "landmarks": draw_landmarks(photo, face),
    }
    if texture is not None:
        tiles["turned"] = _turned_tile(face, texture, backdrop)
    return captioned_row(list(tiles.values()), list(tiles))


def overlay_on_photo(face: FittedFace, view: mesh_views.FrontView) -> np.ndarray:
    """The rendered face in its place in the whole photograph: `[height, width, 3]` uint8."""
    return crop_window.lay_on_photo(face.photo, face.crop_transform, view.colours, view.mask)


def draw_landmarks(picture: np.ndarray, face: FittedFace) -> np.ndarray:
    """Draws the mesh's 68 landmarks and the points that were found on the window `[N, N, 3]`."""
    import PIL.Image
    import PIL.ImageDraw

    size = picture.shape[0] * _SUPERSAMPLING
    scale = size / face.camera.image_size
    canvas = PIL.Image.fromarray(image_files.to_uint8(0.78 * picture)).resize((size, size))
    draw = PIL.ImageDraw.Draw(canvas)
    points = [tuple((point + 0.5) * scale) for point in face.landmarks]
    for indices, closed in _LINES:
        line = [points[i] for i in indices]
        draw.line(line + line[:1] if closed else line, fill=_LINE, width=3, joint="curve")
    for point in points:
        _dot(draw, point, 7, _POINT)
    for point in face.crop_transform.to_crop(face.found_points):
        _dot(draw, tuple((point + 0.5) * scale), 8, _FOUND)
    small = canvas.resize(picture.shape[1::-1], PIL.Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255.0


def captioned_row(tiles: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Sets tiles `[N, N, 3]` in [0, 1] side by side on white, each over its caption; uint8."""
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    size = tiles[0].shape[0]
    width = len(tiles) * (size + _MARGIN) + _MARGIN
    sheet = PIL.Image.new("RGB", (width, size + 2 * _MARGIN + _CAPTION_HEIGHT), _PAPER)
    draw = PIL.ImageDraw.Draw(sheet)
    font = PIL.ImageFont.load_default(_CAPTION_SIZE)
    for index, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left = _MARGIN + index * (size + _MARGIN)
        sheet.paste(PIL.Image.fromarray(image_files.to_uint8(tile)), (left, _MARGIN))
        below = (left + size / 2, _MARGIN + size + _CAPTION_HEIGHT / 2 + 6)
        draw.text(below, caption, fill=_INK, font=font, anchor="mm")
    return np.asarray(sheet)


def _turned_tile(face, texture, backdrop):
    """The textured face from the side that the photograph shows more of."""
    yaw = face.rotation_degrees[1]
    degrees = _TURN_DEGREES if yaw > 0 else -_TURN_DEGREES
    vertices, _ = mesh_views.turned(face.vertices, face.normals, degrees)
    cut = texture_seams.cut_seams(face.triangles, face.uv_triangles)
    uv, mask = mesh_views.render_window(
        vertices[cut.vertices], cut.triangles, face.uv[cut.uv], face.camera, mesh_views.VIEW_SIZE
    )
    limit = len(texture) - 1
    columns = np.clip((uv[..., 0] * len(texture)).astype(int), 0, limit)
    rows = np.clip(((1.0 - uv[..., 1]) * len(texture)).astype(int), 0, limit)
    drawn = texture[rows, columns] / 255.0 * mask[..., None]
    return _over(drawn, mask, backdrop)


def _over(drawn, mask, background):
    """Shrinks a large drawing, which smooths its outline, and lays it over a tile."""
    layer = crop_window.resize(
        np.concatenate([drawn, mask[..., None]], axis=-1), background.shape[1::-1]
    )
    return layer[..., :3] + (1.0 - layer[..., 3:]) * background


def _backdrop(size):
    ramp = np.linspace(_BACKDROP_TOP, _BACKDROP_BOTTOM, size, dtype=np.float32)
    return np.broadcast_to(ramp[:, None, None], (size, size, 3))


def _dot(draw, centre, radius, colour):
    x, y = centre
    draw.ellipse(
        (x - radius - 2, y - radius - 2, x + radius + 2, y + radius + 2), fill=(20, 24, 30)
    )
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
