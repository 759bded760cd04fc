"""A small network that two CPU cores can train: residual encoder, upsampling path, dense landmarks.

Images are halved to 112 x 112 first. Three residual stages downsample to 7 x 7. Their features are
upsampled and added to the 28 x 28 map, on which a soft-argmax predicts 160 points of the face, and
to the 56 x 56 map, whose features around each point refine it by a fraction of a cell. On synthetic
faces the points are supervised by the projections of their vertices ("dense landmarks", Wood et al.
2022, "3D face reconstruction with dense landmarks"), with which it trains several times faster than
with coefficients alone. Shape and pose follow mostly from the positions of these points; albedo,
lighting and depth from the appearance around them.

    224 -> average pool 112 -> 56x56x32 -> 28x28x64 -> 14x14x128 -> 7x7x192 -> average
                               56x56x16 <- 28x28x64 <- 14x14     <- 7x7
                                   |           └> 160 points
                                   └────────────> 160 points, refined

Channels of the encoder are multiples of 32, the tile size of matrix units: where a CPU or GPU has
them, it trains in bfloat16 as fast as with 24, 40, 64, 96 channels in float32.
"""

import keras

from tf_facerecon.layers.landmark_refinement import LandmarkRefinement
from tf_facerecon.layers.soft_argmax import SoftArgmax
from tf_facerecon.models.backbones import residual_blocks

STAGES = (64, 128, 192)  # Channels; each stage halves the map.
BLOCKS = (2, 2, 1)  # Residual blocks of each stage.


def build_small_backbone(
    image_size: int = 224,
    cell_size: int = 2,
    stem_channels: int = 32,
    num_points: int = 160,
    point_channels: int = 6,
    fine_channels: int = 16,
    hidden: int = 512,
    dtype: str | keras.DTypePolicy | None = None,
) -> keras.Model:
    """Builds the network from RGB images `[B, S, S, 3]` in [0, 1] to named features.

    Args:
        image_size: Side S of the image, pixels; a multiple of 16 cells.
        cell_size: Side of the cells of pixels that are averaged before anything else.
        stem_channels: Channels of the first convolution.
        num_points: Number of predicted points of the face.
        point_channels: Number of appearance features around each point.
        fine_channels: Channels of the map that refines the points.
        hidden: Width of the two layers that join points and appearance.
        dtype: Dtype or policy of the layers; `None` takes the global policy. Points are float32
            under every policy.

    Returns:
        Functional model with outputs `shallow` `[B, h, h, 64]` (first residual stage, a quarter of
        the number of cells), `points` `[B, num_points, 2]` (column, row; -1 and 1 are the edges of
        the image) and `deep` `[B, hidden + 2 * num_points]` (features of points and appearance,
        then the points themselves). The last two are always float32.
    """
    images = keras.Input((image_size, image_size, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(2.0, -1.0, dtype=dtype)(images)
    if cell_size > 1:
        x = keras.layers.AveragePooling2D(cell_size, data_format="channels_last", dtype=dtype)(x)
    x = residual_blocks.convolve(x, stem_channels, 3, strides=2, dtype=dtype)
    stem = x
    stages = []
    for channels, count in zip(STAGES, BLOCKS, strict=True):
        for index in range(count):
            strides = 1 if index else 2
            x = residual_blocks.residual_block(x, channels, strides, dtype=dtype)
        stages.append(x)
    appearance = keras.layers.GlobalAveragePooling2D(data_format="channels_last", dtype=dtype)(x)
    for stage in reversed(stages[:-1]):
        x = residual_blocks.convolve(x, stage.shape[-1], 1, activate=False, dtype=dtype)
        x = _upsample(x, dtype)
        x = keras.layers.ReLU(dtype=dtype)(keras.layers.Add(dtype=dtype)([x, stage]))
    x = residual_blocks.convolve(x, stages[0].shape[-1], 3, dtype=dtype)
    # No bias: the softmax over a map cancels constants.
    maps = keras.layers.Conv2D(
        num_points, 1, data_format="channels_last", use_bias=False, dtype=dtype
    )(x)
    points, pooled = SoftArgmax(point_channels)(maps, x)
    fine = keras.layers.Conv2D(fine_channels, 1, data_format="channels_last", dtype=dtype)(x)
    fine = _upsample(fine, dtype)
    stem = residual_blocks.convolve(stem, fine_channels, 1, activate=False, dtype=dtype)
    fine = keras.layers.ReLU(dtype=dtype)(keras.layers.Add(dtype=dtype)([fine, stem]))
    points = LandmarkRefinement()(points, fine)
    positions = keras.layers.Flatten("channels_last", dtype="float32")(points)
    pooled = keras.layers.Flatten("channels_last", dtype=dtype)(pooled)
    joined = keras.layers.Concatenate(dtype=dtype)([positions, pooled, appearance])
    for _ in range(2):
        joined = keras.layers.Dense(hidden, use_bias=False, dtype=dtype)(joined)
        joined = keras.layers.BatchNormalization(momentum=residual_blocks.MOMENTUM, dtype=dtype)(
            joined
        )
        joined = keras.layers.ReLU(dtype=dtype)(joined)
    # Half precision would round the positions: the heads read them unrounded.
    deep = keras.layers.Concatenate(dtype="float32")([joined, positions])
    outputs = {"shallow": stages[0], "points": points, "deep": deep}
    return keras.Model(images, outputs, name="small_backbone")


def _upsample(maps, dtype):
    """Doubles both sides of maps `[B, H, W, C]`, bilinearly."""
    return keras.layers.UpSampling2D(
        2, data_format="channels_last", interpolation="bilinear", dtype=dtype
    )(maps)
