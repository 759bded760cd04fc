"""Refinement of landmarks: a patch of a finer feature map around each point gives an offset.

The accuracy of points found on a coarse map is limited by its features. Sampling a finer map
around the predicted points is the step of cascaded shape regression (Xiong & De la Torre 2013,
"Supervised descent method and its applications to face alignment", shape-indexed features). It
samples a few cells per point instead of computing heat maps of the finer resolution.
"""

from typing import TYPE_CHECKING

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_facerecon")
class LandmarkRefinement(keras.layers.Layer):
    """Points `[B, K, 2]` (-1 to 1) and a map `[B, H, W, C]` to refined points `[B, K, 2]`.

    A linear map of each point turns the square patch of cells around it, and its position within
    the central cell, into an offset. The map is padded with zeros; for a point outside it, the
    patch is centred on the nearest cell. No gradient flows through the choice of the cell. All
    float32.

    Args:
        patch_size: Side of the square, cells; odd, so that the point's cell is its centre.

    Raises:
        ValueError: If `patch_size` is not positive and odd.
    """

    def __init__(self, patch_size: int = 5, **kwargs):
        # Positions must be finer than half precision's thousandth of an image.
        super().__init__(**{**kwargs, "dtype": "float32"})
        if patch_size < 1 or patch_size % 2 != 1:
            raise ValueError(f"`patch_size` must be positive and odd. Received: {patch_size}.")
        self.patch_size = patch_size

    def build(self, points_shape, fine_map_shape):
        """One kernel per point, zero at first: untrained, the layer changes no point."""
        num_inputs = self.patch_size**2 * fine_map_shape[-1] + 2
        self.kernel = self.add_weight(
            shape=(points_shape[1], num_inputs, 2), initializer="zeros", name="kernel"
        )
        self.built = True

    def call(self, points: tf.Tensor, fine_map: tf.Tensor) -> tf.Tensor:
        height, width = fine_map.shape[1:3]
        size = keras.ops.convert_to_tensor([width, height], dtype="float32")
        cells = (keras.ops.stop_gradient(points) + 1.0) / 2.0 * size
        # A point that is not finite samples an arbitrary cell and stays as it is.
        nearest = keras.ops.nan_to_num(keras.ops.floor(cells))
        nearest = keras.ops.clip(nearest, 0.0, size - 1.0)
        inside = keras.ops.clip(cells - nearest, 0.0, 1.0) - 0.5
        patches = self._patches(fine_map, keras.ops.cast(nearest, "int32"))
        inputs = keras.ops.concatenate([patches, inside], axis=-1)
        offsets = keras.ops.einsum("bkn,knd->bkd", inputs, self.kernel)
        return points + offsets * 2.0 / size

    def _patches(self, fine_map, middle):
        """Squares of `fine_map` around the cells `middle` `[B, K, 2]` (column, row), flat."""
        border = self.patch_size // 2
        around = keras.ops.pad(fine_map, [(0, 0), (border, border), (border, border), (0, 0)])
        height, width, channels = around.shape[1:]
        steps = keras.ops.arange(self.patch_size, dtype="int32")
        columns, rows = middle[..., :1] + steps, middle[..., 1:] + steps
        image = keras.ops.arange(keras.ops.shape(middle)[0], dtype="int32")[:, None, None]
        index = ((image * height + rows) * width)[..., None] + columns[..., None, :]
        # One flat gather of rows: several times faster than `take_along_axis` on a CPU.
        flat = keras.ops.reshape(around, (-1, channels))
        patches = keras.ops.take(flat, keras.ops.reshape(index, (-1,)), axis=0)
        return keras.ops.reshape(patches, (-1, middle.shape[1], self.patch_size**2 * channels))

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, points_shape, fine_map_shape):
        return points_shape

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size}
