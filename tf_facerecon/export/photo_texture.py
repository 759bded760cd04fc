"""Texture extraction: the photo where the surface is visible, the fitted colours elsewhere."""

import dataclasses
import functools
import hashlib

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.io import image_files
from tf_facerecon.rendering import scan_conversion
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
    texels = _texels(_UvMesh.of(face), size)
    position, facing, depth, fitted = _surface(face, texels.fragments)
    photo, inside = crop_resampling.resample_crop(face.photo, face.crop_transform, size)
    sampled, inside = _sample([photo, inside], position, texels.fragments)
    visibility = _smooth_step(facing, _MIN_FACING, _FULL_FACING) * inside
    visibility *= _unoccluded(view.depth, position, depth)
    gain = _gain(sampled, fitted, visibility)
    weight = _feather(visibility, texels.fragments)
    texture = np.empty(fitted.shape, np.uint8)
    for channel in range(3):
        colour = np.clip(fitted[:, channel] * gain[channel], 0.0, 1.0)
        colour += weight * (sampled[:, channel] - colour)
        texture[:, channel] = image_files.to_uint8(colour)
    return texture[texels.nearest]


@dataclasses.dataclass(frozen=True)
class _UvMesh:
    """The part of a face that is the same for all faces of a face model; equal by its checksum."""

    checksum: bytes
    uv: np.ndarray = dataclasses.field(compare=False)
    uv_triangles: np.ndarray = dataclasses.field(compare=False)
    triangles: np.ndarray = dataclasses.field(compare=False)
    num_vertices: int = dataclasses.field(compare=False)

    @classmethod
    def of(cls, face: FittedFace) -> "_UvMesh":
        arrays = (face.uv, face.uv_triangles, face.triangles)
        checksum = hashlib.sha256(f"{len(face.vertices)}".encode())
        for array in arrays:
            checksum.update(f"{array.dtype} {array.shape}".encode())
            checksum.update(np.ascontiguousarray(array))
        return cls(checksum.digest(), *arrays, len(face.vertices))


@dataclasses.dataclass(frozen=True, eq=False)
class _Texels:
    """Where the texels of a texture lie on the mesh.

    Attributes:
        fragments: The N texels that the mesh covers, of vertices in place of texture coordinates.
        nearest: `[size, size]` the fragment at each texel, or nearest to it: texels that no
            triangle covers repeat it.
    """

    fragments: scan_conversion.Fragments
    nearest: np.ndarray


@functools.lru_cache(maxsize=2)  # Some 40 MB each.
def _texels(mesh: _UvMesh, size: int) -> _Texels:
    """Rasterizes the mesh in texture space."""
    import scipy.ndimage

    flat = np.zeros((len(mesh.uv), 4), np.float32)
    flat[:, :2], flat[:, 3] = 2.0 * mesh.uv - 1.0, 1.0
    covered = scan_conversion.scan_convert(flat, mesh.uv_triangles, (size, size))
    if not len(covered.pixels):
        raise ValueError("The texture coordinates of the mesh cover no texel.")
    fragments = covered.with_corners(mesh.triangles, mesh.num_vertices)
    rows, columns = scipy.ndimage.distance_transform_edt(
        covered.mask == 0, return_distances=False, return_indices=True
    )
    numbers = covered.image(np.arange(len(covered.pixels), dtype=np.int32))
    return _Texels(fragments, numbers[rows, columns])


def _surface(face, fragments):
    """The surface at N texels.

    Returns:
        Row and column in the crop `[N, 2]`, in [0, 1]; cosine of the angle between normal and
        direction to the camera `[N]`; depth `[N]`, decimetres; fitted colours `[N, 3]`.
    """
    clip = cameras.to_clip_space(face.vertices.astype(np.float32), face.camera).numpy()
    # Column and row, 0 to 1 over the crop.
    position = (clip[:, :2] / clip[:, 3:] * np.float32([1, -1]) + 1) / 2
    towards_camera = np.array([0.0, 0.0, face.camera.distance]) - face.vertices
    towards_camera /= np.linalg.norm(towards_camera, axis=-1, keepdims=True)
    facing = np.sum(face.normals * towards_camera, axis=-1, keepdims=True)
    colours = np.clip(face.colours, 0.0, 1.0)
    attributes = [position[:, ::-1], facing, clip[:, 3:], colours]
    values = fragments.interpolate(np.concatenate(attributes, axis=-1))
    return values[:, :2], values[:, 2].copy(), values[:, 3].copy(), values[:, 4:]


def _unoccluded(nearest, position, depth):
    """1 where no other part of the mesh is in front of the texel's surface, else 0."""
    size = len(nearest)
    rows, columns = (np.clip((axis * size).astype(np.int32), 0, size - 1) for axis in position.T)
    return (depth <= nearest[rows, columns] + _DEPTH_TOLERANCE).astype(np.float32)


def _sample(crops, position, fragments):
    """Samples crops bilinearly at rows and columns `position` `[N, 2]` in [0, 1]: `[N, ...]`."""
    import cv2

    # Maps of the texture's size: OpenCV limits the sides of maps.
    rows, columns = (fragments.image(axis * len(crops[0]) - 0.5) for axis in position.T)
    sampled = (
        cv2.remap(crop, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for crop in crops
    )
    return [image.reshape(-1, *image.shape[2:])[fragments.pixels] for image in sampled]


def _smooth_step(values, low, high):
    ramp = np.clip((values - low) / (high - low), 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)


def _gain(sampled, fitted, visibility):
    """Gain `[3]` that maps the mean fitted colour to the photo's over the visible surface."""
    # Not `@`: the threads of BLAS spin on after it and slow down other ones.
    photo_mean, fitted_mean = (np.einsum("n,nc->c", visibility, c) for c in (sampled, fitted))
    ratio = photo_mean / np.maximum(fitted_mean, np.float32(1e-6))
    return np.clip(ratio, 0.5, 2.0) if visibility.any() else np.ones(3, np.float32)


def _feather(visibility, fragments):
    """Feathers the visibility near its borders, never above the visibility itself."""
    import cv2

    blurred = cv2.GaussianBlur(
        fragments.image(visibility), (0, 0), _BLEND_SIGMA, borderType=cv2.BORDER_REFLECT
    )
    return np.minimum(visibility, blurred.reshape(-1)[fragments.pixels] ** 2)
