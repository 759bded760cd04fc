"""Figures of one reconstructed face: a captioned panel, and the face composited over its photo."""

import numpy as np

from tf_facerecon.io import image_files
from tf_facerecon.rendering import scan_conversion
from tf_facerecon.results.fitted_face import FittedFace
from tf_facerecon.visualization import crop_resampling, image_grid, mesh_rendering

TILE_SIZE = 448
_SUPERSAMPLING = mesh_rendering.VIEW_SIZE // TILE_SIZE
_ROTATED_VIEW_DEGREES = 40.0
_BACKGROUND_TOP, _BACKGROUND_BOTTOM = 0.97, 0.86
_CONTOUR_COLOUR = (255, 255, 255)
_LANDMARK_COLOUR = (64, 196, 255)
_ALIGNMENT_POINT_COLOUR = (255, 92, 92)
_DOT_OUTLINE_COLOUR = (20, 24, 30)
# Contours through the iBUG landmarks: jaw, brows, nose bridge and base, eyes, outer and inner lips;
# whether the contour is closed.
_CONTOURS = (
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


def draw_panel(
    face: FittedFace,
    view: mesh_rendering.CameraView,
    texture: np.ndarray | None = None,
    rotated: scan_conversion.Fragments | None = None,
) -> np.ndarray:
    """Draws photo, overlay, shape, albedo and landmarks side by side, with captions.

    Args:
        face: The face.
        view: Of `mesh_rendering.render_camera_view(face)`.
        texture: `[N, N, 3]` uint8 of `photo_texture.extract_texture`; if given, a sixth tile shows
            the textured face rotated by 40 degrees about the vertical axis.
        rotated: Of `cover_rotated_view(face)`; by default computed when needed.

    Returns:
        `[height, width, 3]` uint8 RGB.
    """
    photo, _ = crop_resampling.resample_crop(face.photo, face.crop_transform, TILE_SIZE)
    background = _background(TILE_SIZE)
    tiles = {
        "photo": photo,
        "overlay": _composite(view.colours, view.mask, photo),
        "shape": _composite(view.clay, view.mask, background),
        "albedo": _composite(view.albedo, view.mask, background),
        "landmarks": draw_landmarks(photo, face),
    }
    if texture is not None:
        rotated = rotated or cover_rotated_view(face)
        tiles["rotated"] = _rotated_tile(face, rotated, texture, background)
    return image_grid.captioned_row(list(tiles.values()), list(tiles))


def cover_rotated_view(face: FittedFace) -> scan_conversion.Fragments:
    """The pixels of the face, rotated towards the side that is more visible in the photo."""
    yaw = face.rotation_degrees[1]
    degrees = _ROTATED_VIEW_DEGREES if yaw > 0 else -_ROTATED_VIEW_DEGREES
    vertices, _ = mesh_rendering.rotate_yaw(face.vertices, face.normals, degrees)
    return mesh_rendering.cover_view(
        vertices, face.triangles, face.camera, mesh_rendering.VIEW_SIZE
    )


def draw_overlay(face: FittedFace, view: mesh_rendering.CameraView) -> np.ndarray:
    """Composites the rendered face over the whole photo: `[height, width, 3]` uint8 RGB."""
    return crop_resampling.composite_on_photo(
        face.photo, face.crop_transform, view.colours, view.mask
    )


def draw_landmarks(crop: np.ndarray, face: FittedFace) -> np.ndarray:
    """Draws the 68 landmarks of the mesh (blue) and the alignment points (red) over the crop.

    Args:
        crop: `[N, N, 3]` RGB in [0, 1], the crop at any resolution.
        face: The face.

    Returns:
        `[N, N, 3]` float32 RGB in [0, 1].
    """
    import PIL.Image
    import PIL.ImageDraw

    size = crop.shape[0] * _SUPERSAMPLING
    scale = size / face.camera.image_size
    canvas = PIL.Image.fromarray(image_files.to_uint8(0.78 * crop)).resize((size, size))
    draw = PIL.ImageDraw.Draw(canvas)
    points = [tuple((point + 0.5) * scale) for point in face.landmarks]
    for indices, closed in _CONTOURS:
        line = [points[i] for i in indices]
        line += line[:1] if closed else []
        draw.line(line, fill=_CONTOUR_COLOUR, width=3, joint="curve")
    for point in points:
        _draw_dot(draw, point, 7, _LANDMARK_COLOUR)
    for point in face.crop_transform.to_crop(face.alignment_points):
        _draw_dot(draw, tuple((point + 0.5) * scale), 8, _ALIGNMENT_POINT_COLOUR)
    downsampled = canvas.resize(crop.shape[1::-1], PIL.Image.Resampling.BOX)
    return np.asarray(downsampled, np.float32) / 255.0


def _rotated_tile(face, rotated, texture, background):
    """The textured face of `cover_rotated_view`."""
    uv = rotated.with_corners(face.uv_triangles, len(face.uv)).interpolate(face.uv)
    limit = len(texture) - 1
    columns = np.clip((uv[:, 0] * len(texture)).astype(np.int32), 0, limit)
    rows = np.clip(((1.0 - uv[:, 1]) * len(texture)).astype(np.int32), 0, limit)
    rendered = rotated.image(texture[rows, columns] / np.float32(255.0))
    return _composite(rendered, rotated.mask, background)


def _composite(rendered, mask, background):
    """Downsamples a rendering, which antialiases its outline, and composites it over a tile."""
    size = background.shape[1::-1]
    colours, alpha = (crop_resampling.resize(layer, size) for layer in (rendered, mask[..., None]))
    return colours + (1.0 - alpha) * background


def _background(size):
    """Light grey gradient `[size, size, 3]`."""
    ramp = np.linspace(_BACKGROUND_TOP, _BACKGROUND_BOTTOM, size, dtype=np.float32)
    return np.broadcast_to(ramp[:, None, None], (size, size, 3))


def _draw_dot(draw, centre, radius, colour):
    x, y = centre
    for r, fill in ((radius + 2, _DOT_OUTLINE_COLOUR), (radius, colour)):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
