"""The convolutions of ResNet-50 with their normalisation, whatever file the weights come from."""

import dataclasses
from collections.abc import Iterator, Mapping

import keras
import numpy as np

NUM_FEATURES = 2048
NUM_BLOCKS = (3, 4, 6, 3)  # Residual blocks of the four stages.


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A convolution of ResNet-50 and the normalisation after it.

    Attributes:
        name: Keras' name without the ending `_conv` or `_bn`: "conv1", "conv2_block1_0" (a
            shortcut) or "conv2_block1_1" to "conv2_block1_3".
        stage: 0 for the first convolution, else 1 to 4.
        block: Residual block of the stage, from 0.
        index: 0 for the shortcut of a stage's first block, else 1 to 3; 0 for the first.
        shape: Shape of the kernel: height, width, input and output channels.
    """

    name: str
    stage: int
    block: int
    index: int
    shape: tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True)
class NormalizedConvolution:
    """Arrays of one convolution and its batch normalisation.

    Attributes:
        kernel: `[height, width, input, output]`.
        bias: `[output]`, zero in the original networks.
        gamma: `[output]` factor of the normalised values.
        beta: `[output]` offset of the normalised values.
        mean: `[output]` moving mean.
        variance: `[output]` moving variance.
    """

    kernel: np.ndarray
    bias: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def resnet50_convolutions() -> Iterator[Convolution]:
    """The 53 convolutions of ResNet-50, from the image to the features; shortcuts first."""
    yield Convolution("conv1", 0, 0, 0, (7, 7, 3, 64))
    width_in = 64
    for stage, count in enumerate(NUM_BLOCKS, start=1):
        width = 32 * 2**stage
        for block in range(count):
            shapes = {
                0: (1, 1, width_in, 4 * width),
                1: (1, 1, width_in, width),
                2: (3, 3, width, width),
                3: (1, 1, width, 4 * width),
            }
            for index, shape in shapes.items():
                if index or not block:
                    name = f"conv{stage + 1}_block{block + 1}_{index}"
                    yield Convolution(name, stage, block, index, shape)
            width_in = 4 * width


def set_convolutions(
    network: keras.Model, convolutions: Mapping[str, NormalizedConvolution]
) -> None:
    """Sets all weights of a Keras ResNet-50 (`backbones.resnet50`), by `Convolution.name`."""
    for convolution in resnet50_convolutions():
        arrays = convolutions[convolution.name]
        network.get_layer(f"{convolution.name}_conv").set_weights([arrays.kernel, arrays.bias])
        network.get_layer(f"{convolution.name}_bn").set_weights(
            [arrays.gamma, arrays.beta, arrays.mean, arrays.variance]
        )
