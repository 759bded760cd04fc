"""Regularization: small coefficients, flat albedo, nearly white light."""

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks


def coefficient_loss(
    identity: tf.Tensor,
    expression: tf.Tensor,
    texture: tf.Tensor,
    identity_weight: float = 1.0,
    expression_weight: float = 0.8,
    texture_weight: float = 1.7e-2,
) -> tf.Tensor:
    """Weighted squared norms of the face-model coefficients; Deng et al. 2019, L_coef.

    The default weights are those of the authors' code.

    Args:
        identity: Float tensor (alpha) `[B, I]`, in standard deviations.
        expression: Float tensor (beta) `[B, E]`, in standard deviations.
        texture: Float tensor (delta) `[B, X]`, in standard deviations.
        identity_weight: Weight of `||identity||²`.
        expression_weight: Weight of `||expression||²`.
        texture_weight: Weight of `||texture||²`.

    Returns:
        Losses `[B]`.

    Raises:
        ValueError: If a coefficient tensor is not `[B, any]`.
    """
    groups = {"identity": identity, "expression": expression, "texture": texture}
    weights = (identity_weight, expression_weight, texture_weight)
    norms = [squared_norm(group, name) for name, group in groups.items()]
    return tf.add_n([weight * norm for weight, norm in zip(weights, norms, strict=True)])


def squared_norm(coefficients: tf.Tensor, name: str = "coefficients") -> tf.Tensor:
    """Squared norm of one group of coefficients, for weights of its own.

    Args:
        coefficients: Float tensor `[B, K]`.
        name: Name in messages.

    Returns:
        Losses `[B]`.

    Raises:
        ValueError: If the tensor is not `[B, any]`.
    """
    checks.check_shape(name, coefficients, (None, None))
    return tf.reduce_sum(tf.square(coefficients), axis=-1)


def albedo_flatness_loss(albedo: tf.Tensor, skin_region: np.ndarray | tf.Tensor) -> tf.Tensor:
    """Variance of the albedo over the skin region, summed over RGB; Deng et al. 2019, L_tex.

    Keeps shadows and highlights out of the albedo ("texture flattening").

    Args:
        albedo: Float tensor `[B, V, 3]`, RGB in [0, 1], without light.
        skin_region: `[V]`, 1 on cheeks, nose and forehead, else 0. An empty region gives 0.

    Returns:
        Losses `[B]`.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    albedo = tf.convert_to_tensor(albedo)
    checks.check_shape("albedo", albedo, (None, None, 3))
    checks.check_shape("skin_region", skin_region, (albedo.shape[1],))
    region = tf.cast(skin_region, albedo.dtype)[:, tf.newaxis]
    size = tf.reduce_sum(region)
    mean = tf.math.divide_no_nan(tf.reduce_sum(region * albedo, axis=1, keepdims=True), size)
    squared = tf.reduce_sum(tf.square((albedo - mean) * region), axis=(1, 2))
    return tf.math.divide_no_nan(squared, size)


def white_light_loss(lighting: tf.Tensor) -> tf.Tensor:
    """Mean squared deviation of RGB lighting from its grey; a term of the authors' code.

    Without it, the colour of light and albedo is ambiguous. The ambient term does not enter.

    Args:
        lighting: Float tensor (gamma) `[B, 27]`: nine bands of red, of green, of blue; or
            `[B, 9]`: white light, for which the loss is 0.

    Returns:
        Losses `[B]`.

    Raises:
        ValueError: If `lighting` does not have the shape above.
    """
    lighting = tf.convert_to_tensor(lighting)
    checks.check_shape("lighting", lighting, (None, 9 if lighting.shape[-1] == 9 else 27))
    bands = tf.reshape(lighting, [-1, lighting.shape[-1] // 9, 9])
    grey = tf.reduce_mean(bands, axis=1, keepdims=True)
    return tf.reduce_mean(tf.square(bands - grey), axis=(1, 2))
