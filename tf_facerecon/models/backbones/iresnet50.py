"""IResNet-50, the network of ArcFace (Deng et al., CVPR 2019; insightface `arcface_torch`)."""

import keras

STAGES = {1: (64, 3), 2: (128, 4), 3: (256, 14), 4: (512, 3)}  # Channels, blocks.
IMAGE_SIZE, EMBEDDING_SIZE = 112, 512
_EPSILON = 1e-5


def build_iresnet50() -> keras.Model:
    """Builds the network from RGB images `[B, 112, 112, 3]` in [0, 1] to vectors `[B, 512]`.

    Layers have PyTorch's names with "_" for ".": `layer1_0_conv1`, `layer1_0_downsample_0`,
    `features`. The vectors are not of unit length.
    """
    images = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(2.0, -1.0)(images)
    x = _activate(_normalize(_convolve(x, 64, 3, 1, "conv1"), "bn1"), "prelu")
    for stage, (channels, count) in STAGES.items():
        for block in range(count):
            x = _block(x, channels, 1 if block else 2, f"layer{stage}_{block}")
    x = keras.layers.Flatten("channels_last")(_normalize(x, "bn2"))
    x = _normalize(keras.layers.Dense(EMBEDDING_SIZE, name="fc")(x), "features")
    return keras.Model(images, x, name="iresnet50")


def _block(x, channels: int, strides: int, name: str):
    """Normalisation, two convolutions and a shortcut; no activation after the sum."""
    y = _convolve(_normalize(x, f"{name}_bn1"), channels, 3, 1, f"{name}_conv1")
    y = _activate(_normalize(y, f"{name}_bn2"), f"{name}_prelu")
    y = _normalize(_convolve(y, channels, 3, strides, f"{name}_conv2"), f"{name}_bn3")
    if strides > 1:
        x = _convolve(x, channels, 1, strides, f"{name}_downsample_0")
        x = _normalize(x, f"{name}_downsample_1")
    return keras.layers.Add()([x, y])


def _convolve(x, channels: int, size: int, strides: int, name: str):
    if size > 1:
        # Padding "same" would add no row above where the stride is 2.
        x = keras.layers.ZeroPadding2D(size // 2, "channels_last")(x)
    return keras.layers.Conv2D(
        channels, size, strides, data_format="channels_last", use_bias=False, name=name
    )(x)


def _normalize(x, name: str):
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=_EPSILON, name=name)(x)


def _activate(x, name: str):
    return keras.layers.PReLU(shared_axes=(1, 2), name=name)(x)
