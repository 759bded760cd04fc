"""Texture extraction: the photo where the surface is visible, the fitted colours elsewhere."""

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import texture_seams
from tf_facerecon.io import image_files
from tf_facerecon.results.fitted_face import FittedFace
from tf_facerecon.visualization import crop_resampling, mesh_rendering

TEXTURE_SIZE = 1024
# Cosines of the angle between surface normal and viewing direction between which the weight of the
# photo rises from 0 to 1.
_MIN_FACING, _FULL_FACING = 0.15, 0.45
_DEPTH_TOLERANCE = 0.03  # Decimetres behind the depth map within which a surface is visible.
_BLEND_SIGMA = 8.0  # Texels over which the photo is blended into the fitted colours.


def extract_texture(
    face: FittedFace, view: mesh_rendering.CameraView, size: int = TEXTURE_SIZE
) -> np.ndarray:
    """Unwraps the photo into the texture space of the mesh.

    The weight of the photo in a texel depends on the angle between surface and viewing direction,
    and is 0 where the mesh occludes itself and outside the photo. The rest is filled with the
    fitted colours, scaled to the photo's mean colour so that the transition is not visible. The
    illumination of the photo is baked in. Texels that no triangle covers repeat the nearest covered
    one, so that texture filtering does not blend in a background.

    Args:
        face: The face.
        view: Of `mesh_rendering.render_camera_view(face)`; its depth map resolves occlusion.
        size: Texels on each side.

    Returns:
        `[size, size, 3]` uint8 RGB, row 0 at v = 1.
    """
    surface, covered = _unwrap(face, size)
    photo, inside = crop_resampling.resample_crop(face.photo, face.crop_transform, size)
    position = np.moveaxis(surface["position"], -1, 0)
    visibility = _smooth_step(surface["facing"][..., 0], _MIN_FACING, _FULL_FACING) * covered
    visibility = visibility * _sample(inside[..., None], position)[..., 0]
    visibility = visibility * _unoccluded(view.depth, position, surface["depth"][..., 0])
    sampled = _sample(photo, position)
    fitted = surface["colours"]
    fitted = np.clip(fitted * _gain(sampled, fitted, visibility), 0.0, 1.0)
    weight = _feather(visibility)[..., None]
    texture = weight * sampled + (1.0 - weight) * fitted
    return image_files.to_uint8(_fill_uncovered(texture, covered))


def _unwrap(face, size):
    """Rasterizes the mesh in texture space.

    Returns:
        Dict of attributes `[size, size, C]` of each texel's surface (`position` in the crop, row
        and column in [0, 1]; `facing`, `depth`, `colours`), and the mask `[size, size]`.
    """
    vertices = face.vertices
    camera = face.camera
    clip = cameras.to_clip_space(vertices.astype(np.float32), camera).numpy()
    # Column and row, 0 to 1 over the crop.
    position = (clip[:, :2] / clip[:, 3:] * [1.0, -1.0] + 1.0) / 2.0
    towards_camera = np.array([0.0, 0.0, camera.distance]) - vertices
    towards_camera /= np.linalg.norm(towards_camera, axis=-1, keepdims=True)
    facing = np.sum(face.normals * towards_camera, axis=-1, keepdims=True)
    attributes = {
        "position": position[:, ::-1],
        "facing": facing,
        "depth": clip[:, 3:],
        "colours": np.clip(face.colours, 0.0, 1.0),
    }
    cut = texture_seams.cut_seams(face.triangles, face.uv_triangles)
    uv = face.uv[cut.uv]
    flat = np.concatenate([2.0 * uv - 1.0, np.zeros((len(uv), 1)), np.ones((len(uv), 1))], axis=-1)
    values = np.concatenate(list(attributes.values()), axis=-1)[cut.vertices]
    rendered, covered = mesh_rendering.rasterize_attributes(flat, cut.triangles, values, size)
    ends = np.cumsum([value.shape[-1] for value in attributes.values()])
    return dict(zip(attributes, np.split(rendered, ends[:-1], axis=-1), strict=True)), covered


def _unoccluded(nearest, position, depth):
    """1 where no other part of the mesh is in front of the texel's surface, else 0."""
    size = len(nearest)
    rows, columns = (np.clip((axis * size).astype(int), 0, size - 1) for axis in position)
    return (depth <= nearest[rows, columns] + _DEPTH_TOLERANCE).astype(np.float32)


def _sample(image: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Samples a crop bilinearly at rows and columns `position` `[2, H, W]` in [0, 1]."""
    import scipy.ndimage

    positions = position * image.shape[0] - 0.5
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


def _gain(sampled, fitted, visibility):
    """Gain `[3]` that maps the mean fitted colour to the photo's over the visible surface."""
    weight = visibility[..., None]
    photo_mean, fitted_mean = ((weight * colours).sum(axis=(0, 1)) for colours in (sampled, fitted))
    ratio = photo_mean / np.maximum(fitted_mean, 1e-6)
    return np.clip(ratio, 0.5, 2.0) if visibility.any() else np.ones(3)


def _feather(visibility):
    """Feathers the visibility near its borders, never above the visibility itself."""
    import scipy.ndimage

    return np.minimum(visibility, scipy.ndimage.gaussian_filter(visibility, _BLEND_SIGMA) ** 2)


def _fill_uncovered(texture, covered):
    """Fills texels that no triangle covers with the colour of the nearest covered one."""
    import scipy.ndimage

    if not covered.any():
        return texture
    _, (rows, columns) = scipy.ndimage.distance_transform_edt(covered == 0, return_indices=True)
    return texture[rows, columns]
