"""Soft-argmax of feature maps: the expected position of each channel, and features there.

Pose and shape depend on the positions of points. Global average pooling discards positions, and a
dense layer on a flattened map must learn every position separately; the expectation of a softmax
over the map is a position, precise to a fraction of a cell, from the first step on (Levine et al.
2016, "End-to-end training of deep visuomotor policies", spatial softmax). The same softmax pools
the features around each point. A linear map per point turns them into an offset that corrects the
position within its cell, and into features such as skin colour and shading at the same point of
every face.
"""

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_facerecon")
class SoftArgmax(keras.layers.Layer):
    """Attention maps `[B, H, W, K]`, features `[B, H, W, C]` to K points and their features.

    Returns positions `[B, K, 2]` (column, row; -1 and 1 are the outer edges of the image, cells
    count by their centres) and features pooled there `[B, K, num_features]`, both float32.

    Args:
        num_features: Number of features at each point.
        sharpness: The maps are multiplied by it before the softmax.
    """

    def __init__(self, num_features: int = 6, sharpness: float = 4.0, **kwargs):
        # Positions must be finer than half precision's thousandth of an image.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_features = num_features
        self.sharpness = sharpness

    def build(self, maps_shape, features_shape):
        """One kernel per point, from pooled features to an offset (cells) and features."""
        channels = features_shape[-1]
        self.kernel = self.add_weight(
            shape=(maps_shape[-1], channels, 2 + self.num_features),
            initializer=keras.initializers.RandomNormal(stddev=channels**-0.5),
            name="kernel",
        )
        self.built = True

    def call(self, maps: tf.Tensor, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        height, width, num_points = maps.shape[1:]
        channels = features.shape[-1]
        maps = self.sharpness * keras.ops.reshape(maps, (-1, height * width, num_points))
        # A constant of each map cancels in the ratio below; without it large maps would overflow.
        highest = keras.ops.stop_gradient(keras.ops.max(maps, axis=1, keepdims=True))
        weights = keras.ops.exp(maps - highest)
        positions = keras.ops.convert_to_tensor(_cell_centres(height, width), dtype="float32")
        positions = keras.ops.tile(positions[None], (keras.ops.shape(maps)[0], 1, 1))
        features = keras.ops.reshape(features, (-1, height * width, channels))
        # One product computes the softmax's denominator, the positions and the features.
        summed = [keras.ops.ones_like(maps[..., :1]), positions, features]
        summed = keras.ops.concatenate(summed, -1)
        sums = keras.ops.matmul(keras.ops.transpose(weights, (0, 2, 1)), summed)
        means = sums[..., 1:] / sums[..., :1]
        outputs = keras.ops.einsum("bkc,kcd->bkd", means[..., 2:], self.kernel)
        cell = keras.ops.convert_to_tensor([2.0 / width, 2.0 / height], dtype="float32")
        return means[..., :2] + outputs[..., :2] * cell, outputs[..., 2:]

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, maps_shape, features_shape):
        batch_size, num_points = maps_shape[0], maps_shape[-1]
        return (batch_size, num_points, 2), (batch_size, num_points, self.num_features)

    def get_config(self):
        return {
            **super().get_config(),
            "num_features": self.num_features,
            "sharpness": self.sharpness,
        }


def _cell_centres(height: int, width: int) -> np.ndarray:
    """`[H * W, 2]` (column, row) of the cells of an image that reaches from -1 to 1."""
    rows, columns = np.meshgrid(
        (2 * np.arange(height) + 1) / height - 1,
        (2 * np.arange(width) + 1) / width - 1,
        indexing="ij",
    )
    return np.stack([columns.ravel(), rows.ravel()], axis=-1).astype(np.float32)
