"""The rasterizer as a Keras layer, for models that render."""

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.rendering import rasterizer


@keras.saving.register_keras_serializable(package="tf_facerecon")
class MeshRenderer(keras.layers.Layer):
    """Renders vertex attributes of meshes that share their triangles.

    Inputs `(clip_vertices [B, V, 4], attributes [B, V, C])`, see `rasterizer.rasterize`. Returns a
    dict of images, row 0 on top, all 0 in the background but `triangle_ids`:
    `attributes [B, H, W, C]`, `mask [B, H, W, 1]`, `depth [B, H, W, 1]` (clip coordinate `w`),
    `barycentrics [B, H, W, 3]`, `triangle_ids [B, H, W]` int32.

    The layer holds no weights. Its triangles are saved as part of its configuration.

    Args:
        triangles: Integers `[T, 3]`, indices into the vertices.
        image_size: `(height, width)` in pixels.
        jit_compile: Compile with XLA.
        **kwargs: Of `keras.layers.Layer`. Inputs are not cast to a lower precision.

    Raises:
        ValueError: If `triangles` is not `[T, 3]` or holds a negative index.
    """

    def __init__(self, triangles, image_size, jit_compile: bool = True, **kwargs):
        # Pixels are decided by differences that half precision does not resolve.
        super().__init__(**{"autocast": False, **kwargs})
        triangles = np.asarray(triangles, np.int32)
        checks.check_shape("triangles", triangles, (None, 3))
        if triangles.size and triangles.min() < 0:
            raise ValueError(f"`triangles` must not be negative. Received: {triangles.min()}.")
        self.triangles = triangles
        self.image_size = tuple(int(side) for side in image_size)
        self.jit_compile = jit_compile

    def call(self, clip_vertices, attributes):
        channels = attributes.shape[-1]
        with_depth = tf.concat([attributes, clip_vertices[..., 3:]], axis=-1)
        images = rasterizer.rasterize(
            clip_vertices,
            self.triangles,
            with_depth,
            self.image_size,
            jit_compile=self.jit_compile,
        )
        return {
            "attributes": images.attributes[..., :channels],
            "mask": images.mask,
            "depth": images.attributes[..., channels:],
            "barycentrics": images.barycentrics,
            "triangle_ids": images.triangle_ids,
        }

    def compute_output_spec(self, clip_vertices, attributes):
        dtype = clip_vertices.dtype
        image = (clip_vertices.shape[0], *self.image_size)
        channels = {"attributes": attributes.shape[-1], "mask": 1, "depth": 1, "barycentrics": 3}
        spec = {name: keras.KerasTensor((*image, count), dtype) for name, count in channels.items()}
        return {**spec, "triangle_ids": keras.KerasTensor(image, "int32")}

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "triangles": self.triangles.tolist(),
                "image_size": list(self.image_size),
                "jit_compile": self.jit_compile,
            }
        )
        return config
