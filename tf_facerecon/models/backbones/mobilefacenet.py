"""MobileFaceNet, a small face recognition network (Chen et al., CCBR 2018)."""

import keras

IMAGE_SIZE, EMBEDDING_SIZE = 112, 192
# Channels inside a bottleneck, channels out, stride of its first block, blocks. The first block of
# the first, second and third row halves the resolution; all others have a shortcut.
BOTTLENECKS = (
    (128, 64, 2, 5),
    (256, 128, 2, 7),
    (512, 128, 2, 1),
    (256, 128, 1, 2),
)


def build_mobilefacenet() -> keras.Model:
    """Builds the network from RGB images `[B, 112, 112, 3]` in [0, 1] to vectors `[B, 192]`.

    Batch normalisation is folded into the convolutions, as in files for inference; the vectors are
    not of unit length. Layers are in the order in which they are computed.
    """
    images = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(255.0 / 128.0, -127.5 / 128.0)(images)
    x = _activate(_convolve(x, 64, 3, 2))
    x = _activate(_convolve_depthwise(x, 3, 1))
    x = _convolve(x, 64, 1, 1)
    for inner, outer, stride, count in BOTTLENECKS:
        for block in range(count):
            y = _activate(_convolve(x, inner, 1, 1))
            y = _activate(_convolve_depthwise(y, 3, 1 if block else stride))
            y = _convolve(y, outer, 1, 1)
            halves = stride == 2 and block == 0
            x = y if halves else keras.layers.Add()([x, y])
    x = _activate(_convolve(x, 512, 1, 1))
    x = _convolve_depthwise(x, 7, 1, padding="valid")
    x = _convolve(x, 512, 1, 1)
    x = _convolve(x, EMBEDDING_SIZE, 1, 1)
    x = keras.layers.Flatten("channels_last")(x)
    return keras.Model(images, x, name="mobilefacenet")


def _convolve(x, channels: int, size: int, strides: int):
    return keras.layers.Conv2D(
        channels, size, strides, padding="same", data_format="channels_last"
    )(x)


def _convolve_depthwise(x, size: int, strides: int, padding: str = "same"):
    return keras.layers.DepthwiseConv2D(
        size, strides, padding=padding, data_format="channels_last"
    )(x)


def _activate(x):
    return keras.layers.PReLU(shared_axes=(1, 2))(x)
