"""Meshes cut open along the seams of their texture, for programs that know one index per corner."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class CutMesh:
    """A mesh whose vertices on a seam stand there once for each side; N vertices.

    Attributes:
        vertices: `[N]` int64, the vertex of the whole mesh that each one copies.
        uv: `[N]` int64, its texture coordinates among those of the whole mesh.
        triangles: `[T, 3]` int32 into both, in the order of the whole mesh.
    """

    vertices: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray


def cut_seams(triangles: np.ndarray, uv_triangles: np.ndarray | None = None) -> CutMesh:
    """Gives every pair of vertex and texture coordinate that a triangle uses a vertex of its own.

    Args:
        triangles: Integer `[T, 3]`, vertices.
        uv_triangles: Integer `[T, 3]`, texture coordinates of the same corners; none if they are
            numbered as the vertices, without seams.

    Returns:
        The cut mesh; its vertices are ordered as those of the whole one, and without seams they are
        those of the whole one that some triangle uses.

    Raises:
        ValueError: If the two have different shapes.
    """
    if uv_triangles is None:
        uv_triangles = triangles
    if triangles.shape != uv_triangles.shape:
        raise ValueError(
            f"`uv_triangles` must have the shape of `triangles`, {triangles.shape}. "
            f"Received: {uv_triangles.shape}."
        )
    stride = int(uv_triangles.max(initial=0)) + 1
    corners = triangles.astype(np.int64) * stride + uv_triangles
    pairs, numbers = np.unique(corners, return_inverse=True)
    return CutMesh(
        vertices=pairs // stride,
        uv=pairs % stride,
        triangles=numbers.reshape(triangles.shape).astype(np.int32),
    )
