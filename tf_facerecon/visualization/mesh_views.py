"""Large renderings of a reconstructed mesh over the window of its crop.

Convention:
    A view is the square window of the aligned crop at any resolution: position `p` in `[0, 1]` from
    the left or top edge is the same spot in the crop, in a rendering of any size, and in
    `crop_window`.
"""

import dataclasses

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import rotations
from tf_facerecon.rendering import rasterizer
from tf_facerecon.results.fitted_face import FittedFace

VIEW_SIZE = 896
_KEY_LIGHT = np.array([-0.45, 0.55, 0.70])
_FILL_LIGHT = np.array([0.75, 0.10, 0.45])
_CLAY = np.array([0.80, 0.79, 0.78])


@dataclasses.dataclass(frozen=True, eq=False)
class FrontView:
    """The posed face over the crop's window, N = `VIEW_SIZE` pixels on each side.

    Attributes:
        colours: `[N, N, 3]` with light, in [0, 1]; as all pictures here, 0 outside the face.
        albedo: `[N, N, 3]` without light, in [0, 1].
        clay: `[N, N, 3]` as a grey surface, in [0, 1].
        depth: `[N, N]` distance from the camera's plane, decimetres; infinite outside the face.
        mask: `[N, N]` 1 on the face, else 0.
    """

    colours: np.ndarray
    albedo: np.ndarray
    clay: np.ndarray
    depth: np.ndarray
    mask: np.ndarray


def front_view(face: FittedFace) -> FrontView:
    """Draws everything that pictures and textures need from the front, in one pass."""
    parts = (
        np.clip(face.colours, 0.0, 1.0),
        np.clip(face.albedo, 0.0, 1.0),
        clay_colours(face.normals),
        face.camera.distance - face.vertices[:, 2:],
    )
    drawn, mask = render_window(
        face.vertices, face.triangles, np.concatenate(parts, axis=-1), face.camera, VIEW_SIZE
    )
    colours, albedo, clay, depth = np.split(drawn, [3, 6, 9], axis=-1)
    depth = np.where(mask > 0, depth[..., 0], np.inf)
    return FrontView(colours, albedo, clay, depth, mask)


def render_window(
    vertices: np.ndarray,
    triangles: np.ndarray,
    attributes: np.ndarray,
    camera: cameras.PerspectiveCamera,
    size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws attributes of a mesh over the crop window.

    Args:
        vertices: `[V, 3]` world, decimetres.
        triangles: `[T, 3]`.
        attributes: `[V, C]`.
        camera: Camera of the crop.
        size: Pixels on each side.

    Returns:
        Values `[size, size, C]`, 0 outside the mesh, and a mask `[size, size]` of 0 and 1.
    """
    clip = cameras.to_clip_space(vertices.astype(np.float32), camera)
    return rasterize_square(clip.numpy(), triangles, attributes, size)


def rasterize_square(
    clip_vertices: np.ndarray, triangles: np.ndarray, attributes: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """`render_window` for vertices `[V, 4]` that are in clip space already."""
    drawn = rasterizer.rasterize(
        clip_vertices[None].astype(np.float32),
        triangles,
        attributes[None].astype(np.float32),
        (size, size),
        jit_compile=False,  # One picture per size: compiling would take longer than drawing.
    )
    return drawn.attributes.numpy()[0], drawn.mask.numpy()[0, ..., 0]


def clay_colours(normals: np.ndarray) -> np.ndarray:
    """Colours `[V, 3]` of a matt grey surface under studio light, from unit normals `[V, 3]`."""
    key = np.clip(normals @ (_KEY_LIGHT / np.linalg.norm(_KEY_LIGHT)), 0.0, None)
    fill = np.clip(normals @ (_FILL_LIGHT / np.linalg.norm(_FILL_LIGHT)), 0.0, None)
    brightness = 0.16 + 0.72 * key + 0.22 * fill
    return np.clip(brightness[:, None] * _CLAY, 0.0, 1.0)


def turned(
    vertices: np.ndarray, normals: np.ndarray, degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """Turns `vertices` and `normals` `[V, 3]` about the vertical axis through their middle."""
    angles = np.array([0.0, np.radians(degrees), 0.0])
    rotation = rotations.rotation_matrix_from_euler(angles).numpy()
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return (vertices - middle) @ rotation.T + middle, normals @ rotation.T
