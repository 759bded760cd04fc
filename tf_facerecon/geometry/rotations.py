"""Euler angles and rotation matrices.

Convention:
    Right-handed axes: x right, y up, z towards the camera. Matrices act on column vectors.
    R = Rz(roll) · Ry(yaw) · Rx(pitch): pitch is applied first. Angles `(pitch, yaw, roll)` are in
    radians: positive pitch tips the face down, positive yaw turns it to the right of the image,
    positive roll turns it counter-clockwise as seen in the image.
"""

import tensorflow as tf

from tf_facerecon.core import checks, safe_ops

# Below this cosine of the yaw (gimbal lock), only the sum of pitch and roll is defined.
_GIMBAL_LOCK_COSINE = 1e-6


def rotation_matrix_from_euler(angles: tf.Tensor) -> tf.Tensor:
    """Rotation matrices R = Rz · Ry · Rx of Euler angles.

    Args:
        angles: Float tensor `[..., 3]`: angles about x, y and z, in radians.

    Returns:
        Matrices `[..., 3, 3]` for column vectors, `p' = R p`.

    Raises:
        ValueError: If the last axis of `angles` is not 3.
    """
    angles = tf.convert_to_tensor(angles)
    checks.check_shape("angles", angles, (..., 3))
    sin_x, sin_y, sin_z = tf.unstack(tf.sin(angles), axis=-1)
    cos_x, cos_y, cos_z = tf.unstack(tf.cos(angles), axis=-1)
    rows = [
        [
            cos_y * cos_z,
            sin_x * sin_y * cos_z - cos_x * sin_z,
            cos_x * sin_y * cos_z + sin_x * sin_z,
        ],
        [
            cos_y * sin_z,
            sin_x * sin_y * sin_z + cos_x * cos_z,
            cos_x * sin_y * sin_z - sin_x * cos_z,
        ],
        [-sin_y, sin_x * cos_y, cos_x * cos_y],
    ]
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)


def euler_from_rotation_matrix(rotation: tf.Tensor) -> tf.Tensor:
    """Euler angles of rotation matrices R = Rz · Ry · Rx.

    The inverse of `rotation_matrix_from_euler` for yaw strictly between -π/2 and π/2. At a yaw of
    ±π/2 (gimbal lock) the roll is set to 0 and the pitch carries the whole turn, so that the
    angles still give `rotation`; gradients of pitch and roll mean nothing there.

    Args:
        rotation: Float tensor `[..., 3, 3]` of orthonormal matrices (not checked).

    Returns:
        Angles `[..., 3]` about x, y, z in radians; x and z in (-π, π], y in [-π/2, π/2].

    Raises:
        ValueError: If `rotation` is not `[..., 3, 3]`.
    """
    rotation = tf.convert_to_tensor(rotation)
    checks.check_shape("rotation", rotation, (..., 3, 3))
    cos_yaw = safe_ops.safe_norm(rotation[..., 2, 1:])
    yaw = tf.atan2(-rotation[..., 2, 0], cos_yaw)
    is_locked = cos_yaw < tf.cast(_GIMBAL_LOCK_COSINE, rotation.dtype)
    pitch = tf.atan2(
        tf.where(is_locked, -rotation[..., 1, 2], rotation[..., 2, 1]),
        tf.where(is_locked, rotation[..., 1, 1], rotation[..., 2, 2]),
    )
    roll = tf.atan2(
        tf.where(is_locked, tf.zeros_like(yaw), rotation[..., 1, 0]),
        tf.where(is_locked, tf.ones_like(yaw), rotation[..., 0, 0]),
    )
    return tf.stack([pitch, yaw, roll], axis=-1)
