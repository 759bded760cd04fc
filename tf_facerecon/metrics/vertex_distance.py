"""Vertex-to-vertex distance of two meshes of the same topology, millimetres."""

from typing import Literal

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.geometry import similarity_alignment

_MM_PER_DM = 100.0


def vertex_distance_mm(
    predicted: np.ndarray,
    true: np.ndarray,
    *,
    align: Literal["similarity", "rigid"] | None = "similarity",
) -> float:
    """Mean vertex-to-vertex distance of two meshes of the same topology, millimetres.

    Arguments and errors are those of `vertex_offsets_mm`.
    """
    offsets = vertex_offsets_mm(predicted, true, align=align)
    return float(np.linalg.norm(offsets, axis=-1).mean())


def vertex_offsets_mm(
    predicted: np.ndarray,
    true: np.ndarray,
    *,
    align: Literal["similarity", "rigid"] | None = "similarity",
) -> np.ndarray:
    """Vertex-to-vertex offsets of two meshes of the same topology, millimetres.

    Args:
        predicted: Vertices `[V, 3]`, decimetres.
        true: Vertices `[V, 3]`, decimetres.
        align: How `predicted` is first aligned with `true` by least squares over all vertices:
            `"similarity"` (scale, rotation, translation), `"rigid"` (no scale) or None.

    Returns:
        Predicted minus true vertices `[V, 3]`, millimetres, in the frame of `true`.

    Raises:
        ValueError: If `align` is none of these, the shapes differ, a value is not finite, or the
            vertices lie on one line and cannot be aligned.
    """
    if align not in ("similarity", "rigid", None):
        raise ValueError(f'`align` must be "similarity", "rigid" or None. Received: {align!r}.')
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    checks.check_shape("predicted", predicted, (None, 3))
    checks.check_shape("true", true, predicted.shape)
    for name, vertices in (("predicted", predicted), ("true", true)):
        if not (vertices.size and np.all(np.isfinite(vertices))):
            raise ValueError(
                f"`{name}` must hold at least one vertex and be finite. "
                f"Received: {len(vertices)} vertices, {np.sum(~np.isfinite(vertices))} values NaN "
                "or infinite."
            )
    if align is not None:
        transform = similarity_alignment.similarity_transform(
            predicted, true, with_scale=align == "similarity"
        )
        predicted = similarity_alignment.apply_similarity(predicted, *transform)
    return _MM_PER_DM * (predicted - true)
