"""Losses against ground-truth shape, albedo, points and coefficients, as synthetic faces have."""

from collections.abc import Mapping

import tensorflow as tf

from tf_facerecon.core import checks

_MM_PER_DM = 100.0
_PERCENT = 100.0


def vertex_loss(predicted: tf.Tensor, true: tf.Tensor) -> tf.Tensor:
    """Mean squared vertex-to-vertex distance.

    Args:
        predicted: Vertices `[B, V, 3]`, decimetres.
        true: Vertices `[B, V, 3]` of the same topology and frame, decimetres.

    Returns:
        Losses `[B]`, square millimetres.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    return _mean_squared_distance(predicted, true, _MM_PER_DM)


def albedo_loss(predicted: tf.Tensor, true: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of the skin's colour.

    Unlike the error of texture coefficients it weights every mode by its visible effect.

    Args:
        predicted: Albedo `[B, V, 3]`, RGB about 0 to 1.
        true: Albedo `[B, V, 3]` of the same topology.

    Returns:
        Losses `[B]`, squared per cent of full scale, summed over the three channels.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    return _mean_squared_distance(predicted, true, _PERCENT)


def dense_landmark_loss(predicted: tf.Tensor, true: tf.Tensor) -> tf.Tensor:
    """Mean distance of points in the image; Wood et al. 2022, without their uncertainties.

    A distance, not its square: points that are hidden or outside the image, and can only be
    guessed, do not outweigh the visible ones.

    Args:
        predicted: Points `[B, N, 2]`, pixels.
        true: Points `[B, N, 2]`, pixels of the same frame.

    Returns:
        Losses `[B]`, pixels.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    predicted, true = tf.convert_to_tensor(predicted), tf.convert_to_tensor(true)
    checks.check_shape("predicted", predicted, (None, None, 2))
    checks.check_shape("true", true, predicted.shape)
    squared = tf.reduce_sum(tf.square(predicted - true), axis=-1)
    # The root has no slope at 0; a hundredth of a pixel is as good as none.
    return tf.reduce_mean(tf.sqrt(squared + 1e-4) - 1e-2, axis=-1)


def coefficient_mse(
    predicted: Mapping[str, tf.Tensor], true: Mapping[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """Mean squared error of each group of coefficients.

    Groups have different units (standard deviations, radians, decimetres), so they are not summed.

    Args:
        predicted: Groups by name, each `[B, n]`.
        true: The same groups.

    Returns:
        Losses `[B]` by name of group, each in the squared unit of its group.

    Raises:
        ValueError: If the groups or their shapes differ.
    """
    if predicted.keys() != true.keys():
        raise ValueError(
            "`predicted` and `true` must hold the same groups. "
            f"Received: {sorted(predicted)} and {sorted(true)}."
        )
    distances = {}
    for name, group in predicted.items():
        group, true_group = tf.convert_to_tensor(group), tf.convert_to_tensor(true[name])
        checks.check_shape(f"predicted[{name}]", group, (None, None))
        checks.check_shape(f"true[{name}]", true_group, group.shape)
        distances[name] = tf.reduce_mean(tf.square(group - true_group), axis=-1)
    return distances


def _mean_squared_distance(predicted: tf.Tensor, true: tf.Tensor, unit: float) -> tf.Tensor:
    """`mean_v || unit * (predicted_v - true_v) ||²`, `[B]`."""
    predicted, true = tf.convert_to_tensor(predicted), tf.convert_to_tensor(true)
    checks.check_shape("predicted", predicted, (None, None, 3))
    checks.check_shape("true", true, predicted.shape)
    squared = tf.reduce_sum(tf.square(unit * (predicted - true)), axis=-1)
    return tf.reduce_mean(squared, axis=-1)
