"""Texture of a mesh: the photograph where it shows the surface, fitted colours elsewhere."""

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import texture_seams
from tf_facerecon.io import image_files
from tf_facerecon.results.fitted_face import FittedFace
from tf_facerecon.visualization import crop_window, mesh_views

TEXTURE_SIZE = 1024
# Cosines of the angle between surface normal and view at which the photograph begins to count, and
# at which it counts fully.
_GRAZING, _FACING = 0.15, 0.45
_DEPTH_TOLERANCE = 0.03  # Decimetres behind the nearest surface that still count as visible.
_BLEND_SIGMA = 8.0  # Texels over which the photograph fades into fitted colours.


def photo_texture(
    face: FittedFace, view: mesh_views.FrontView, size: int = TEXTURE_SIZE
) -> np.ndarray:
    """Unwraps the photograph through the mesh's texture coordinates.

    A texel takes the photograph's colour by as much as its surface faces the camera and nothing of
    the mesh hides it. The rest takes the fitted colours, brought to the photograph's mean colour so
    that the seam does not show. Light is baked in. Texels beside the mesh repeat the nearest one,
    so that filtering does not pull in a background.

    Args:
        face: The face.
        view: Its `mesh_views.front_view`, which says what hides what.
        size: Texels on each side.

    Returns:
        `[size, size, 3]` uint8, row 0 at v = 1.
    """
    surface, covered = _unwrap(face, size)
    photo, inside = crop_window.cut(face.photo, face.crop_transform, size)
    spot = np.moveaxis(surface["spot"], -1, 0)
    seen = _smooth_step(surface["facing"][..., 0], _GRAZING, _FACING) * covered
    seen = seen * _sample(inside[..., None], spot)[..., 0]
    seen = seen * _unhidden(view.depth, spot, surface["depth"][..., 0])
    sampled = _sample(photo, spot)
    fitted = surface["colours"]
    fitted = np.clip(fitted * _gain(sampled, fitted, seen), 0.0, 1.0)
    weight = _fade(seen)[..., None]
    texture = weight * sampled + (1.0 - weight) * fitted
    return image_files.to_uint8(_spread(texture, covered))


def _unwrap(face, size):
    """Draws the mesh flat in texture space: where in the crop window each texel's surface is."""
    vertices = face.vertices
    camera = face.camera
    clip = cameras.to_clip_space(vertices.astype(np.float32), camera).numpy()
    across = (
        clip[:, :2] / clip[:, 3:] * [1.0, -1.0] + 1.0
    ) / 2.0  # Column, row; 0 to 1 over the window.
    towards_camera = np.array([0.0, 0.0, camera.distance]) - vertices
    towards_camera /= np.linalg.norm(towards_camera, axis=-1, keepdims=True)
    facing = np.sum(face.normals * towards_camera, axis=-1, keepdims=True)
    parts = {
        "spot": across[:, ::-1],
        "facing": facing,
        "depth": clip[:, 3:],
        "colours": np.clip(face.colours, 0.0, 1.0),
    }
    cut = texture_seams.cut_seams(face.triangles, face.uv_triangles)
    uv = face.uv[cut.uv]
    flat = np.concatenate([2.0 * uv - 1.0, np.zeros((len(uv), 1)), np.ones((len(uv), 1))], axis=-1)
    attributes = np.concatenate(list(parts.values()), axis=-1)[cut.vertices]
    drawn, covered = mesh_views.rasterize_square(flat, cut.triangles, attributes, size)
    ends = np.cumsum([part.shape[-1] for part in parts.values()])
    return dict(zip(parts, np.split(drawn, ends[:-1], axis=-1), strict=True)), covered


def _unhidden(nearest, spot, depth):
    """1 where no other part of the mesh lies in front of the texel's surface."""
    size = len(nearest)
    rows, columns = (np.clip((axis * size).astype(int), 0, size - 1) for axis in spot)
    return (depth <= nearest[rows, columns] + _DEPTH_TOLERANCE).astype(np.float32)


def _sample(image: np.ndarray, spot: np.ndarray) -> np.ndarray:
    """Bilinear values `[H, W, C]` of a window picture at rows and columns `spot` `[2, H, W]`."""
    import scipy.ndimage

    positions = spot * image.shape[0] - 0.5
    return np.stack(
        [
            scipy.ndimage.map_coordinates(image[..., c], positions, order=1, mode="nearest")
            for c in range(image.shape[-1])
        ],
        axis=-1,
    )


def _smooth_step(values, low, high):
    ramp = np.clip((values - low) / (high - low), 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)


def _gain(sampled, fitted, seen):
    """Factor per channel that brings fitted colours to the photograph's mean where it is seen."""
    weight = seen[..., None]
    photo_mean, fitted_mean = ((weight * colours).sum(axis=(0, 1)) for colours in (sampled, fitted))
    ratio = photo_mean / np.maximum(fitted_mean, 1e-6)
    return np.clip(ratio, 0.5, 2.0) if seen.any() else np.ones(3)


def _fade(seen):
    """Lowers `seen` near its borders; no texel takes more of the photograph than it shows."""
    import scipy.ndimage

    return np.minimum(seen, scipy.ndimage.gaussian_filter(seen, _BLEND_SIGMA) ** 2)


def _spread(texture, covered):
    """Gives texels beside the mesh the colour of the nearest covered one."""
    import scipy.ndimage

    if not covered.any():
        return texture
    _, (rows, columns) = scipy.ndimage.distance_transform_edt(covered == 0, return_indices=True)
    return texture[rows, columns]
