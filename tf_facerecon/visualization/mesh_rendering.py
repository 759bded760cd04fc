"""High-resolution renderings of a posed mesh over the field of view of its crop.

Convention:
    Every rendering covers the square field of view of the aligned crop, at any resolution: relative
    position `p` in `[0, 1]` from the left or top edge is the same point in the crop, in renderings
    of every size, and in the output of `crop_resampling.resample_crop`.
"""

import dataclasses

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import rotations
from tf_facerecon.rendering import scan_conversion
from tf_facerecon.results.fitted_face import FittedFace

VIEW_SIZE = 896
# Directions towards the two lights of clay renderings, world frame.
_KEY_LIGHT = np.array([-0.45, 0.55, 0.70])
_FILL_LIGHT = np.array([0.75, 0.10, 0.45])
_CLAY = np.array([0.80, 0.79, 0.78])


@dataclasses.dataclass(frozen=True, eq=False)
class CameraView:
    """Renderings of a posed face through its camera, N = `VIEW_SIZE` pixels on each side.

    Attributes:
        colours: `[N, N, 3]` RGB with illumination, in [0, 1]; all images are 0 outside the face.
        albedo: `[N, N, 3]` RGB without illumination, in [0, 1].
        clay: `[N, N, 3]` shaded grey surface, in [0, 1].
        depth: `[N, N]` distance from the camera plane, decimetres; infinite outside the face.
        mask: `[N, N]` 1 inside the face, else 0.
    """

    colours: np.ndarray
    albedo: np.ndarray
    clay: np.ndarray
    depth: np.ndarray
    mask: np.ndarray


def render_camera_view(face: FittedFace) -> CameraView:
    """Renders all images that figures and textures need from the camera, in one pass."""
    attributes = (
        np.clip(face.colours, 0.0, 1.0),
        np.clip(face.albedo, 0.0, 1.0),
        clay_colours(face.normals),
        face.camera.distance - face.vertices[:, 2:],
    )
    rendered, mask = render_attributes(
        face.vertices, face.triangles, np.concatenate(attributes, axis=-1), face.camera, VIEW_SIZE
    )
    colours, albedo, clay, depth = np.split(rendered, [3, 6, 9], axis=-1)
    return CameraView(colours, albedo, clay, np.where(mask > 0, depth[..., 0], np.inf), mask)


def cover_view(
    vertices: np.ndarray, triangles: np.ndarray, camera: cameras.PerspectiveCamera, size: int
) -> scan_conversion.Fragments:
    """The pixels of a mesh over the crop's field of view.

    Args:
        vertices: `[V, 3]` world frame, decimetres.
        triangles: `[T, 3]` vertex indices.
        camera: Camera of the crop.
        size: Pixels on each side.
    """
    clip = cameras.to_clip_space(vertices.astype(np.float32), camera).numpy()
    return scan_conversion.scan_convert(clip, triangles, (size, size))


def render_depth(
    vertices: np.ndarray, triangles: np.ndarray, camera: cameras.PerspectiveCamera, size: int
) -> np.ndarray:
    """Distance `[size, size]` from the camera plane, decimetres; infinite outside the mesh.

    Args:
        vertices: `[V, 3]` world frame, decimetres.
        triangles: `[T, 3]` vertex indices.
        camera: Camera of the crop.
        size: Pixels on each side.
    """
    distances = camera.distance - vertices[:, 2:]
    depth, mask = render_attributes(vertices, triangles, distances, camera, size)
    return np.where(mask > 0, depth[..., 0], np.inf)


def render_attributes(
    vertices: np.ndarray,
    triangles: np.ndarray,
    attributes: np.ndarray,
    camera: cameras.PerspectiveCamera,
    size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Renders per-vertex attributes of a mesh over the crop's field of view.

    Args:
        vertices: `[V, 3]` world frame, decimetres.
        triangles: `[T, 3]` vertex indices.
        attributes: `[V, C]`, interpolated with perspective correction.
        camera: Camera of the crop.
        size: Pixels on each side.

    Returns:
        Attributes `[size, size, C]`, 0 outside the mesh, and the mask `[size, size]` of 0 and 1.
    """
    fragments = cover_view(vertices, triangles, camera, size)
    return fragments.image(fragments.interpolate(attributes)), fragments.mask


def clay_colours(normals: np.ndarray) -> np.ndarray:
    """Lambertian shading `[V, 3]` of a grey surface by two lights, from unit normals `[V, 3]`."""
    key = np.clip(normals @ (_KEY_LIGHT / np.linalg.norm(_KEY_LIGHT)), 0.0, None)
    fill = np.clip(normals @ (_FILL_LIGHT / np.linalg.norm(_FILL_LIGHT)), 0.0, None)
    brightness = 0.16 + 0.72 * key + 0.22 * fill
    return np.clip(brightness[:, None] * _CLAY, 0.0, 1.0)


def rotate_yaw(
    vertices: np.ndarray, normals: np.ndarray, degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rotates a mesh about the vertical axis through the centre of its bounding box.

    Args:
        vertices: `[V, 3]`.
        normals: `[V, 3]`.
        degrees: Yaw; positive turns the face to the right in the image.

    Returns:
        Rotated vertices and normals.
    """
    angles = np.array([0.0, np.radians(degrees), 0.0])
    rotation = rotations.rotation_matrix_from_euler(angles).numpy()
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return (vertices - centre) @ rotation.T + centre, normals @ rotation.T
