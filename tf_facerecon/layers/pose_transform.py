"""Rigid pose of a face as a Keras layer (Deng et al. 2019, pose)."""

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.geometry import rigid_transforms, rotations
from tf_facerecon.layers import float32_layer


@keras.saving.register_keras_serializable(package="tf_facerecon")
class PoseTransform(float32_layer.Float32Layer):
    """Rotates and translates points, or only rotates vectors: p' = R p + t, n' = R n.

    R = Rz(roll) · Ry(yaw) · Rx(pitch), see `geometry.rotations`.

    Call arguments:
        points: Float tensor `[B, N, 3]`: points in the model frame (decimetres), or directions
            such as normals.
        rotation: Float tensor `[B, 3]`, Euler angles (pitch, yaw, roll), radians.
        translation: Float tensor `[B, 3]`, decimetres. Leave it out for directions, which are
            rotated only.

    Returns:
        Points or directions `[B, N, 3]` in the world frame.

    Raises:
        ValueError: If an argument has another shape or dtype.
    """

    def build(self, points_shape, rotation_shape, translation_shape=None):
        """Checks the shapes; there is nothing to make."""
        self._check_shapes(points_shape, rotation_shape, translation_shape)
        self.built = True

    def call(
        self, points: tf.Tensor, rotation: tf.Tensor, translation: tf.Tensor | None = None
    ) -> tf.Tensor:
        translation_shape = None if translation is None else translation.shape
        self._check_shapes(points.shape, rotation.shape, translation_shape)
        matrix = rotations.rotation_matrix_from_euler(rotation)
        if translation is None:
            return rigid_transforms.rotate(points, matrix)
        return rigid_transforms.rigid_transform(points, matrix, translation)

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, points_shape, rotation_shape, translation_shape=None):
        """`[B, N, 3]`."""
        self._check_shapes(points_shape, rotation_shape, translation_shape)
        return points_shape

    def _check_shapes(self, points_shape, rotation_shape, translation_shape):
        float32_layer.check_static_shapes(
            points=(points_shape, ("B", None, 3)),
            rotation=(rotation_shape, ("B", 3)),
            translation=(translation_shape, ("B", 3)),
        )
