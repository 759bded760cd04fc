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
    return corner_incidence(triangles, num_vertices) // 3


def corner_incidence(triangles: np.ndarray, num_vertices: int) -> np.ndarray:
    """Lists, for each vertex, the corners of triangles that it is.

    Args:
        triangles: Integer array `[T, 3]` of 0-based vertex indices.
        num_vertices: Number V of vertices.

    Returns:
        int32 `[V, K]`, K the largest number of corners at one vertex; each row holds indices into
        the flat `triangles` in increasing order, `3 t + k` for corner k of triangle t, then the
        padding value 3 T.

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
    incidence = np.full((num_vertices, width), corners.size, np.int32)
    incidence[corners[order], slots] = order
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
    return _unit_normals(first, second, third)


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
    return safe_ops.safe_normalize(_sum_listed(normals, incidence))


def vertex_normals_by_corners(
    vertices: tf.Tensor, triangles: tf.Tensor, corners: np.ndarray | tf.Tensor
) -> tf.Tensor:
    """`vertex_normals`, but with a backward pass that only looks up, too, and never scatters.

    Args:
        vertices: Float tensor `[..., V, 3]`.
        triangles: Integer tensor `[T, 3]`, counter-clockwise from outside.
        corners: Integer tensor `[V, K]` from `corner_incidence(triangles, V)`.

    Returns:
        Unit normals `[..., V, 3]`, in the frame of `vertices`.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    vertices = tf.convert_to_tensor(vertices)
    checks.check_shape("vertices", vertices, (..., None, 3))
    checks.check_shape("triangles", triangles, (None, 3))
    checks.check_shape("corners", corners, (None, None))

    @tf.custom_gradient
    def look_up(vertices):
        def gradient(*upstream):
            # Corner k of triangle t at 3 t + k, as `corners` count.
            by_corner = tf.stack(upstream, axis=-2)
            shape = tf.concat([tf.shape(by_corner)[:-3], [-1, 3]], axis=0)
            return _sum_listed(tf.reshape(by_corner, shape), corners)

        return tuple(tf.gather(vertices, triangles[:, k], axis=-2) for k in range(3)), gradient

    @tf.custom_gradient
    def sum_at_vertices(normals):
        def gradient(upstream):
            return tf.add_n([tf.gather(upstream, triangles[:, k], axis=-2) for k in range(3)])

        return _sum_listed(normals, corners // 3), gradient

    normals = _unit_normals(*look_up(vertices))
    return safe_ops.safe_normalize(sum_at_vertices(normals))


def _unit_normals(first, second, third):
    """Unit normals of triangles with these corners, each `[..., T, 3]`."""
    return safe_ops.safe_normalize(tf.linalg.cross(second - first, third - first))


def _sum_listed(values, lists):
    """Sums `[..., V, 3]` of the `values` `[..., N, 3]` that `lists` `[V, K]` name; N adds 0."""
    padded = tf.concat([values, tf.zeros_like(values[..., :1, :])], axis=-2)
    return tf.reduce_sum(tf.gather(padded, lists, axis=-2), axis=-2)
