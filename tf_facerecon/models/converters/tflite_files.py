"""Weights of a TensorFlow Lite file, in the order in which its graph uses them.

TensorFlow Lite writes the operations of a graph in the order of execution, and batch normalisation
is folded into convolutions. A Keras network of the same architecture takes the weights in the order
of its layers.
"""

import dataclasses
import os
import pathlib
import struct

import keras
import numpy as np

# A PReLU is written as relu(x) + slope / 2 * (x - |x|).
_OPERATIONS = {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "RELU", "ABS", "SUB", "MUL", "RESHAPE"}
_IDENTIFIER = b"TFL3"


@dataclasses.dataclass(frozen=True)
class LayerWeights:
    """Weights of one layer.

    Attributes:
        operation: Name of the operation: `CONV_2D`, `DEPTHWISE_CONV_2D` or `MUL` (the slope of a
            PReLU).
        arrays: Kernel and bias, or the slope, as the file has them.
    """

    operation: str
    arrays: tuple[np.ndarray, ...]


def read_weights(path: str | os.PathLike) -> list[LayerWeights]:
    """Weights of a float32 `.tflite` file of convolutions and PReLUs; nothing in it is executed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no TensorFlow Lite file or cut off, or its graph has other
            operations or weights that are not float32.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no TensorFlow Lite file {path}.")
    content = path.read_bytes()
    if content[4:8] != _IDENTIFIER:
        raise ValueError(f"{path} is no TensorFlow Lite file.")
    names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        (graph,) = model.subgraphs
        layers = []
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            if name not in _OPERATIONS:
                raise ValueError(f"{path} has the operation {name}. Expected: {_OPERATIONS}.")
            constants = [
                _array(graph.tensors[index], model.buffers, path)
                for index in operator.inputs
                if model.buffers[graph.tensors[index].buffer].data is not None
            ]
            if constants and name != "RESHAPE":
                layers.append(LayerWeights(name, tuple(constants)))
    except (struct.error, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"{path} is not a readable TensorFlow Lite file: {error}") from error
    return layers


def _array(tensor, buffers, path: pathlib.Path) -> np.ndarray:
    """A constant of the graph."""
    if tensor.type not in (0, 2):  # float32, and int32 for the shape of RESHAPE.
        raise ValueError(f"{path} has weights of type {tensor.type}. Expected: float32 (0).")
    dtype = "<f4" if tensor.type == 0 else "<i4"
    return buffers[tensor.buffer].data.view(dtype).reshape(tensor.shape)


def set_weights(network: keras.Model, weights: list[LayerWeights], source: str) -> None:
    """Gives `weights` to the convolutions and PReLUs of `network`, in their order.

    Args:
        network: A functional network with the layers of the file, in its order.
        weights: Of `read_weights`.
        source: Name of the file in messages.

    Raises:
        ValueError: If the layers differ in number, kind or shape; the message names the first.
    """
    layers = [layer for layer in network.layers if layer.weights]
    if len(layers) != len(weights):
        raise ValueError(
            f"{source} has weights of {len(weights)} layers. Expected: {len(layers)}, those of "
            f"{network.name}."
        )
    for number, (layer, given) in enumerate(zip(layers, weights, strict=True)):
        arrays = _keras_weights(layer, given)
        shapes = [weight.shape for weight in layer.weights]
        if [array.shape for array in arrays] != shapes:
            raise ValueError(
                f"{source}: layer {number} is {given.operation} of weights "
                f"{[array.shape for array in given.arrays]}. Expected: {type(layer).__name__} "
                f"{layer.name!r} of {shapes}."
            )
        layer.set_weights(arrays)


def _keras_weights(layer: keras.layers.Layer, given: LayerWeights) -> list[np.ndarray]:
    """The arrays in the axes of Keras; empty for a layer of another kind."""
    if isinstance(layer, keras.layers.DepthwiseConv2D) and given.operation == "DEPTHWISE_CONV_2D":
        kernel, bias = given.arrays
        return [np.moveaxis(kernel, 0, -1), bias]
    if isinstance(layer, keras.layers.Conv2D) and given.operation == "CONV_2D":
        kernel, bias = given.arrays
        return [np.moveaxis(kernel, 0, -1), bias]
    if isinstance(layer, keras.layers.PReLU) and given.operation == "MUL":
        return [2.0 * given.arrays[0].reshape(1, 1, -1)]
    return []
