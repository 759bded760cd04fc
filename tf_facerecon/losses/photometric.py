"""Robust photometric loss: colour distance where the image shows skin."""

from typing import Literal

import tensorflow as tf

from tf_facerecon.core import checks

Definition = Literal["paper", "deep3d"]
DEFINITIONS = ("paper", "deep3d")
"""Whose definition: of the paper, or of the code of the two Deep3D repositories."""

# Above this probability a pixel counts as skin without reserve (Deng et al. 2019).
_SKIN_THRESHOLD = 0.5


def skin_attention(
    mask: tf.Tensor, skin_probability: tf.Tensor, definition: Definition = "paper"
) -> tf.Tensor:
    """Skin-colour attention A of the robust photometric loss; Deng et al. 2019.

    1 where the skin probability P exceeds 0.5, P elsewhere, and 0 outside the rendered face. In
    the authors' code ("deep3d"), P everywhere on the face.

    Args:
        mask: Float tensor `[B, H, W, 1]`, 1 where the rendered face covers the pixel, else 0.
        skin_probability: Float tensor `[B, H, W, 1]` in [0, 1].
        definition: "paper" or "deep3d".

    Returns:
        Attention `[B, H, W, 1]` in [0, 1], in the dtype of `mask`.

    Raises:
        ValueError: If an argument does not have the shape above, or `definition` is unknown.
    """
    check_definition(definition)
    mask = tf.convert_to_tensor(mask)
    skin_probability = tf.convert_to_tensor(skin_probability)
    checks.check_shape("mask", mask, (None, None, None, 1))
    checks.check_shape("skin_probability", skin_probability, mask.shape)
    if definition == "deep3d":
        return mask * tf.cast(skin_probability, mask.dtype)
    is_skin = skin_probability > _SKIN_THRESHOLD
    certain = tf.where(is_skin, tf.ones_like(skin_probability), skin_probability)
    return mask * tf.cast(certain, mask.dtype)


def photometric_loss(
    image: tf.Tensor,
    rendered: tf.Tensor,
    attention: tf.Tensor,
    epsilon: float = 1e-6,
    definition: Definition = "paper",
) -> tf.Tensor:
    """Attention-weighted mean colour distance of each image; Deng et al. 2019, L_photo.

    `sum_i A_i ||I_i - I'_i||_2 / sum_i A_i` over the pixels i of one image, as the paper states
    it. The authors' code ("deep3d") divides the sum over the whole batch by the attention of the
    whole batch: there, the mean of the returned values is its loss, and each is the share of one
    image. Both agree for a batch of one. Attention sums below 1 count as 1, as in that code.

    Args:
        image: Photographs `[B, H, W, 3]`, RGB in [0, 1].
        rendered: Rendered faces `[B, H, W, 3]`, RGB, not clamped.
        attention: Weights `[B, H, W, 1]` in [0, 1].
        epsilon: Added under the root: the gradient stays finite where the colours agree.
        definition: "paper" or "deep3d".

    Returns:
        Losses `[B]`, in units of colour.

    Raises:
        ValueError: If an argument does not have the shape above, or `definition` is unknown.
    """
    check_definition(definition)
    image, rendered = tf.convert_to_tensor(image), tf.convert_to_tensor(rendered)
    attention = tf.convert_to_tensor(attention)
    checks.check_shape("image", image, (None, None, None, 3))
    checks.check_shape("rendered", rendered, image.shape)
    checks.check_shape("attention", attention, (*image.shape[:3], 1))
    squared = tf.reduce_sum(tf.square(image - rendered), axis=-1, keepdims=True)
    total = tf.reduce_sum(attention * tf.sqrt(squared + epsilon), axis=(1, 2, 3))
    size = tf.reduce_sum(attention, axis=(1, 2, 3))
    if definition == "deep3d":
        return total / (tf.maximum(tf.reduce_sum(size), 1) / tf.cast(tf.size(size), size.dtype))
    return total / tf.maximum(size, 1)


def check_definition(definition: str) -> None:
    """Raises `ValueError` unless `definition` is one of `DEFINITIONS`."""
    if definition not in DEFINITIONS:
        raise ValueError(
            f"The definition of the photometric loss must be one of {DEFINITIONS}. "
            f"Received: {definition!r}."
        )
