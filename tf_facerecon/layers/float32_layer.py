"""Base class of the layers that compute geometry and images."""

import keras
import tensorflow as tf

from tf_facerecon.core import checks


class Float32Layer(keras.layers.Layer):
    """A layer without weights that computes in float32 whatever `dtype` or global policy says.

    Half precision cannot hold the position of a vertex or a landmark. Floating-point inputs of any
    precision are cast to float32 by Keras before `call`.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"trainable": False, **kwargs, "dtype": "float32"})


def check_static_shape(name: str, shape, expected) -> None:
    """`checks.check_shape` for a shape in place of a tensor, as in `compute_output_shape`.

    Raises:
        ValueError: If the shape is not as expected.
    """
    checks.check_shape(name, keras.KerasTensor(tuple(shape)), expected)


def constant(values):
    """`tf.constant` of each array in a structure, usable in every graph.

    A layer can be made or built while some graph is traced; a constant made there would belong to
    that graph alone.
    """
    with tf.init_scope():
        return tf.nest.map_structure(tf.constant, values)
