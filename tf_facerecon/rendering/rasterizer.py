"""Differentiable rasterizer: triangles to images of perspective-correct attributes.

Visibility (`visibility`) has no gradient. Given it, the barycentric coordinates of each pixel
are an algebraic function of the clip coordinates of three vertices, differentiated as usual:
gradients flow to vertices and attributes of visible triangles, and through their outlines if these
are blended (`antialiasing`).

Convention: see `visibility`. Row 0 of every image is the top row.
"""

from typing import NamedTuple

import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.rendering import (
    antialiasing,
    attribute_interpolation,
    screen_triangles,
    tensorflow_graphics_backend,
    visibility,
)

BACKENDS = ("native", "tensorflow_graphics")


class Rasterized(NamedTuple):
    """Images of a rasterized batch.

    Attributes:
        triangle_ids: Int32 `[B, H, W]`, nearest triangle, -1 in the background.
        mask: `[B, H, W, 1]`, 1 where a triangle covers the pixel centre, else 0; no gradient.
        attributes: `[B, H, W, C]`, interpolated attributes, 0 in the background.
        barycentrics: `[B, H, W, 3]`, perspective-correct weights of the triangle's corners, in
            the order of its row in `triangles`; sum 1, in the background 0.
    """

    triangle_ids: tf.Tensor
    mask: tf.Tensor
    attributes: tf.Tensor
    barycentrics: tf.Tensor


def rasterize(
    clip_vertices: tf.Tensor,
    triangles: tf.Tensor,
    attributes: tf.Tensor,
    image_size: tuple[int, int],
    *,
    antialias: tf.Tensor | None = None,
    jit_compile: bool = True,
    backend: str = "native",
    triangle_ids: tf.Tensor | None = None,
) -> Rasterized:
    """Rasterizes a batch of meshes that share their triangles.

    Depth, normals or texture coordinates are attributes like any other: concatenate what is
    wanted along the last axis, it is interpolated in one pass.

    Args:
        clip_vertices: Float tensor `[B, V, 4]`, OpenGL clip coordinates.
        triangles: Int32 tensor `[T, 3]`, indices into the vertices, either winding; with T = 0 all
            is background. The values of an array are checked, those of a tensor are not.
        attributes: Tensor `[B, V, C]` of the same dtype.
        image_size: `(height, width)` in pixels.
        antialias: Int32 tensor `[T, 3]` from `antialiasing.opposite_vertices(triangles)`, to blend
            `attributes` along outlines, which lets gradients flow through these; the mask stays
            as it is (for a smooth one, give an attribute that is 1). See `antialiasing`.
        jit_compile: Compile with XLA, forward and backward; no outer compilation is needed.
        backend: "native", or "tensorflow_graphics" (float32 only), whose framebuffer,
            differentiable barycentrics and interpolation then replace `attribute_interpolation`
            for the same visible triangles: equal images and gradients, several times slower.
        triangle_ids: Int32 tensor `[B, H, W]`, known visible triangles, -1 in the background;
            by default they are found by `visibility.visible_triangles`.

    Returns:
        `Rasterized`, of the dtype of `clip_vertices`.

    Raises:
        ValueError: If a shape is not as stated or there is no such backend.
        ImportError: If the backend is "tensorflow_graphics", which cannot be imported.
    """
    check_backend(backend)
    clip_vertices = tf.convert_to_tensor(clip_vertices)
    attributes = tf.convert_to_tensor(attributes, clip_vertices.dtype)
    checks.check_shape("clip_vertices", clip_vertices, (None, None, 4))
    if not tf.is_tensor(triangles):
        triangles = screen_triangles.checked_triangles(triangles, clip_vertices.shape[1])
    triangles = tf.convert_to_tensor(triangles, tf.int32)
    checks.check_shape("attributes", attributes, (*clip_vertices.shape[:2], None))
    if triangle_ids is None:
        triangle_ids = visibility.visible_triangles(
            clip_vertices, triangles, image_size, jit_compile=jit_compile
        )
    images = interpolate(
        triangle_ids, clip_vertices, triangles, attributes, jit_compile=jit_compile, backend=backend
    )
    if antialias is None:
        return images
    blended = antialiasing.antialias(
        images.attributes,
        triangle_ids,
        images.barycentrics,
        clip_vertices,
        triangles,
        antialias,
        jit_compile=jit_compile,
    )
    return images._replace(attributes=blended)


def interpolate(
    triangle_ids: tf.Tensor,
    clip_vertices: tf.Tensor,
    triangles: tf.Tensor,
    attributes: tf.Tensor,
    *,
    jit_compile: bool = True,
    backend: str = "native",
) -> Rasterized:
    """The differentiable half of `rasterize`: attributes at the pixels of known triangles.

    Args:
        triangle_ids: Int32 tensor `[B, H, W]` with static H and W, -1 in the background.
        clip_vertices: Float tensor `[B, V, 4]`.
        triangles: Int32 tensor `[T, 3]`.
        attributes: Tensor `[B, V, C]`.
        jit_compile: Compile with XLA.
        backend: See `rasterize`.

    Returns:
        `Rasterized` with the given `triangle_ids`.
    """
    if triangles.shape[0] == 0:
        # All is background, whose pixels look a row up that does not count.
        triangles = tf.zeros([1, 3], tf.int32)
    if backend == "native":
        values, barycentrics = attribute_interpolation.interpolate_images(
            (clip_vertices, attributes), (triangle_ids,), (triangles,), jit_compile=jit_compile
        )
    else:
        values, barycentrics = tensorflow_graphics_backend.interpolate_images(
            triangle_ids, clip_vertices, triangles, attributes
        )
    mask = tf.cast(triangle_ids >= 0, clip_vertices.dtype)[..., tf.newaxis]
    return Rasterized(triangle_ids, mask, values, barycentrics)


def check_backend(backend: str) -> None:
    """Raises unless `backend` is one of `BACKENDS` and can be used here.

    Raises:
        ValueError: If there is no such backend.
        ImportError: If the backend is "tensorflow_graphics", which cannot be imported.
    """
    if backend not in BACKENDS:
        raise ValueError(f"`backend` must be one of {list(BACKENDS)}. Received: {backend!r}.")
    if backend == "tensorflow_graphics":
        tensorflow_graphics_backend.check_importable()
