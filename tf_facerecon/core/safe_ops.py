"""Operations whose gradients stay finite where the textbook formula has none."""

import tensorflow as tf


def safe_norm(x: tf.Tensor, axis: int = -1, keepdims: bool = False) -> tf.Tensor:
    """Euclidean norm along `axis`, with gradient 0 (instead of NaN) for the zero vector.

    Args:
        x: Float tensor of any shape.
        axis: Axis that holds the components.
        keepdims: Whether the reduced axis stays, with size 1.

    Returns:
        The norms, in the dtype of `x`.
    """
    squared = tf.reduce_sum(tf.square(x), axis=axis, keepdims=keepdims)
    is_positive = squared > 0
    # The inner `where` keeps the infinite slope of the square root out of the backward pass.
    root = tf.sqrt(tf.where(is_positive, squared, tf.ones_like(squared)))
    return tf.where(is_positive, root, tf.zeros_like(root))


def safe_normalize(x: tf.Tensor, axis: int = -1, epsilon: float = 1e-12) -> tf.Tensor:
    """Vectors of unit length along `axis`; vectors too short to have a direction become 0.

    Args:
        x: Float tensor of any shape.
        axis: Axis that holds the components.
        epsilon: Vectors not longer than this become 0, with gradient 0.

    Returns:
        A tensor of the shape and dtype of `x`.
    """
    norm = safe_norm(x, axis=axis, keepdims=True)
    has_direction = norm > tf.cast(epsilon, norm.dtype)
    unit = tf.convert_to_tensor(x) / tf.where(has_direction, norm, tf.ones_like(norm))
    return tf.where(has_direction, unit, tf.zeros_like(unit))
