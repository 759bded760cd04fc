"""ArcFace's `backbone.pth` (insightface `arcface_torch`, iresnet50) to Keras."""

import dataclasses
import os
from collections.abc import Mapping

import keras
import numpy as np

from tf_facerecon.models.backbones import iresnet50
from tf_facerecon.models.converters import pytorch_files, weight_checks

_GRID = 7  # Cells of the last map in each direction.


@dataclasses.dataclass(frozen=True)
class ArcFaceReport:
    """Comparison of a converted network with its source on random images.

    Attributes:
        difference: Largest absolute difference of the vectors, before they are normalised.
        scale: Largest absolute value of the source.
    """

    difference: float
    scale: float


def convert_arcface_weights(
    path: str | os.PathLike, *, num_images: int = 2, seed: int = 0
) -> tuple[keras.Model, ArcFaceReport]:
    """Converts `backbone.pth` to Keras and compares it with the source on random images.

    Args:
        path: `backbone.pth` of `ms1mv3_arcface_r50_fp16` or another iresnet50.
        num_images: Number of random images.
        seed: Seed of the images.

    Returns:
        The network, RGB `[B, 112, 112, 3]` in [0, 1] to vectors `[B, 512]`, and the report.

    Raises:
        ImportError: If PyTorch is not installed, or too old to read untrusted files.
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no PyTorch file or not that of an iresnet50, or is hostile
            (nothing in it is executed), the message names the first weight that differs; or if the
            converted network computes something else.
    """
    network = iresnet50.build_iresnet50()
    arrays = pytorch_files.read_state(path, expected_shapes(network))
    for layer in network.layers:
        name = _pytorch_name(layer.name)
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([arrays[f"{name}.weight"].transpose(2, 3, 1, 0)])
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([arrays[f"{name}.{kind}"] for kind in pytorch_files.NORMALIZATION])
        elif isinstance(layer, keras.layers.PReLU):
            layer.set_weights([arrays[f"{name}.weight"].reshape(1, 1, -1)])
        elif isinstance(layer, keras.layers.Dense):
            kernel = arrays[f"{name}.weight"]
            # PyTorch flattens channels first, Keras rows first.
            kernel = kernel.reshape(len(kernel), -1, _GRID, _GRID).transpose(2, 3, 1, 0)
            layer.set_weights([kernel.reshape(-1, kernel.shape[-1]), arrays[f"{name}.bias"]])
    shape = (num_images, *network.input_shape[1:])
    images = np.random.default_rng(seed).random(shape, dtype=np.float32)
    compared = weight_checks.check_outputs(
        np.asarray(network(images)), _run(arrays, images), "vector", path
    )
    return network, ArcFaceReport(*compared)


def expected_shapes(network: keras.Model) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the entries of `backbone.pth`, from the image to the vectors."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in network.layers:
        name = _pytorch_name(layer.name)
        if isinstance(layer, keras.layers.Conv2D):
            height, width, inputs, outputs = layer.kernel.shape
            shapes[f"{name}.weight"] = (outputs, inputs, height, width)
        elif isinstance(layer, keras.layers.BatchNormalization):
            shapes.update(
                {f"{name}.{kind}": tuple(layer.gamma.shape) for kind in pytorch_files.NORMALIZATION}
            )
            shapes[f"{name}.{pytorch_files.COUNTER}"] = ()
        elif isinstance(layer, keras.layers.PReLU):
            shapes[f"{name}.weight"] = (layer.alpha.shape[-1],)
        elif isinstance(layer, keras.layers.Dense):
            shapes[f"{name}.weight"] = tuple(layer.kernel.shape[::-1])
            shapes[f"{name}.bias"] = tuple(layer.bias.shape)
    return shapes


def _run(arrays: Mapping[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """The source network, computed by PyTorch: vectors of RGB images in [0, 1]."""
    torch = pytorch_files.import_torch()
    functional = torch.nn.functional
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def convolve(x, name, stride=1):
        kernel = tensors[f"{name}.weight"]
        return functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)

    def normalize(x, name):
        gamma, beta, mean, variance = (
            tensors[f"{name}.{kind}"] for kind in pytorch_files.NORMALIZATION
        )
        return functional.batch_norm(x, mean, variance, gamma, beta, training=False, eps=1e-5)

    with torch.no_grad():
        x = torch.from_numpy(np.ascontiguousarray(2 * images.transpose(0, 3, 1, 2) - 1))
        x = functional.prelu(normalize(convolve(x, "conv1"), "bn1"), tensors["prelu.weight"])
        counts = {stage: count for stage, (_, count) in iresnet50.STAGES.items()}
        for name in (f"layer{stage}.{i}" for stage in counts for i in range(counts[stage])):
            is_first = f"{name}.downsample.0.weight" in tensors
            stride = 2 if is_first else 1
            y = normalize(convolve(normalize(x, f"{name}.bn1"), f"{name}.conv1"), f"{name}.bn2")
            y = functional.prelu(y, tensors[f"{name}.prelu.weight"])
            y = normalize(convolve(y, f"{name}.conv2", stride), f"{name}.bn3")
            if is_first:
                x = convolve(x, f"{name}.downsample.0", stride)
                x = normalize(x, f"{name}.downsample.1")
            x = x + y
        x = normalize(x, "bn2").flatten(1)
        x = functional.linear(x, tensors["fc.weight"], tensors["fc.bias"])
        return normalize(x, "features").numpy()


def _pytorch_name(name: str) -> str:
    return name.replace("_", ".")
