"""ArcFace's `backbone.pth` (insightface `arcface_torch`, iresnet50) to Keras."""

import os

import keras

from tf_facerecon.models.backbones import iresnet50
from tf_facerecon.models.converters import pytorch_files

_NORMALIZATION = ("weight", "bias", "running_mean", "running_var")
_GRID = 7  # Cells of the last map in each direction.


def convert_arcface_weights(path: str | os.PathLike) -> keras.Model:
    """The network of `backbone.pth`, RGB `[B, 112, 112, 3]` in [0, 1] to vectors `[B, 512]`.

    Args:
        path: `backbone.pth` of `ms1mv3_arcface_r50_fp16` or another iresnet50.

    Raises:
        ImportError: If PyTorch is not installed, or too old to read untrusted files.
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no PyTorch file or not that of an iresnet50, or is hostile
            (nothing in it is executed); the message names the first weight that differs.
    """
    network = iresnet50.build_iresnet50()
    arrays = pytorch_files.read_state(path, expected_shapes(network))
    for layer in network.layers:
        name = _pytorch_name(layer.name)
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([arrays[f"{name}.weight"].transpose(2, 3, 1, 0)])
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([arrays[f"{name}.{kind}"] for kind in _NORMALIZATION])
        elif isinstance(layer, keras.layers.PReLU):
            layer.set_weights([arrays[f"{name}.weight"].reshape(1, 1, -1)])
        elif isinstance(layer, keras.layers.Dense):
            kernel = arrays[f"{name}.weight"]
            # PyTorch flattens channels first, Keras rows first.
            kernel = kernel.reshape(len(kernel), -1, _GRID, _GRID).transpose(2, 3, 1, 0)
            layer.set_weights([kernel.reshape(-1, kernel.shape[-1]), arrays[f"{name}.bias"]])
    return network


def expected_shapes(network: keras.Model) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the entries of `backbone.pth`, from the image to the vectors."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in network.layers:
        name = _pytorch_name(layer.name)
        if isinstance(layer, keras.layers.Conv2D):
            height, width, inputs, outputs = layer.kernel.shape
            shapes[f"{name}.weight"] = (outputs, inputs, height, width)
        elif isinstance(layer, keras.layers.BatchNormalization):
            shapes.update({f"{name}.{kind}": tuple(layer.gamma.shape) for kind in _NORMALIZATION})
            shapes[f"{name}.{pytorch_files.COUNTER}"] = ()
        elif isinstance(layer, keras.layers.PReLU):
            shapes[f"{name}.weight"] = (layer.alpha.shape[-1],)
        elif isinstance(layer, keras.layers.Dense):
            shapes[f"{name}.weight"] = tuple(layer.kernel.shape[::-1])
            shapes[f"{name}.bias"] = tuple(layer.bias.shape)
    return shapes


def _pytorch_name(name: str) -> str:
    return name.replace("_", ".")
