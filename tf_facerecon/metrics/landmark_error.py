"""Normalised mean error of 2D landmarks."""

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.photos import face_alignment


def normalized_mean_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean landmark error, normalised by the size of the face.

    The size is `sqrt(w · h)` of the bounding box of the true landmarks, as in the 300W-LP and
    AFLW2000-3D protocol (Zhu et al. 2016); papers print the value times 100.

    Args:
        predicted: Landmarks `[..., N, 2]`, pixels.
        true: Landmarks `[..., N, 2]`, pixels of the same frame.

    Returns:
        `[...]` float64, one fraction per face: 0.02 is two per cent of the face size.

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


def interocular_error(predicted: np.ndarray, detected: np.ndarray) -> float:
    """Mean landmark error, normalised by the distance between the eye centres.

    Args:
        predicted: Landmarks `[5, 2]` or `[68, 2]`, pixels.
        detected: Landmarks of the same shape and frame; they give the distance between the eyes.

    Returns:
        A fraction: 0.02 is two per cent of the interocular distance.
    """
    left_eye, right_eye = five_points(detected)[:2]
    distances = np.linalg.norm(np.asarray(predicted) - detected, axis=-1)
    return float(distances.mean() / np.linalg.norm(right_eye - left_eye))


def five_points(points: np.ndarray) -> np.ndarray:
    """Five points `[5, 2]` float64, given those or 68 iBUG landmarks `[68, 2]`."""
    points = np.asarray(points, np.float64)
    return points if len(points) == 5 else face_alignment.five_points_from_68(points)
