"""The differentiable rasterizer as a Keras layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.layers import float32_layer
from tf_facerecon.rendering import antialiasing, rasterizer, screen_triangles, visibility


@keras.saving.register_keras_serializable(package="tf_facerecon")
class MeshRenderer(float32_layer.Float32Layer):
    """Renders vertex attributes of meshes that share their triangles.

    The layer holds no weights. Its triangles are saved as part of its configuration.

    Args:
        triangles: Integers `[T, 3]`, indices into the vertices.
        image_size: `(height, width)` in pixels.
        antialias: Blend attributes and depth along outlines, which lets gradients flow through
            these, see `antialiasing`.
        jit_compile: Compile with XLA.
        backend: "native", or "tensorflow_graphics" for that library's framebuffer, barycentrics and
            interpolation, see `rasterizer.rasterize`.
        return_depth: Whether to interpolate the depth, too.

    Call arguments:
        clip_vertices: Float tensor `[B, V, 4]`, OpenGL clip coordinates.
        attributes: Float tensor `[B, V, C]`, or a dict of such tensors - `{"colours": ...,
            "normals": ..., "uv": ...}` -, all interpolated in one pass.
        triangle_ids: Int32 `[B, H, W]`, known visible triangles, -1 in the background, to render
            without testing visibility, see `visible_triangles`.

    Returns:
        A dict of images, row 0 on top, all 0 in the background but `triangle_ids`:
        `attributes` `[B, H, W, C]` (a dict of images for a dict of tensors), `mask`
        `[B, H, W, 1]`, `depth` `[B, H, W, 1]` (clip coordinate `w`; only with `return_depth`),
        `barycentrics` `[B, H, W, 3]`, `triangle_ids` `[B, H, W]` int32, -1 in the background.

    Raises:
        ValueError: If `triangles` are not integers `[T, 3]`, one is negative or no vertex,
            `image_size` is not two positive integers, there is no such backend, or
            an argument has another shape or dtype.
        ImportError: If the backend is "tensorflow_graphics", which cannot be imported.
    """

    def __init__(
        self,
        triangles,
        image_size,
        antialias: bool = False,
        jit_compile: bool = True,
        backend: str = "native",
        return_depth: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        rasterizer.check_backend(backend)
        self.triangles = screen_triangles.checked_triangles(triangles)
        self.image_size = _checked_image_size(image_size)
        self.antialias = antialias
        self.jit_compile = jit_compile
        self.backend = backend
        self.return_depth = return_depth
        self._largest_index = int(self.triangles.max(initial=-1))
        self._triangles = float32_layer.constant(self.triangles)
        self._opposite = None
        if antialias:
            self._opposite = float32_layer.constant(antialiasing.opposite_vertices(self.triangles))

    def build(self, clip_vertices_shape, attributes_shape=None):
        """Checks the shapes; there is nothing to make."""
        # Keras leaves out the shapes of an empty dict.
        attributes = keras.tree.map_shape_structure(keras.KerasTensor, attributes_shape or {})
        self._check_shapes(clip_vertices_shape, attributes)
        self.built = True

    def call(
        self, clip_vertices: tf.Tensor, attributes: Any, triangle_ids: tf.Tensor | None = None
    ) -> dict[str, Any]:
        self._check_shapes(clip_vertices.shape, attributes, triangle_ids)
        wanted = tf.nest.flatten(attributes)
        if self.return_depth:
            wanted = [*wanted, clip_vertices[..., 3:]]
        images = rasterizer.rasterize(
            clip_vertices,
            self._triangles,
            wanted[0] if len(wanted) == 1 else tf.concat(wanted, axis=-1),
            self.image_size,
            antialias=self._opposite,
            jit_compile=self.jit_compile,
            backend=self.backend,
            triangle_ids=triangle_ids,
        )
        interpolated = [images.attributes]
        if len(wanted) > 1:
            widths = [tensor.shape[-1] for tensor in wanted]
            interpolated = tf.split(images.attributes, widths, axis=-1)
        depth = {"depth": interpolated.pop()} if self.return_depth else {}
        return {
            "attributes": tf.nest.pack_sequence_as(attributes, interpolated),
            "mask": images.mask,
            **depth,
            "barycentrics": images.barycentrics,
            "triangle_ids": images.triangle_ids,
        }

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def visible_triangles(self, clip_vertices):
        """Nearest triangle at each pixel, `[B, H, W]` int32; see `visibility.visible_triangles`."""
        return visibility.visible_triangles(
            clip_vertices, self._triangles, self.image_size, jit_compile=self.jit_compile
        )

    def compute_output_spec(self, clip_vertices, attributes, triangle_ids=None):
        """Images of `clip_vertices`' batch size and the layer's image size."""
        self._check_shapes(clip_vertices.shape, attributes, triangle_ids)
        image = (clip_vertices.shape[0], *self.image_size)

        def spec(channels):
            return keras.KerasTensor((*image, channels), "float32")

        return {
            "attributes": keras.tree.map_structure(lambda x: spec(x.shape[-1]), attributes),
            "mask": spec(1),
            **({"depth": spec(1)} if self.return_depth else {}),
            "barycentrics": spec(3),
            "triangle_ids": keras.KerasTensor(image, "int32"),
        }

    def _check_shapes(self, clip_vertices_shape, attributes, triangle_ids=None):
        for tensor in keras.tree.flatten(attributes) or [None]:
            float32_layer.check_static_shapes(
                clip_vertices=(clip_vertices_shape, ("B", "V", 4)),
                attributes=(getattr(tensor, "shape", ()), ("B", "V", None)),
                triangle_ids=(getattr(triangle_ids, "shape", None), ("B", *self.image_size)),
            )
        num_vertices = clip_vertices_shape[1]
        if num_vertices is not None and self._largest_index >= num_vertices:
            screen_triangles.checked_triangles(self.triangles, num_vertices)  # Raises.

    def get_config(self):
        """All constructor arguments."""
        return {
            **super().get_config(),
            "triangles": self.triangles.tolist(),
            "image_size": list(self.image_size),
            "antialias": self.antialias,
            "jit_compile": self.jit_compile,
            "backend": self.backend,
            "return_depth": self.return_depth,
        }


def _checked_image_size(image_size) -> tuple[int, int]:
    """`(height, width)` as integers.

    Raises:
        ValueError: If it is not two positive integers.
    """
    sides = tuple(image_size) if isinstance(image_size, Sequence | np.ndarray) else ()
    if len(sides) != 2 or not all(isinstance(x, int | np.integer) and x > 0 for x in sides):
        raise ValueError(
            "`image_size` must be two positive integers, `(height, width)` in pixels. "
            f"Received: {image_size!r}."
        )
    return int(sides[0]), int(sides[1])
