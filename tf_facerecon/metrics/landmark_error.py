"""Normalised mean error of landmarks."""

import numpy as np

from tf_facerecon.core import checks


def normalized_mean_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean landmark distance, relative to the size of the face.

    The size is `sqrt(w · h)` of the bounding box of the true landmarks, as in the 300W-LP and
    AFLW2000-3D protocol (Zhu et al. 2016); papers print the value times 100.

    Args:
        predicted: Landmarks `[..., N, 2]`, pixels.
        true: Landmarks `[..., N, 2]`, pixels of the same frame.

    Returns:
        Fractions `[...]` in float64, one per face: 0.02 is two percent of the face size.

    Raises:
        ValueError: If the shapes differ, a value is not finite, or a true box has no area.
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    checks.check_shape("predicted", predicted, (..., None, 2))
    checks.check_shape("true", true, predicted.shape)
    for name, points in (("predicted", predicted), ("true", true)):
        if not np.all(np.isfinite(points)):
            raise ValueError(f"`{name}` must be finite. Received: NaN or infinite coordinates.")
    if true.shape[-2] == 0:
        raise ValueError(f"`true` must hold at least two landmarks. Received: shape {true.shape}.")
    area = np.prod(np.ptp(true, axis=-2), axis=-1)
    if not np.all(area > 0):
        raise ValueError(
            "The bounding box of the `true` landmarks must have an area. "
            f"Received: a box of {np.min(area)} square pixels."
        )
    distances = np.linalg.norm(predicted - true, axis=-1)
    return distances.mean(axis=-1) / np.sqrt(area)
