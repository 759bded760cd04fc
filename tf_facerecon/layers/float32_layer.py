"""Base class of the layers that compute geometry and images, and checks of their inputs."""

import inspect
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_facerecon.core import checks


class Float32Layer(keras.layers.Layer):
    """A layer without weights that computes in float32 whatever `dtype` or global policy says.

    Half precision cannot hold the position of a vertex or a landmark. Floating-point inputs of any
    precision are cast to float32 by Keras before `call`.

    Raises:
        ValueError: When called with a tensor that is not of a floating-point dtype.
    """

    # Names of call arguments that hold integers.
    _integer_arguments = ("triangle_ids",)

    def __init__(self, **kwargs):
        super().__init__(**{"trainable": False, **kwargs, "dtype": "float32"})

    def __call__(self, *args, **kwargs):
        """Checks the dtypes, which Keras passes to neither `build` nor `compute_output_shape`."""
        names = inspect.signature(self.call).parameters
        for name, argument in (*zip(names, args, strict=False), *kwargs.items()):
            if name not in self._integer_arguments:
                check_floating(name, argument)
        return super().__call__(*args, **kwargs)


def check_floating(name: str, argument: Any) -> None:
    """Raises unless all tensors in a structure hold floating-point numbers.

    Scalars and Python objects, which are options such as `render`, are let through.

    Raises:
        ValueError: If a tensor holds integers, booleans or strings.
    """
    for tensor in keras.tree.flatten(argument):
        dtype = getattr(tensor, "dtype", None)
        if dtype is None or getattr(tensor, "ndim", None) == 0:
            continue
        dtype = getattr(dtype, "name", str(dtype))
        if "float" not in dtype:
            raise ValueError(f"`{name}` must be a float tensor. Received: dtype {dtype}.")


def check_static_shape(name: str, shape, expected) -> None:
    """`checks.check_shape` for a shape in place of a tensor, as in `compute_output_shape`.

    Raises:
        ValueError: If the shape is not as expected.
    """
    if getattr(shape, "rank", 0) is not None:  # A `tf.TensorShape` may have unknown rank.
        checks.check_shape(name, keras.KerasTensor(tuple(shape)), expected)


def check_static_shapes(**arguments: tuple[Any, Sequence[Any]]) -> None:
    """`check_static_shape` for several arguments that share sizes.

    Args:
        **arguments: Pairs of a shape and the expected one for each argument, by its name. In the
            expected shape a string such as "B" stands for a size that is the same wherever the
            string occurs. Shapes that are `None` (arguments left out) are not checked.

    Raises:
        ValueError: If a shape is not as expected; names the first such argument.
    """
    sizes: dict[str, int] = {}
    for name, (shape, expected) in arguments.items():
        if shape is None:
            continue
        wanted = [sizes.get(size) if isinstance(size, str) else size for size in expected]
        check_static_shape(name, shape, wanted)
        if getattr(shape, "rank", 0) is None:
            continue
        for size, axis in zip(shape, expected, strict=True):
            if isinstance(axis, str) and size is not None:
                sizes.setdefault(axis, size)


def constant(values):
    """`tf.constant` of each array in a structure, usable in every graph.

    A layer can be made or built while some graph is traced; a constant made there would belong to
    that graph alone.
    """
    with tf.init_scope():
        return tf.nest.map_structure(tf.constant, values)
