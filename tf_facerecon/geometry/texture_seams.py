"""Meshes cut along their UV seams, for file formats and renderers with one index per corner."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class CutMesh:
    """A mesh whose vertices on UV seams are duplicated, one per side; N vertices.

    Attributes:
        vertices: `[N]` int64, index of the original vertex of each vertex.
        uv: `[N]` int64, index of its original texture coordinate.
        triangles: `[T, 3]` int32 into both, in the original order.
    """

    vertices: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray


def cut_seams(triangles: np.ndarray, uv_triangles: np.ndarray | None = None) -> CutMesh:
    """Creates one vertex for each pair of vertex and texture coordinate that some triangle uses.

    Args:
        triangles: Integer `[T, 3]`, vertex indices.
        uv_triangles: Integer `[T, 3]`, texture-coordinate indices of the same corners; `None` for
            meshes without seams, where both indices agree.

    Returns:
        The cut mesh; its vertices keep the original order. Without seams these are the original
        vertices that some triangle uses.

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
