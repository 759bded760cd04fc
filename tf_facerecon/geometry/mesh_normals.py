"""Unit normals of triangles and vertices.

Convention:
    Triangles are counter-clockwise as seen from outside, so normals point out of the surface.
    Vertex normals are the normalised sums of the *unit* normals of the incident triangles (large
    triangles count no more than small ones), as in both Deng implementations.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks, safe_ops

_COMMON = 0.99  # Fraction of the vertices whose corners all fit into `corners`.


class VertexIncidence(NamedTuple):
    """Vertex-to-corner incidence lists of a mesh, padded to fixed widths.

    A few vertices have a much higher valence than all others; lists of their length for every
    vertex would be mostly padding, so the excess is stored separately.

    Attributes:
        corners: int32 `[V, W]`, W such that it suffices for 99 of 100 vertices; each row holds
            indices into the flat `triangles` in increasing order, `3 t + k` for corner k of
            triangle t, then the padding value 3 T.
        further: int32 `[R, K - W]`, the remaining corners of the R vertices that have more than W;
            K is the largest number of corners at one vertex.
        further_row: int32 `[V]`, the vertex's row of `further`; R if it has none.
    """

    corners: np.ndarray
    further: np.ndarray
    further_row: np.ndarray


def vertex_incidence(triangles: np.ndarray, num_vertices: int) -> VertexIncidence:
    """Lists the triangle corners incident to each vertex.

    Computed once per mesh; it turns the scatter-add over triangles into a gather.

    Args:
        triangles: Integer array `[T, 3]` of 0-based vertex indices.
        num_vertices: Number V of vertices.

    Returns:
        The lists.

    Raises:
        ValueError: If `triangles` is not an integer `[T, 3]` array of indices below `num_vertices`.
    """
    triangles = np.asarray(triangles)
    checks.check_integers("triangles", triangles, (None, 3))
    if triangles.size and not (triangles.min() >= 0 and triangles.max() < num_vertices):
        raise ValueError(
            f"`triangles` must hold vertex indices in [0, {num_vertices}). "
            f"Received: {triangles.min()} to {triangles.max()}."
        )
    vertices = triangles.reshape(-1)
    order = np.argsort(vertices, kind="stable")
    counts = np.bincount(vertices, minlength=num_vertices)
    first = np.cumsum(counts) - counts
    slots = np.arange(vertices.size) - first[vertices[order]]
    lists = np.full((num_vertices, int(counts.max(initial=0))), vertices.size, np.int32)
    lists[vertices[order], slots] = order
    width = int(np.quantile(counts, _COMMON, method="higher")) if counts.size else 0
    crowded = np.flatnonzero(counts > width)
    further_row = np.full(num_vertices, crowded.size, np.int32)
    further_row[crowded] = np.arange(crowded.size)
    return VertexIncidence(lists[:, :width], lists[crowded, width:], further_row)


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
    vertices: tf.Tensor, triangles: tf.Tensor, incidence: VertexIncidence
) -> tf.Tensor:
    """Outward unit normals of vertices; 0 for vertices that no triangle uses.

    Forward and backward pass use gathers only, no scatters.

    Args:
        vertices: Float tensor `[..., V, 3]`.
        triangles: Integer tensor `[T, 3]`, counter-clockwise from outside.
        incidence: `vertex_incidence(triangles, V)`, as arrays or tensors.

    Returns:
        Unit normals `[..., V, 3]`, in the frame of `vertices`.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    vertices = tf.convert_to_tensor(vertices)
    checks.check_shape("vertices", vertices, (..., None, 3))
    checks.check_shape("triangles", triangles, (None, 3))
    if not isinstance(incidence, VertexIncidence):
        raise ValueError(
            f"`incidence` must come from `vertex_incidence`. Received: {type(incidence).__name__}."
        )
    checks.check_shape("incidence.corners", incidence.corners, (vertices.shape[-2], None))

    @tf.custom_gradient
    def gather_corners(vertices):
        def gradient(*upstream):
            # Corner k of triangle t at 3 t + k, as in `VertexIncidence`.
            by_corner = tf.stack(upstream, axis=-2)
            shape = tf.concat([tf.shape(by_corner)[:-3], [-1, 3]], axis=0)
            return _sum_listed(tf.reshape(by_corner, shape), incidence)

        return tuple(tf.gather(vertices, triangles[:, k], axis=-2) for k in range(3)), gradient

    @tf.custom_gradient
    def sum_at_vertices(normals):
        def gradient(upstream):
            return tf.add_n([tf.gather(upstream, triangles[:, k], axis=-2) for k in range(3)])

        by_triangle = incidence._replace(
            corners=incidence.corners // 3, further=incidence.further // 3
        )
        return _sum_listed(normals, by_triangle), gradient

    normals = _unit_normals(*gather_corners(vertices))
    return safe_ops.safe_normalize(sum_at_vertices(normals))


def normals_of_mesh(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """`vertex_normals` of one mesh of arrays: float32 `[V, 3]`.

    Args:
        vertices: `[V, 3]`.
        triangles: Integer `[T, 3]`, counter-clockwise from outside.
    """
    incidence = vertex_incidence(triangles, len(vertices))
    return vertex_normals(np.asarray(vertices, np.float32), triangles, incidence).numpy()


def _unit_normals(first, second, third):
    """Unit normals of triangles, from their corners `[..., T, 3]` each."""
    return safe_ops.safe_normalize(tf.linalg.cross(second - first, third - first))


def _sum_listed(values, incidence):
    """Sums `values` `[..., N, 3]` over the lists of each vertex, `[..., V, 3]`; index N adds 0."""
    padded = _with_zero(values)
    sums = tf.reduce_sum(tf.gather(padded, incidence.corners, axis=-2), axis=-2)
    if incidence.further.shape[0] == 0:
        return sums
    further = tf.reduce_sum(tf.gather(padded, incidence.further, axis=-2), axis=-2)
    return sums + tf.gather(_with_zero(further), incidence.further_row, axis=-2)


def _with_zero(values):
    """Appends a row of zeros for the padding index: `[..., N + 1, 3]`."""
    return tf.concat([values, tf.zeros_like(values[..., :1, :])], axis=-2)
