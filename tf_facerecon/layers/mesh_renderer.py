"""The rasterizer as a Keras layer, for models that render."""

import keras
import tensorflow as tf

from tf_facerecon.rendering import antialiasing, rasterizer, screen_triangles


@keras.saving.register_keras_serializable(package="tf_facerecon")
class MeshRenderer(keras.layers.Layer):
    """Renders vertex attributes of meshes that share their triangles.

    Inputs `(clip_vertices [B, V, 4], attributes [B, V, C])`, see `rasterizer.rasterize`. Returns a
    dict of images, row 0 on top, all 0 in the background but `triangle_ids`:
    `attributes [B, H, W, C]`, `mask [B, H, W, 1]`, `depth [B, H, W, 1]` (clip coordinate `w`),
    `barycentrics [B, H, W, 3]`, `triangle_ids [B, H, W]` int32.

    Attributes can also be a dict of tensors - `{"colours": ..., "normals": ..., "uv": ...}` -,
    all interpolated in one pass; its images then have its names, and `attributes` is the dict of
    them.

    The layer holds no weights. Its triangles are saved as part of its configuration.

    Args:
        triangles: Integers `[T, 3]`, indices into the vertices.
        image_size: `(height, width)` in pixels.
        antialias: Blend attributes and depth along outlines, which lets gradients flow through
            these, see `antialiasing`.
        jit_compile: Compile with XLA.
        **kwargs: Of `keras.layers.Layer`. Inputs are not cast to a lower precision.

    Raises:
        ValueError: If `triangles` are not integers `[T, 3]`, or one is negative or no vertex.
    """

    def __init__(
        self, triangles, image_size, antialias: bool = False, jit_compile: bool = True, **kwargs
    ):
        # Pixels are decided by differences that half precision does not resolve.
        super().__init__(**{"autocast": False, **kwargs})
        self.triangles = screen_triangles.checked_triangles(triangles)
        self.image_size = tuple(int(side) for side in image_size)
        self.antialias = antialias
        self.jit_compile = jit_compile
        self._opposite = antialiasing.opposite_vertices(self.triangles) if antialias else None

    def call(self, clip_vertices, attributes):
        wanted = tf.nest.flatten(attributes)
        widths = [tensor.shape[-1] for tensor in wanted]
        with_depth = tf.concat([*wanted, clip_vertices[..., 3:]], axis=-1)
        images = rasterizer.rasterize(
            clip_vertices,
            self.triangles,
            with_depth,
            self.image_size,
            antialias=self._opposite,
            jit_compile=self.jit_compile,
        )
        *interpolated, depth = tf.split(images.attributes, [*widths, 1], axis=-1)
        return {
            "attributes": tf.nest.pack_sequence_as(attributes, interpolated),
            "mask": images.mask,
            "depth": depth,
            "barycentrics": images.barycentrics,
            "triangle_ids": images.triangle_ids,
        }

    def compute_output_spec(self, clip_vertices, attributes):
        dtype = clip_vertices.dtype
        image = (clip_vertices.shape[0], *self.image_size)

        def picture(channels):
            return keras.KerasTensor((*image, channels), dtype)

        return {
            "attributes": keras.tree.map_structure(lambda x: picture(x.shape[-1]), attributes),
            "mask": picture(1),
            "depth": picture(1),
            "barycentrics": picture(3),
            "triangle_ids": keras.KerasTensor(image, "int32"),
        }

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "triangles": self.triangles.tolist(),
                "image_size": list(self.image_size),
                "antialias": self.antialias,
                "jit_compile": self.jit_compile,
            }
        )
        return config
