"""Least-squares scale, rotation and translation between two point sets (Umeyama, PAMI 1991)."""

import numpy as np

from tf_facerecon.core import checks

# Points whose second singular value is below this fraction of the first are considered collinear.
_RANK_TOLERANCE = 1e-10


def similarity_transform(
    source: np.ndarray, target: np.ndarray, with_scale: bool = True
) -> tuple[float, np.ndarray, np.ndarray]:
    """Finds the transform that brings `source` closest to `target`; reflections are excluded.

    Minimises `sum_i |target_i - (scale · R source_i + t)|²`, Umeyama 1991, Eq. (40)-(42).

    Args:
        source: Array `[N, 3]`, N ≥ 3.
        target: Array `[N, 3]`, corresponding points.
        with_scale: Whether the scale is free; otherwise it is 1.

    Returns:
        `(scale, rotation [3, 3], translation [3])` in float64, R for column vectors.

    Raises:
        ValueError: If the shapes differ, a value is not finite, or the points of either set are
            collinear or coincide, so that no rotation is defined.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    checks.check_shape("source", source, (None, 3))
    checks.check_shape("target", target, source.shape)
    for name, points in (("source", source), ("target", target)):
        _check_spread(name, points)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    covariance = (target - target_mean).T @ (source - source_mean) / len(source)
    left, singular_values, right = np.linalg.svd(covariance)
    if singular_values[1] <= _RANK_TOLERANCE * singular_values[0]:
        raise ValueError(
            "`source` and `target` must vary together along at least two directions. "
            f"Received: singular values {singular_values} of their covariance."
        )
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = (left * signs) @ right
    variance = np.mean(np.sum((source - source_mean) ** 2, axis=1))
    scale = float(singular_values @ signs / variance) if with_scale else 1.0
    return scale, rotation, target_mean - scale * rotation @ source_mean


def apply_similarity(
    points: np.ndarray, scale: float, rotation: np.ndarray, translation: np.ndarray
) -> np.ndarray:
    """Applies `p' = scale · R p + t` to row vectors.

    Args:
        points: Array `[..., 3]`.
        scale: Scale factor.
        rotation: Array `[3, 3]`, for column vectors.
        translation: Array `[3]`.

    Returns:
        Transformed points `[..., 3]`, float64.

    Raises:
        ValueError: If an array does not have the shape above.
    """
    points = np.asarray(points, np.float64)
    checks.check_shape("points", points, (..., 3))
    checks.check_shape("rotation", np.asarray(rotation), (3, 3))
    checks.check_shape("translation", np.asarray(translation), (3,))
    return scale * points @ np.asarray(rotation).T + translation


def _check_spread(name: str, points: np.ndarray) -> None:
    """Raises unless `points` are finite and span at least a plane."""
    if not np.all(np.isfinite(points)):
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinite coordinates.")
    spread = np.zeros(3)
    if len(points) >= 3:
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if spread[1] <= _RANK_TOLERANCE * max(spread[0], np.abs(points).max(initial=0.0)):
        raise ValueError(
            f"`{name}` must hold at least three points that do not lie on one line. "
            f"Received: {len(points)} points with singular values {spread}."
        )
