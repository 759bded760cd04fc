"""Projection of photos into the texture space of a mesh: what they show of it, and how well.

Convention:
    Arrays of N values belong to the N texels that the mesh covers.
"""

import dataclasses
import functools
import hashlib

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.rendering import scan_conversion

# Cosines of the angle between surface normal and viewing direction between which the weight of the
# photo rises from 0 to 1.
_MIN_FACING, _FULL_FACING = 0.15, 0.45
_DEPTH_TOLERANCE = 0.03  # Decimetres behind the depth map within which a surface is visible.
_BLEND_SIGMA = 8.0  # Texels over which the photo is blended into the fitted colours.


@dataclasses.dataclass(frozen=True)
class UvMesh:
    """The part of a face that is the same for all faces of a face model; equal by its checksum."""

    checksum: bytes
    uv: np.ndarray = dataclasses.field(compare=False)
    uv_triangles: np.ndarray = dataclasses.field(compare=False)
    triangles: np.ndarray = dataclasses.field(compare=False)
    num_vertices: int = dataclasses.field(compare=False)

    @classmethod
    def create(
        cls, uv: np.ndarray, uv_triangles: np.ndarray, triangles: np.ndarray, num_vertices: int
    ) -> "UvMesh":
        """Computes the checksum.

        Args:
            uv: `[U, 2]` texture coordinates.
            uv_triangles: `[T, 3]`, rows of `uv`.
            triangles: `[T, 3]`, vertices.
            num_vertices: How many vertices there are.
        """
        checksum = hashlib.sha256(f"{num_vertices}".encode())
        for array in (uv, uv_triangles, triangles):
            checksum.update(f"{array.dtype} {array.shape}".encode())
            checksum.update(np.ascontiguousarray(array))
        return cls(checksum.digest(), uv, uv_triangles, triangles, num_vertices)


@dataclasses.dataclass(frozen=True, eq=False)
class Texels:
    """Where the texels of a texture lie on the mesh.

    Attributes:
        fragments: The N texels that the mesh covers, of vertices in place of texture coordinates.
        nearest: `[size, size]` the fragment at each texel, or nearest to it: texels that no
            triangle covers repeat it.
    """

    fragments: scan_conversion.Fragments
    nearest: np.ndarray


@functools.lru_cache(maxsize=2)  # Some 40 MB each.
def cover_texels(mesh: UvMesh, size: int) -> Texels:
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
    return Texels(fragments, numbers[rows, columns])


@dataclasses.dataclass(frozen=True, eq=False)
class Projection:
    """A photo in texture space.

    Attributes:
        sampled: `[N, 3]` colour of the photo, in [0, 1].
        fitted: `[N, 3]` fitted colour, in [0, 1].
        visibility: `[N]` 0 where the photo does not show the surface, up to 1 where it faces the
            camera.
    """

    sampled: np.ndarray
    fitted: np.ndarray
    visibility: np.ndarray


def project_photo(
    fragments: scan_conversion.Fragments,
    *,
    vertices: np.ndarray,
    normals: np.ndarray,
    colours: np.ndarray,
    camera: cameras.PerspectiveCamera,
    crop: np.ndarray,
    inside: np.ndarray,
    depth: np.ndarray,
) -> Projection:
    """Projects a photo onto a posed mesh.

    Args:
        fragments: Of `Texels`.
        vertices: `[V, 3]` world frame, decimetres.
        normals: `[V, 3]` unit normals.
        colours: `[V, 3]` fitted colours.
        camera: Camera of the crop.
        crop: `[S, S, 3]` float32, the crop at any resolution, RGB in [0, 1].
        inside: `[S, S]` float32, 1 inside the photo, else 0.
        depth: `[D, D]` distance of the nearest surface from the camera plane over the crop's field
            of view, decimetres; infinite where there is none.
    """
    clip = cameras.to_clip_space(vertices.astype(np.float32), camera).numpy()
    # Column and row, 0 to 1 over the crop.
    position = (clip[:, :2] / clip[:, 3:] * np.float32([1, -1]) + 1) / 2
    towards_camera = np.array([0.0, 0.0, camera.distance]) - vertices
    towards_camera /= np.linalg.norm(towards_camera, axis=-1, keepdims=True)
    facing = np.sum(normals * towards_camera, axis=-1, keepdims=True)
    attributes = [position[:, ::-1], facing, clip[:, 3:], np.clip(colours, 0.0, 1.0)]
    values = fragments.interpolate(np.concatenate(attributes, axis=-1))
    position, facing, own_depth = values[:, :2], values[:, 2].copy(), values[:, 3].copy()
    sampled, inside = _sample([crop, inside], position, fragments)
    visibility = _smooth_step(facing, _MIN_FACING, _FULL_FACING) * inside
    visibility *= _unoccluded(depth, position, own_depth)
    return Projection(sampled, values[:, 4:], visibility)


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


def mean_colour(colours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean `[3]` of colours `[N, 3]`; 0 where all weights are 0."""
    # Not `@`: the threads of BLAS spin on after it and slow down other ones.
    total = np.einsum("n,nc->c", weights, colours)
    return total / max(float(weights.sum()), 1e-6)


def gain(target: np.ndarray, colour: np.ndarray, limit: float) -> np.ndarray:
    """Gain `[3]` from the mean `colour` to another, 1 / `limit` to `limit`; 1 if one is black."""
    if not (target.any() and colour.any()):
        return np.ones(3, np.float32)
    return np.clip(target / np.maximum(colour, np.float32(1e-6)), 1.0 / limit, limit)


def feather(visibility: np.ndarray, fragments: scan_conversion.Fragments) -> np.ndarray:
    """Feathers the visibility `[N]` near its borders, never above the visibility itself."""
    import cv2

    blurred = cv2.GaussianBlur(
        fragments.image(visibility), (0, 0), _BLEND_SIGMA, borderType=cv2.BORDER_REFLECT
    )
    return np.minimum(visibility, blurred.reshape(-1)[fragments.pixels] ** 2)
