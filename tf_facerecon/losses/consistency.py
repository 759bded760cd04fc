"""Shape consistency: photographs of one person have one identity."""

import tensorflow as tf

from tf_facerecon.core import checks


def shape_consistency_loss(
    identity: tf.Tensor, person: tf.Tensor, margin: float = 0.5
) -> tf.Tensor:
    """Triplet loss of identity coefficients; Sanyal et al. 2019 (RingNet), Eq. 1.

    Of each image i, the mean over all images j of the same person and k of others of
    `max(0, d(i, j) - d(i, k) + margin)`, where d is the mean squared difference of the
    coefficients. An image whose person has no other in the batch, or with no other person in it,
    has loss 0.

    Args:
        identity: Float tensor (alpha) `[B, I]`, in standard deviations.
        person: `[B]`, equal for images of one person.
        margin: By how much people must differ more than photographs of one person.

    Returns:
        Losses `[B]`.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    identity, person = tf.convert_to_tensor(identity), tf.convert_to_tensor(person)
    checks.check_shape("identity", identity, (None, None))
    checks.check_shape("person", person, (identity.shape[0],))
    differences = identity[:, tf.newaxis] - identity[tf.newaxis]
    distances = tf.reduce_mean(tf.square(differences), axis=-1)
    same = tf.equal(person[:, tf.newaxis], person[tf.newaxis])
    positive = tf.cast(same, identity.dtype) - tf.eye(tf.shape(identity)[0], dtype=identity.dtype)
    negative = 1 - tf.cast(same, identity.dtype)
    triplets = positive[:, :, tf.newaxis] * negative[:, tf.newaxis]
    hinge = tf.nn.relu(distances[:, :, tf.newaxis] - distances[:, tf.newaxis] + margin)
    total = tf.reduce_sum(triplets * hinge, axis=(1, 2))
    return tf.math.divide_no_nan(total, tf.reduce_sum(triplets, axis=(1, 2)))
