"""The five-point landmarks of face detectors, computed from the 68 iBUG landmarks.

Convention:
    68 landmarks in iBUG order, numbered from 0. Five points, as face detectors predict them and
    face crops are aligned by: eye on the image's left, eye on its right, nose tip, mouth corner on
    the image's left, mouth corner on its right. Any coordinates: pixels or decimetres.
"""

from typing import Any

import numpy as np

# Each point is the mean of two landmarks: an eye of its corners, the others of one landmark twice.
FIVE_POINT_LANDMARKS = ((36, 39), (42, 45), (30, 30), (48, 48), (54, 54))


def five_points_from_landmarks(landmarks: Any) -> Any:
    """Eyes, nose tip and mouth corners of `landmarks`.

    Args:
        landmarks: NumPy array or tensor `[..., 68, D]`, floating point.

    Returns:
        `[..., 5, D]`, of the kind and dtype of `landmarks`.
    """
    first, second = (list(numbers) for numbers in zip(*FIVE_POINT_LANDMARKS, strict=True))
    if isinstance(landmarks, np.ndarray):
        return (landmarks[..., first, :] + landmarks[..., second, :]) / 2
    # Imported here so that photographs can be aligned without importing TensorFlow.
    import tensorflow as tf

    return (tf.gather(landmarks, first, axis=-2) + tf.gather(landmarks, second, axis=-2)) / 2
