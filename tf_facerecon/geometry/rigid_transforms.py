"""Rotations and translations of point sets.

Convention:
    Points are stored as rows, matrices act on column vectors: `p' = R p + t`. Decimetres.
"""

import tensorflow as tf

from tf_facerecon.core import checks


def rotate(vectors: tf.Tensor, rotation: tf.Tensor) -> tf.Tensor:
    """Rotates row vectors: `v' = R v`.

    Args:
        vectors: Float tensor `[..., N, 3]`.
        rotation: Float tensor `[..., 3, 3]`, its leading axes broadcast with those of `vectors`.

    Returns:
        Rotated vectors `[..., N, 3]`.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    vectors, rotation = tf.convert_to_tensor(vectors), tf.convert_to_tensor(rotation)
    checks.check_shape("vectors", vectors, (..., None, 3))
    checks.check_shape("rotation", rotation, (..., 3, 3))
    return tf.matmul(vectors, rotation, transpose_b=True)


def rigid_transform(points: tf.Tensor, rotation: tf.Tensor, translation: tf.Tensor) -> tf.Tensor:
    """Rotates, then translates points: `p' = R p + t`.

    Args:
        points: Float tensor `[..., N, 3]`, decimetres.
        rotation: Float tensor `[..., 3, 3]`.
        translation: Float tensor `[..., 3]`, decimetres.

    Returns:
        Transformed points `[..., N, 3]`, decimetres.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    translation = tf.convert_to_tensor(translation)
    checks.check_shape("translation", translation, (..., 3))
    return rotate(points, rotation) + translation[..., tf.newaxis, :]


def pose_matrix(rotation: tf.Tensor, translation: tf.Tensor) -> tf.Tensor:
    """Homogeneous model-to-world matrices of poses.

    Args:
        rotation: Float tensor `[..., 3, 3]`.
        translation: Float tensor `[..., 3]`, decimetres.

    Returns:
        Matrices `[..., 4, 4]` for homogeneous column vectors: `[[R, t], [0, 1]]`.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    rotation, translation = tf.convert_to_tensor(rotation), tf.convert_to_tensor(translation)
    checks.check_shape("rotation", rotation, (..., 3, 3))
    checks.check_shape("translation", translation, (..., 3))
    upper_rows = tf.concat([rotation, translation[..., tf.newaxis]], axis=-1)
    last_row = tf.constant([[0, 0, 0, 1]], rotation.dtype)
    last_rows = tf.zeros_like(upper_rows[..., :1, :]) + last_row
    return tf.concat([upper_rows, last_rows], axis=-2)
