"""Published weights of the two Deep3D repositories as an R-Net, compared with their source."""

import dataclasses
import os
import pathlib

import numpy as np

from tf_facerecon.models.converters import (
    deep3d_frozen_graph,
    deep3d_pytorch,
    deep3d_slim,
    weight_checks,
)
from tf_facerecon.models.converters.r_net_weights import build_converted_r_net
from tf_facerecon.models.r_net import IMAGE_SIZE, RNet

FORMATS = {
    "pytorch": deep3d_pytorch.read_pytorch_checkpoint,
    "slim": deep3d_slim.read_slim_checkpoint,
    "frozen_graph": deep3d_frozen_graph.read_frozen_graph,
}


@dataclasses.dataclass(frozen=True)
class ConversionReport:
    """Comparison of a converted network with its source on random images.

    Attributes:
        format: "pytorch", "slim" or "frozen_graph".
        feature_difference: Largest absolute difference of the 2048 features.
        feature_scale: Largest absolute feature of the source.
        coefficient_difference: Largest absolute difference of the 257 coefficients.
        coefficient_scale: Largest absolute coefficient of the source.
    """

    format: str
    feature_difference: float
    feature_scale: float
    coefficient_difference: float
    coefficient_scale: float


def convert_deep3d_weights(
    path: str | os.PathLike, *, num_images: int = 2, seed: int = 0
) -> tuple[RNet, ConversionReport]:
    """Converts a published R-Net to Keras and compares it with the source on random images.

    The network takes RGB images in [0, 1] as every `RNet` does; what the source takes (BGR, 0 to
    255, in TensorFlow) is done inside. Its coefficients are those of the face model "bfm09".

    Args:
        path: `.pth` file of sicxu/Deep3DFaceRecon_pytorch (needs PyTorch), frozen graph `.pb` or
            checkpoint (its prefix or its `.index` file) of microsoft/Deep3DFaceReconstruction.
        num_images: Number of random images.
        seed: Seed of the images.

    Returns:
        The network and the report.

    Raises:
        ImportError: If PyTorch is needed and not installed.
        FileNotFoundError: If there is no such file.
        ValueError: If the file is of another network, damaged or hostile (nothing in it is
            executed), or if the converted network computes something else.
    """
    name = weights_format(path)
    weights, run_source = FORMATS[name](path)
    r_net = build_converted_r_net(weights)
    shape = (num_images, IMAGE_SIZE, IMAGE_SIZE, 3)
    images = np.random.default_rng(seed).random(shape, dtype=np.float32)
    features, coefficients = run_source(images)
    converted = np.asarray(r_net.features(images)["deep"])
    report = ConversionReport(
        name,
        *weight_checks.check_outputs(converted, features, "feature", path),
        *weight_checks.check_outputs(
            np.asarray(r_net.heads(converted)), coefficients, "coefficient", path
        ),
    )
    return r_net, report


def weights_format(path: str | os.PathLike) -> str:
    """Name in `FORMATS` of the format that a file name stands for.

    Raises:
        ValueError: If the ending is unknown.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix in (".pth", ".pt"):
        return "pytorch"
    if suffix == ".pb":
        return "frozen_graph"
    if suffix == ".index" or pathlib.Path(f"{os.fspath(path)}.index").is_file():
        return "slim"
    raise ValueError(
        "Weights to convert must be a .pth file (PyTorch), a .pb file (frozen graph) or a "
        f"checkpoint of TensorFlow 1 (its .index file or its prefix). Received: {os.fspath(path)}."
    )
