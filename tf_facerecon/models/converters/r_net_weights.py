"""Weights of a published ResNet-50 R-Net in one layout, whatever file they come from."""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from tf_facerecon.models.r_net import RNet

FACE_MODEL = "bfm09"  # The 3DMM whose coefficients both published networks predict.
NUM_FEATURES, NUM_COEFFICIENTS = 2048, 257
NUM_BLOCKS = (3, 4, 6, 3)  # Residual blocks of the four stages.
# Heads of the published networks, in their order, with the names of `CoefficientHeads`.
HEADS = {
    "identity": 80,
    "expression": 64,
    "texture": 80,
    "rotation": 3,
    "lighting": 27,
    "translation_xy": 2,
    "translation_z": 1,
}


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


@dataclasses.dataclass(frozen=True)
class RNetWeights:
    """All weights of a published R-Net.

    Attributes:
        variant: Name in `backbones.resnet50.VARIANTS`.
        epsilon: Epsilon of its batch normalisation.
        convolutions: By `Convolution.name`.
        head_kernel: `[2048, 257]` of all heads, in the order of the coefficients.
        head_bias: `[257]`.
    """

    variant: str
    epsilon: float
    convolutions: Mapping[str, NormalizedConvolution]
    head_kernel: np.ndarray
    head_bias: np.ndarray


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


def build_converted_r_net(weights: RNetWeights) -> RNet:
    """An R-Net with these weights; it takes RGB images in [0, 1] whatever the source takes."""
    r_net = RNet(
        "resnet50",
        face_model=FACE_MODEL,
        backbone_variant=weights.variant,
        backbone_epsilon=weights.epsilon,
        half_pixel_offset=True,
    )
    (network,) = (layer for layer in r_net.backbone.layers if hasattr(layer, "layers"))
    for convolution in resnet50_convolutions():
        arrays = weights.convolutions[convolution.name]
        network.get_layer(f"{convolution.name}_conv").set_weights([arrays.kernel, arrays.bias])
        network.get_layer(f"{convolution.name}_bn").set_weights(
            [arrays.gamma, arrays.beta, arrays.mean, arrays.variance]
        )
    start = 0
    for head in r_net.heads.heads:
        columns = slice(start, start + HEADS[head.name])
        head.set_weights([weights.head_kernel[:, columns], weights.head_bias[columns]])
        start = columns.stop
    return r_net


def check_entries(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], source: str
) -> None:
    """Raises `ValueError` for the first entry that is missing, of another shape or unknown.

    Args:
        found: Shapes by name, as in the file.
        expected: Shapes by name, in the order in which they are checked.
        source: Name of the file in the message.
    """
    for name, shape in expected.items():
        if name not in found:
            raise ValueError(f"{source} has no weight {name!r}, of shape {list(shape)}.")
        if tuple(found[name]) != tuple(shape):
            raise ValueError(
                f"Weight {name!r} of {source} must have shape {list(shape)}. "
                f"Received: {list(found[name])}."
            )
    for name in found:
        if name not in expected:
            raise ValueError(f"{source} has a weight {name!r} that the network does not have.")


def check_finite(array: np.ndarray, name: str, source: str) -> np.ndarray:
    """`array` as float32; `ValueError` if it has a value that is not finite."""
    array = np.asarray(array, np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"Weight {name!r} of {source} has values that are not finite.")
    return array
