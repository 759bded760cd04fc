"""The 3DMM as a Keras layer: coefficients to shape and albedo (Deng et al. 2019, Eq. 1)."""

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.layers import float32_layer
from tf_facerecon.morphable_models.morphable_model import DEFAULT, MorphableModel


def linear_combination(mean: tf.Tensor, basis: tf.Tensor, coefficients: tf.Tensor) -> tf.Tensor:
    """`mean` `[V, 3]` plus `basis` `[K, V * 3]` times `coefficients` `[B, K]`: `[B, V, 3]`.

    Gradients flow to `coefficients`; mean and basis are constants.
    """

    @tf.custom_gradient
    def offsets(coefficients):
        def gradient(upstream):
            # The product the other way round: with the tall basis on the left it takes half the
            # time of the automatic one on a CPU.
            return tf.transpose(tf.matmul(basis, upstream, transpose_b=True))

        return tf.matmul(coefficients, basis), gradient

    return mean + tf.reshape(offsets(coefficients), (-1, *mean.shape))


@keras.saving.register_keras_serializable(package="tf_facerecon")
class MorphableFace(float32_layer.Float32Layer):
    """S = S_mean + B_id alpha + B_exp beta and T = T_mean + B_t delta.

    The means and bases are plain constants and never weights of the layer: a checkpoint of a
    network that ends in this layer must not carry a licensed basis. The configuration keeps the
    model's name and fingerprint instead, and loading finds the same model again or says what is
    missing. It computes in float32 whatever `dtype` or global policy says.

    Args:
        face_model: A `MorphableModel`, or a name for `MorphableModel.from_preset`.
        fingerprint: Expected `MorphableModel.fingerprint`; set by a saved configuration.

    Call arguments:
        identity: Float tensor `[B, K_id]` (alpha), standard deviations.
        expression: Float tensor `[B, K_exp]` (beta), standard deviations.
        texture: Float tensor `[B, K_tex]` (delta), standard deviations.

    Returns:
        Shape `[B, V, 3]`, decimetres, without pose, and albedo `[B, V, 3]`, RGB about 0 to 1, never
        clamped.

    Raises:
        FileNotFoundError: If the named model's file is missing.
        ValueError: If the model found is not the one with `fingerprint`, or coefficients have the
            wrong shape or dtype.
    """

    def __init__(
        self,
        face_model: MorphableModel | str = DEFAULT,
        fingerprint: str | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.face_model = resolve_face_model(face_model, fingerprint)
        self._mean_shape = float32_layer.constant(self.face_model.mean_shape)
        self._mean_albedo = float32_layer.constant(self.face_model.mean_albedo)
        # One matrix for identity and expression: one product, and the basis is read once.
        self._shape_basis = float32_layer.constant(
            np.concatenate(
                [_rows(self.face_model.identity_basis), _rows(self.face_model.expression_basis)]
            )
        )
        self._albedo_basis = float32_layer.constant(_rows(self.face_model.albedo_basis))

    def build(self, identity_shape, expression_shape, texture_shape):
        """Checks the shapes; there is nothing to make."""
        self._check_shapes(identity_shape, expression_shape, texture_shape)
        self.built = True

    def call(
        self, identity: tf.Tensor, expression: tf.Tensor, texture: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        self._check_shapes(identity.shape, expression.shape, texture.shape)
        shape_coefficients = tf.concat([identity, expression], axis=-1)
        shape = linear_combination(self._mean_shape, self._shape_basis, shape_coefficients)
        albedo = linear_combination(self._mean_albedo, self._albedo_basis, texture)
        return shape, albedo

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, identity_shape, expression_shape, texture_shape):
        """Two `[B, V, 3]`."""
        self._check_shapes(identity_shape, expression_shape, texture_shape)
        shape = (identity_shape[0], self.face_model.num_vertices, 3)
        return shape, shape

    def _check_shapes(self, identity_shape, expression_shape, texture_shape):
        model = self.face_model
        float32_layer.check_static_shapes(
            identity=(identity_shape, ("B", model.identity_basis.shape[-1])),
            expression=(expression_shape, ("B", model.expression_basis.shape[-1])),
            texture=(texture_shape, ("B", model.albedo_basis.shape[-1])),
        )

    def get_config(self):
        """All constructor arguments."""
        return {
            **super().get_config(),
            "face_model": self.face_model.name,
            "fingerprint": self.face_model.fingerprint,
        }


def resolve_face_model(
    face_model: MorphableModel | str, fingerprint: str | None = None
) -> MorphableModel:
    """The model itself, or the one of that name or path, checked against `fingerprint`.

    Raises:
        FileNotFoundError: If the named model's file is missing.
        ValueError: If the name is unknown or the fingerprint differs.
    """
    if not isinstance(face_model, MorphableModel):
        face_model = MorphableModel.from_preset(face_model)
    if fingerprint is not None and face_model.fingerprint != fingerprint:
        raise ValueError(
            f"Face model {face_model.name!r} here is not the one that was saved with: its "
            f"fingerprint is {face_model.fingerprint[:12]}…, expected {fingerprint[:12]}…. "
            "Coefficients of one model mean nothing to another."
        )
    return face_model


def _rows(basis: np.ndarray) -> np.ndarray:
    """`[V, 3, K]` to `[K, V * 3]`."""
    return np.ascontiguousarray(basis.reshape(-1, basis.shape[-1]).T)
