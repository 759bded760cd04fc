"""Distances to known faces; only synthetic data knows the truth that they need."""

from collections.abc import Mapping

import tensorflow as tf

from tf_facerecon.core import checks

_MM_PER_DM = 100.0


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
    predicted, true = tf.convert_to_tensor(predicted), tf.convert_to_tensor(true)
    checks.check_shape("predicted", predicted, (None, None, 3))
    checks.check_shape("true", true, predicted.shape)
    squared = tf.reduce_sum(tf.square(_MM_PER_DM * (predicted - true)), axis=-1)
    return tf.reduce_mean(squared, axis=-1)


def coefficient_distance(
    predicted: Mapping[str, tf.Tensor], true: Mapping[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """Mean squared difference of each group of coefficients.

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
