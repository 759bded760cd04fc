"""Convolution of images whose bias is TensorFlow's own operation."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_facerecon")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` of maps `[B, H, W, C]`, with the same weights and outputs.

    Keras reshapes the bias and adds it, four more operations to trace and to optimize than
    necessary. It has the name of Keras' class, since Keras names weights in files after classes.

    Raises:
        ValueError: If the channels are not the last axis.
    """

    def __init__(self, filters, kernel_size, *args, data_format="channels_last", **kwargs):
        super().__init__(filters, kernel_size, *args, data_format=data_format, **kwargs)
        if self.data_format != "channels_last":
            raise ValueError(
                "`fused_convolution.Conv2D` takes `[B, H, W, C]`. "
                f"Received: data_format={self.data_format!r}."
            )

    def call(self, inputs):
        maps = self.convolution_op(inputs, self.kernel)
        if self.use_bias:
            maps = tf.nn.bias_add(maps, self.bias)
        return self.activation(maps)
