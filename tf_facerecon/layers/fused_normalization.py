"""Batch normalisation of images by TensorFlow's own operation for it."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_facerecon")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of maps `[B, H, W, C]`, with the same weights and outputs.

    Keras writes moments and normalisation down as many operations, each of which passes over the
    whole map. One operation forward and one backward take a fifth off a training step of ResNet-50
    on a CPU, a third off the small network's, and half of what there is to trace and to optimize
    before the first. It is used in training, where batch statistics are computed; inference, masked
    inputs and weights other than float32 use Keras' implementation. The class has the name of
    Keras' own, since Keras names weights in files after classes: files written with either layer
    can be read with the other.

    Raises:
        ValueError: If the input does not have four axes, the last one normalised, or a variant is
            requested (`synchronized`, `renorm`, without `scale` or `center`).
    """

    def build(self, input_shape):
        if len(input_shape) != 4 or self.axis not in (-1, 3):
            raise ValueError(
                "`fused_normalization.BatchNormalization` takes `[B, H, W, C]` and normalises over "
                f"the last axis. Received: input shape {tuple(input_shape)}, axis {self.axis}."
            )
        if self.synchronized or self.renorm or not (self.scale and self.center):
            raise ValueError(
                "`fused_normalization.BatchNormalization` has no variants. Received: synchronized="
                f"{self.synchronized}, renorm={self.renorm}, scale={self.scale}, "
                f"center={self.center}."
            )
        super().build(input_shape)

    def call(self, inputs, training=None, mask=None):
        trains = training and self.trainable
        # Of the fixed normalisation the fused gradient has no deterministic kernel on GPUs.
        if not trains or mask is not None or self.moving_mean.dtype != "float32":
            return super().call(inputs, training=training, mask=mask)
        # The operation averages unbiased variances, Keras biased ones: their ratio goes in and out.
        ratio = _bias_of_variance(inputs)
        normalized = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=self.moving_mean,
            variance=self.moving_variance / ratio,
            epsilon=self.epsilon,
            exponential_avg_factor=1 - self.momentum,
            is_training=True,
        )
        self.moving_mean.assign(normalized.batch_mean)
        self.moving_variance.assign(normalized.batch_variance * ratio)
        return normalized.y


def _bias_of_variance(maps):
    """Biased over unbiased variance of a channel of `maps` `[B, H, W, C]`: `(N - 1) / N`.

    A number where the shape is static, as that of batches of one size is: nothing to trace.
    """
    if maps.shape.is_fully_defined():
        count = maps.shape.num_elements() // maps.shape[-1]
        return max(count - 1, 1) / max(count, 1)
    count = tf.cast(tf.size(maps) // tf.shape(maps)[-1], tf.float32)
    return tf.maximum(count - 1, 1) / tf.maximum(count, 1)
