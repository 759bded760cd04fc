"""Pieces of small residual networks: convolution with normalisation, basic residual block.

Plain 3 x 3 convolutions, because CPUs train them at a several times higher arithmetic rate than
depthwise ones.
"""

import keras

from tf_facerecon.layers import fused_normalization

# A running mean over some fifty batches: short training runs end with statistics of their end.
MOMENTUM = 0.98


def convolve(x, channels, kernel_size, strides=1, activate=True, dtype=None):
    """Convolution without bias, batch normalisation and, if wanted, ReLU.

    Args:
        x: Keras tensor `[B, H, W, C]`.
        channels: Output channels.
        kernel_size: Side of the kernel.
        strides: Step between output cells.
        activate: Whether a ReLU follows.
        dtype: Dtype or policy of the layers; `None` takes the global policy.
    """
    x = keras.layers.Conv2D(
        channels,
        kernel_size,
        strides,
        padding="same",
        data_format="channels_last",
        use_bias=False,
        dtype=dtype,
    )(x)
    x = fused_normalization.BatchNormalization(momentum=MOMENTUM, dtype=dtype)(x)
    return keras.layers.ReLU(dtype=dtype)(x) if activate else x


def residual_block(x, channels, strides=1, dtype=None):
    """Two 3 x 3 convolutions beside a shortcut; He et al. 2016, basic block.

    Where the map shrinks, the shortcut averages cells instead of dropping most of them.

    Args:
        x: Keras tensor `[B, H, W, C]`; H and W are multiples of `strides`.
        channels: Output channels.
        strides: Step of the first convolution.
        dtype: Dtype or policy of the layers; `None` takes the global policy.
    """
    y = convolve(x, channels, 3, strides, dtype=dtype)
    y = convolve(y, channels, 3, activate=False, dtype=dtype)
    if strides > 1:
        x = keras.layers.AveragePooling2D(strides, data_format="channels_last", dtype=dtype)(x)
    if x.shape[-1] != channels:
        x = convolve(x, channels, 1, activate=False, dtype=dtype)
    return keras.layers.ReLU(dtype=dtype)(keras.layers.Add(dtype=dtype)([x, y]))
