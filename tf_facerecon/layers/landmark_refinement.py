"""A second look at each place: what a finer map shows around it moves it by parts of a cell.

Places found on a coarse map are as exact as its features allow. Looking again where they point to,
in a finer map and relative to the place itself, is the step of cascaded shape regression (Xiong &
De la Torre 2013, "Supervised descent method and its applications to face alignment", features
indexed by the shape). It reads a few cells per place instead of computing whole fine maps.
"""

import keras


@keras.saving.register_keras_serializable(package="tf_facerecon")
class LandmarkRefinement(keras.layers.Layer):
    """Places `[B, K, 2]` (-1 to 1) and a map `[B, H, W, C]` to corrected places `[B, K, 2]`.

    The square of cells around the cell that a place lies in, and where it lies in it, are turned
    into a step by a kernel that belongs to the place. Outside the map there are zeros; a place
    outside sees the nearest cell. No gradient flows through the choice of the cell. All float32.

    Args:
        patch_size: Side of the square, cells; odd, so that the place's cell is its middle.

    Raises:
        ValueError: If `patch_size` is not positive and odd.
    """

    def __init__(self, patch_size: int = 5, **kwargs):
        # Positions must be finer than half precision's thousandth of an image.
        super().__init__(**{**kwargs, "dtype": "float32"})
        if patch_size < 1 or patch_size % 2 != 1:
            raise ValueError(f"`patch_size` must be positive and odd. Received: {patch_size}.")
        self.patch_size = patch_size

    def build(self, places_shape, fine_map_shape):
        """One kernel per place, 0 at first: places start as they came."""
        num_seen = self.patch_size**2 * fine_map_shape[-1] + 2
        self.kernel = self.add_weight(
            shape=(places_shape[1], num_seen, 2), initializer="zeros", name="kernel"
        )
        self.built = True

    def call(self, places, fine_map):
        height, width = fine_map.shape[1:3]
        size = keras.ops.convert_to_tensor([width, height], dtype="float32")
        cells = (keras.ops.stop_gradient(places) + 1.0) / 2.0 * size
        # A place that is not finite looks anywhere, and stays what it is: losses tell of it.
        nearest = keras.ops.nan_to_num(keras.ops.floor(cells))
        nearest = keras.ops.clip(nearest, 0.0, size - 1.0)
        inside = keras.ops.clip(cells - nearest, 0.0, 1.0) - 0.5
        patches = self._patches(fine_map, keras.ops.cast(nearest, "int32"))
        seen = keras.ops.concatenate([patches, inside], axis=-1)
        steps = keras.ops.einsum("bkn,knd->bkd", seen, self.kernel)
        return places + steps * 2.0 / size

    def _patches(self, fine_map, middle):
        """Squares of `fine_map` around the cells `middle` `[B, K, 2]` (column, row), flat."""
        border = self.patch_size // 2
        around = keras.ops.pad(fine_map, [(0, 0), (border, border), (border, border), (0, 0)])
        height, width, channels = around.shape[1:]
        steps = keras.ops.arange(self.patch_size, dtype="int32")
        columns, rows = middle[..., :1] + steps, middle[..., 1:] + steps
        image = keras.ops.arange(keras.ops.shape(middle)[0], dtype="int32")[:, None, None]
        index = ((image * height + rows) * width)[..., None] + columns[..., None, :]
        # One flat look-up of rows: several times faster than `take_along_axis` on a CPU.
        flat = keras.ops.reshape(around, (-1, channels))
        patches = keras.ops.take(flat, keras.ops.reshape(index, (-1,)), axis=0)
        return keras.ops.reshape(patches, (-1, middle.shape[1], self.patch_size**2 * channels))

    def compute_output_shape(self, places_shape, fine_map_shape):
        return places_shape

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size}
