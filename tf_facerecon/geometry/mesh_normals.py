"""Unit normals of triangles and vertices.

Convention:
    Triangles are counter-clockwise as seen from outside, so normals point out of the surface.
    Vertex normals are the normalised sums of the *unit* normals of the incident triangles (large
    triangles count no more than small ones), as in both Deng implementations.
"""

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks, safe_ops


def vertex_incidence(triangles: np.ndarray, num_vertices: int) -> np.ndarray:
    """Lists, for each vertex, the triangles that use it.

    Computed once per mesh; it turns the sum over incident triangles into a plain gather.

    Args:
        triangles: Integer array `[T, 3]` of 0-based vertex indices.
        num_vertices: Number V of vertices.

    Returns:
        int32 `[V, K]`, K the largest number of triangles at one vertex; each row holds triangle
        indices in increasing order, then the padding value T.

    Raises:
        ValueError: If `triangles` is not an integer `[T, 3]` array of indices below `num_vertices`.
    """
    triangles = np.asarray(triangles)
    checks.check_shape("triangles", triangles, (None, 3))
    if not np.issubdtype(triangles.dtype, np.integer):
        raise ValueError(f"`triangles` must hold integers. Received: dtype {triangles.dtype}.")
    if triangles.size and not (triangles.min() >= 0 and triangles.max() < num_vertices):
        raise ValueError(
            f"`triangles` must hold vertex indices in [0, {num_vertices}). "
            f"Received: {triangles.min()} to {triangles.max()}."
        )
    corners = triangles.reshape(-1)
    order = np.argsort(corners, kind="stable")
    counts = np.bincount(corners, minlength=num_vertices)
    first = np.cumsum(counts) - counts
    slots = np.arange(corners.size) - first[corners[order]]
    width = int(counts.max(initial=0))
    incidence = np.full((num_vertices, width), len(triangles), np.int32)
    incidence[corners[order], slots] = order // 3
    return incidence


def triangle_normals(vertices: tf.Tensor, triangles: tf.Tensor) -> tf.Tensor:
    """Outward unit normals of triangles; 0 for triangles without area.

    Args:
        vertices: Float tensor `[..., V, 3]`.
        triangles: Integer tensor `[T, 3]`, counter-clockwise from outside.

    Returns:
        Unit normals `[..., T, 3]`.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    vertices = tf.convert_to_tensor(vertices)
    checks.check_shape("vertices", vertices, (..., None, 3))
    checks.check_shape("triangles", triangles, (None, 3))
    first, second, third = (tf.gather(vertices, triangles[:, k], axis=-2) for k in range(3))
    return safe_ops.safe_normalize(tf.linalg.cross(second - first, third - first))


def vertex_normals(
    vertices: tf.Tensor, triangles: tf.Tensor, incidence: np.ndarray | tf.Tensor
) -> tf.Tensor:
    """Outward unit normals of vertices; 0 for vertices that no triangle uses.

    Args:
        vertices: Float tensor `[..., V, 3]`.
        triangles: Integer tensor `[T, 3]`, counter-clockwise from outside.
        incidence: Integer tensor `[V, K]` from `vertex_incidence(triangles, V)`.

    Returns:
        Unit normals `[..., V, 3]`, in the frame of `vertices`.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    checks.check_shape("incidence", incidence, (None, None))
    normals = triangle_normals(vertices, triangles)
    padded = tf.concat([normals, tf.zeros_like(normals[..., :1, :])], axis=-2)
    return safe_ops.safe_normalize(tf.reduce_sum(tf.gather(padded, incidence, axis=-2), axis=-2))
