"""From maps to places: where in the picture each channel looks.

A pose and a shape are read off positions. Averaging a map throws positions away, and a dense layer
on a flattened map must learn every position separately; the expectation of a softmax over the map
is a position, precise to a fraction of a cell, from the first step on (Levine et al. 2016, "End-to-
end training of deep visuomotor policies", spatial softmax).
"""

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="tf_facerecon")
class SpatialExpectation(keras.layers.Layer):
    """Maps `[B, H, W, C]` to positions `[B, 2 C]`: all columns, then all rows, each in [-1, 1].

    Args:
        sharpness: The maps are multiplied by it before the softmax.
    """

    def __init__(self, sharpness: float = 4.0, **kwargs):
        # Positions must be finer than half precision's thousandth of a picture.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.sharpness = sharpness

    def call(self, maps):
        height, width, channels = maps.shape[1:]
        flat = keras.ops.reshape(maps, (-1, height * width, channels))
        weights = keras.ops.softmax(self.sharpness * flat, axis=1)
        rows, columns = np.meshgrid(
            np.linspace(-1, 1, height, dtype=np.float32),
            np.linspace(-1, 1, width, dtype=np.float32),
            indexing="ij",
        )
        places = np.stack([columns.ravel(), rows.ravel()])
        expected = keras.ops.matmul(places, weights)
        return keras.ops.reshape(expected, (-1, 2 * channels))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "sharpness": self.sharpness}
