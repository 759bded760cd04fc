"""Several photographs of one person to one identity; Deng et al. 2019, Section 5, Eq. (8).

    alpha_aggr = (sum_j c_j * alpha_j) / (sum_j c_j)        element by element, j over the images

Confidences may come from any source: constant ones give the plain mean, those of a `CNet` the
paper's aggregation, a one-hot vector selects one image.
"""

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.layers import float32_layer


@keras.saving.register_keras_serializable(package="tf_facerecon")
class IdentityAggregation(keras.layers.Layer):
    """Confidence-weighted mean of the identity coefficients of an image set.

    The order of the images does not matter, nor do masked values, even if they are NaN.
    Confidences count relative to one another: neither tiny nor huge ones under- or overflow. A
    coefficient of which no image is confident at all becomes the plain mean; a set without any
    image becomes the mean face, 0. It computes in the dtype of `identity`.

    Call arguments:
        identity: Float tensor `[B, N, K]` (alpha_j), standard deviations; or a `tf.RaggedTensor`
            `[B, (N), K]`, whose images all count.
        confidence: Float tensor `[B, N, K]` (c_j), not negative; ragged if `identity` is. `None`
            gives the plain mean.
        mask: `[B, N]`, 0 or false where there is no image; `None` if all are there, or for ragged
            sets.

    Returns:
        alpha_aggr `[B, K]`, standard deviations.

    Raises:
        ValueError: If a shape is not as stated, `identity` is not of a float dtype, a mask comes
            with ragged sets, or a confidence is negative and its value is known (eager calls;
            within a graph the result is then undefined).
    """

    def __init__(self, **kwargs):
        # Follows its inputs, so that float64 stays float64.
        super().__init__(**{**kwargs, "autocast": False})

    def call(
        self,
        identity: tf.Tensor,
        confidence: tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
    ) -> tf.Tensor:
        if _is_ragged(identity):
            identity, confidence, mask = _pad(identity, confidence, mask)
        identity = keras.ops.convert_to_tensor(identity)
        checks.check_shape("identity", identity, (None, None, None))
        float32_layer.check_floating("identity", identity)
        confidence = keras.ops.ones_like(identity) if confidence is None else confidence
        confidence = keras.ops.cast(confidence, identity.dtype)
        checks.check_shape("confidence", confidence, identity.shape)
        if mask is None:
            mask = keras.ops.ones_like(identity[..., 0])
        checks.check_shape("mask", mask, identity.shape[:2])
        _check_not_negative(confidence, mask)
        return _weighted_mean(identity, confidence, keras.ops.cast(mask, "bool")[..., None])

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, identity_shape, confidence_shape=None, mask_shape=None):
        """`(B, K)`."""
        return (identity_shape[0], identity_shape[-1])

    def get_config(self):
        """Nothing to configure but what every layer has."""
        config = super().get_config()
        config.pop("autocast", None)
        return config


def pad_sets(sets) -> tuple[np.ndarray, np.ndarray]:
    """Puts sets of different sizes into one array, and returns the mask of its images.

    Args:
        sets: Sequence of B arrays `[n_i, ...]`, alike but for their first axis.

    Returns:
        The array `[B, N, ...]`, N the largest n_i, 0 after the last image of a set, and the bool
        mask `[B, N]`.

    Raises:
        ValueError: If there are no sets, or they differ in another axis.
    """
    sets = [np.asarray(images) for images in sets]
    if not sets or len({images.shape[1:] for images in sets}) > 1:
        raise ValueError(
            "`sets` must be at least one array, alike but for the first axis. "
            f"Received: shapes {[images.shape for images in sets]}."
        )
    counts = np.array([len(images) for images in sets])
    mask = np.arange(counts.max()) < counts[:, np.newaxis]
    padded = np.zeros((*mask.shape, *sets[0].shape[1:]), np.result_type(*sets))
    padded[mask] = np.concatenate(sets)
    return padded, mask


def _weighted_mean(identity, confidence, mask):
    """`[B, K]` of `[B, N, K]`; `mask` is a bool `[B, N, 1]`."""
    # Selected, not multiplied: 0 times NaN would be NaN.
    identity = keras.ops.where(mask, identity, 0.0)
    confidence = keras.ops.where(mask, confidence, 0.0)
    # Relative to the largest: a common factor cancels, in the gradient too.
    largest = keras.ops.stop_gradient(keras.ops.max(confidence, axis=1, keepdims=True))
    is_known = largest > 0
    shares = confidence / keras.ops.where(is_known, largest, 1.0)
    shares = keras.ops.where(is_known, shares, keras.ops.cast(mask, identity.dtype))
    total = keras.ops.sum(shares, axis=1)
    total = keras.ops.where(total > 0, total, 1.0)  # A set without any image.
    return keras.ops.sum(shares * identity, axis=1) / total


def _check_not_negative(confidence, mask):
    """Raises if a confidence that counts is known, as in eager calls, and negative."""
    if not tf.executing_eagerly():
        return
    counted = tf.boolean_mask(confidence, tf.cast(mask, tf.bool))
    if tf.reduce_any(counted < 0):
        raise ValueError(
            f"`confidence` must not be negative. Received: {float(tf.reduce_min(counted))}."
        )


def _is_ragged(x) -> bool:
    return hasattr(x, "row_lengths")


def _pad(identity, confidence, mask):
    """Dense sets and their mask from ragged ones."""
    if mask is not None or not (confidence is None or _is_ragged(confidence)):
        raise ValueError("Ragged `identity` needs ragged `confidence` and no `mask`.")
    counts = identity.row_lengths()
    identity = identity.to_tensor()
    positions = keras.ops.arange(keras.ops.shape(identity)[1], dtype=counts.dtype)
    mask = positions[None, :] < counts[:, None]
    return identity, None if confidence is None else confidence.to_tensor(), mask
