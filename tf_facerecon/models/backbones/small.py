"""A small network that two CPU cores can train: residual stages, a way back up, and places.

Pictures are halved to 112 x 112 first. Three stages go down to 7 x 7; what they understood is added
back to the 28 x 28 map, on which 160 points of the face are found, and to the 56 x 56 map, in which
the neighbourhood of each point moves it by parts of a cell. Training on synthetic faces tells the
points where their vertices are ("dense landmarks", Wood et al. 2022, "3D face reconstruction with
dense landmarks"), which teaches it several times faster than coefficients alone. Shape and pose are
mostly a matter of where those points are; skin, light and depth of what the picture looks like
there.

    224 -> average pool 112 -> 56x56x32 -> 28x28x64 -> 14x14x128 -> 7x7x192 -> average
                               56x56x16 <- 28x28x64 <- 14x14     <- 7x7
                                   |           └> 160 points
                                   └────────────> 160 points, moved

Channels of the way down are multiples of 32, which matrix units of CPUs and GPUs take whole: where
there are such units, in bfloat16, it trains as fast as with 24, 40, 64, 96 channels in float32.
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
    """Builds the network from RGB pictures `[B, S, S, 3]` in [0, 1] to named features.

    Args:
        image_size: Side S of the picture, pixels; a multiple of 16 cells.
        cell_size: Side of the cells of pixels that are averaged before anything else.
        stem_channels: Channels of the first convolution.
        num_points: How many points of the face it learns to find.
        point_channels: How many features describe the picture around each point.
        fine_channels: Channels of the map in which points are looked at again.
        hidden: Width of the two layers that join points and appearance.
        dtype: Dtype or policy of the layers; `None` takes the global policy. Places are float32
            under every policy.

    Returns:
        Functional model with outputs `shallow` `[B, h, h, 64]` (first residual stage, a quarter of
        the number of cells), `points` `[B, num_points, 2]` (column, row; -1 and 1 are the edges of
        the picture) and `deep` `[B, hidden + 2 * num_points]` (what points and appearance say
        together, then the points themselves). The last two are always float32.
    """
    images = keras.Input((image_size, image_size, 3), name="image")
    x = keras.layers.Rescaling(2.0, -1.0, dtype=dtype)(images)
    if cell_size > 1:
        x = keras.layers.AveragePooling2D(cell_size, dtype=dtype)(x)
    x = residual_blocks.convolve(x, stem_channels, 3, strides=2, dtype=dtype)
    stem = x
    stages = []
    for channels, count in zip(STAGES, BLOCKS, strict=True):
        for index in range(count):
            strides = 1 if index else 2
            x = residual_blocks.residual_block(x, channels, strides, dtype=dtype)
        stages.append(x)
    appearance = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
    for stage in reversed(stages[:-1]):
        x = residual_blocks.convolve(x, stage.shape[-1], 1, activate=False, dtype=dtype)
        x = keras.layers.UpSampling2D(2, interpolation="bilinear", dtype=dtype)(x)
        x = keras.layers.ReLU(dtype=dtype)(keras.layers.Add(dtype=dtype)([x, stage]))
    x = residual_blocks.convolve(x, stages[0].shape[-1], 3, dtype=dtype)
    # A constant of a map cancels in its softmax: no bias.
    maps = keras.layers.Conv2D(num_points, 1, use_bias=False, dtype=dtype)(x)
    points, seen = SoftArgmax(point_channels)(maps, x)
    fine = keras.layers.Conv2D(fine_channels, 1, dtype=dtype)(x)
    fine = keras.layers.UpSampling2D(2, interpolation="bilinear", dtype=dtype)(fine)
    stem = residual_blocks.convolve(stem, fine_channels, 1, activate=False, dtype=dtype)
    fine = keras.layers.ReLU(dtype=dtype)(keras.layers.Add(dtype=dtype)([fine, stem]))
    points = LandmarkRefinement()(points, fine)
    places = keras.layers.Flatten(dtype="float32")(points)
    seen = keras.layers.Flatten(dtype=dtype)(seen)
    joined = keras.layers.Concatenate(dtype=dtype)([places, seen, appearance])
    for _ in range(2):
        joined = keras.layers.Dense(hidden, use_bias=False, dtype=dtype)(joined)
        joined = keras.layers.BatchNormalization(momentum=residual_blocks.MOMENTUM, dtype=dtype)(
            joined
        )
        joined = keras.layers.ReLU(dtype=dtype)(joined)
    # Half precision would round the places: the heads read them as they were found.
    deep = keras.layers.Concatenate(dtype="float32")([joined, places])
    outputs = {"shallow": stages[0], "points": points, "deep": deep}
    return keras.Model(images, outputs, name="small_backbone")
