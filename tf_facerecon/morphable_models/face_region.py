"""Triangles of the photometric loss' region, and the wrong ones of the PyTorch code."""

import numpy as np


def is_region_triangle(triangles: np.ndarray, face_region: np.ndarray) -> np.ndarray:
    """Whether all three vertices of each triangle lie in the region, bool `[T]`.

    Args:
        triangles: Vertex indices `[T, 3]`.
        face_region: `[V]`, a vertex lies in the region above 0.5.
    """
    return (np.asarray(face_region)[triangles] > 0.5).all(axis=-1)


def misnumbered_region_triangles(triangles: np.ndarray, face_region: np.ndarray) -> np.ndarray:
    """The region's triangles as Deep3DFaceRecon_pytorch draws them, on wrong vertices.

    Its `tri_mask2` counts the vertices of the region alone (`frontmask2_idx`); the code uses these
    numbers as indices of all vertices.

    Args:
        triangles: Vertex indices `[T, 3]`.
        face_region: `[V]`, a vertex lies in the region above 0.5.

    Returns:
        int32 `[S, 3]`, the region's triangles in their order.
    """
    number_in_region = np.cumsum(np.asarray(face_region) > 0.5) - 1
    selected = np.asarray(triangles)[is_region_triangle(triangles, face_region)]
    return number_in_region[selected].astype(np.int32)
