"""Perceptual loss: distance of identity embeddings."""

import tensorflow as tf

from tf_facerecon.core import checks, safe_ops


def perceptual_loss(embedding: tf.Tensor, rendered_embedding: tf.Tensor) -> tf.Tensor:
    """Cosine distance of two embeddings; Deng et al. 2019, L_per.

    `1 - <f, f'> / (||f|| ||f'||)`. A zero embedding has no direction: its distance is 1 and its
    gradient 0.

    Args:
        embedding: Embeddings `[B, D]` of the photographs, of any length.
        rendered_embedding: Embeddings `[B, D]` of the rendered faces, of any length.

    Returns:
        Losses `[B]` in [0, 2].

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    embedding = tf.convert_to_tensor(embedding)
    rendered_embedding = tf.convert_to_tensor(rendered_embedding)
    checks.check_shape("embedding", embedding, (None, None))
    checks.check_shape("rendered_embedding", rendered_embedding, embedding.shape)
    unit = safe_ops.safe_normalize(embedding)
    rendered_unit = safe_ops.safe_normalize(rendered_embedding)
    return 1 - tf.reduce_sum(unit * rendered_unit, axis=-1)
