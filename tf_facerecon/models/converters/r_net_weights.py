"""Weights of a published ResNet-50 R-Net in one layout, whatever file they come from."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tf_facerecon.models.converters import resnet50_layers
from tf_facerecon.models.converters.resnet50_layers import NormalizedConvolution
from tf_facerecon.models.r_net import RNet

FACE_MODEL = "bfm09"  # The 3DMM whose coefficients both published networks predict.
NUM_COEFFICIENTS = 257
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
    resnet50_layers.set_convolutions(network, weights.convolutions)
    start = 0
    for head in r_net.heads.heads:
        columns = slice(start, start + HEADS[head.name])
        head.set_weights([weights.head_kernel[:, columns], weights.head_bias[columns]])
        start = columns.stop
    return r_net
