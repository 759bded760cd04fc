"""Landmark losses: squared pixel distances of projected points."""

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks

_NOSE_AND_INNER_MOUTH = (28, 29, 30, *range(60, 68))  # iBUG indices, 0-based.


def _landmark_weights() -> np.ndarray:
    weights = np.ones(68, np.float32)
    weights[list(_NOSE_AND_INNER_MOUTH)] = 20.0
    weights.setflags(write=False)
    return weights


LANDMARK_WEIGHTS = _landmark_weights()
"""float32 `[68]`, read-only: 20 on the line of the nose (28-30) and the inner mouth (60-67), 1
elsewhere; as in the code of Deng et al. 2019."""


def landmark_loss(
    predicted: tf.Tensor, target: tf.Tensor, weights: np.ndarray | tf.Tensor = LANDMARK_WEIGHTS
) -> tf.Tensor:
    """Weighted squared distance of landmarks; Deng et al. 2019, L_lan.

    `sum_n w_n ||q_n - p_n||² / N`: divided by the number of landmarks, not by the sum of weights.

    Args:
        predicted: Projected landmarks `[B, N, 2]`, pixels; N is 68 with the default weights.
        target: Detected landmarks `[B, N, 2]`, pixels of the same frame.
        weights: `[N]`, or `[B, N]` for weights of each sample. Used as they are, in place of the
            default: multiply `LANDMARK_WEIGHTS` yourself to keep its emphasis.

    Returns:
        Losses `[B]`, square pixels.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    predicted, target = tf.convert_to_tensor(predicted), tf.convert_to_tensor(target)
    weights = tf.cast(weights, predicted.dtype)
    checks.check_shape("predicted", predicted, (None, None, 2))
    checks.check_shape("target", target, predicted.shape)
    per_sample = len(weights.shape) == 2
    checks.check_shape(
        "weights", weights, predicted.shape[:2] if per_sample else predicted.shape[1:2]
    )
    squared = tf.reduce_sum(tf.square(predicted - target), axis=-1)
    return tf.reduce_mean(weights * squared, axis=-1)


def five_point_loss(predicted: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Mean squared distance of the five detector points (eye centres, nose tip, mouth corners).

    Args:
        predicted: Projected points `[B, 5, 2]`, pixels.
        target: Detected points `[B, 5, 2]`, pixels of the same frame.

    Returns:
        Losses `[B]`, square pixels.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    predicted, target = tf.convert_to_tensor(predicted), tf.convert_to_tensor(target)
    checks.check_shape("predicted", predicted, (None, 5, 2))
    checks.check_shape("target", target, predicted.shape)
    return tf.reduce_mean(tf.reduce_sum(tf.square(predicted - target), axis=-1), axis=-1)
