"""A small residual network that two CPU cores can train.

Pictures are halved to 112 x 112 first. Besides the global average, the last 7 x 7 map itself,
reduced in channels, goes into the deep feature: averaging would throw away where in the picture a
nose tip is, and pose and shape live on that.

    224 -> average pool 112 -> 56x56x32 -> 28x28x48 -> 14x14x96 -> 7x7x160 -> 160 + 256
"""

import keras

from tf_facerecon.networks import residual_blocks

STAGES = ((48, 1), (96, 2), (160, 2))  # (channels, residual blocks); each stage halves the map


def build_small_backbone(
    image_size: int = 224,
    stem_channels: int = 32,
    map_channels: int = 32,
    map_features: int = 256,
    dtype: str | keras.DTypePolicy | None = None,
) -> keras.Model:
    """Builds the network from RGB pictures `[B, S, S, 3]` in [0, 1] to named features.

    Args:
        image_size: Side S of the picture, pixels; a multiple of 32.
        stem_channels: Channels of the first convolution.
        map_channels: Channels that are kept of every cell of the last map.
        map_features: Width of the linear map of the flattened last map.
        dtype: Dtype or policy of all layers; `None` takes the global policy.

    Returns:
        Functional model with outputs `shallow` `[B, S/8, S/8, 48]` (first residual stage) and
        `deep` `[B, 160 + map_features]`.
    """
    images = keras.Input((image_size, image_size, 3), name="image")
    x = keras.layers.Rescaling(2.0, -1.0, dtype=dtype)(images)
    x = keras.layers.AveragePooling2D(2, dtype=dtype)(x)
    x = residual_blocks.convolve(x, stem_channels, 3, strides=2, dtype=dtype)
    stages = []
    for channels, num_blocks in STAGES:
        for block in range(num_blocks):
            x = residual_blocks.residual_block(
                x, channels, strides=2 if block == 0 else 1, dtype=dtype
            )
        stages.append(x)
    average = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
    places = keras.layers.Flatten(dtype=dtype)(
        residual_blocks.convolve(x, map_channels, 1, dtype=dtype)
    )
    places = keras.layers.Dense(map_features, use_bias=False, dtype=dtype)(places)
    places = keras.layers.ReLU(dtype=dtype)(keras.layers.BatchNormalization(dtype=dtype)(places))
    deep = keras.layers.Concatenate(dtype=dtype)([average, places])
    return keras.Model(images, {"shallow": stages[0], "deep": deep}, name="small_backbone")
