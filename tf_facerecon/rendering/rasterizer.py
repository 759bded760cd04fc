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
    per_image,
    screen_triangles,
    visibility,
)


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

    Returns:
        `Rasterized`, of the dtype of `clip_vertices`.

    Raises:
        ValueError: If a shape is not as stated.
    """
    clip_vertices = tf.convert_to_tensor(clip_vertices)
    attributes = tf.convert_to_tensor(attributes, clip_vertices.dtype)
    checks.check_shape("clip_vertices", clip_vertices, (None, None, 4))
    if not tf.is_tensor(triangles):
        triangles = screen_triangles.checked_triangles(triangles, clip_vertices.shape[1])
    triangles = tf.convert_to_tensor(triangles, tf.int32)
    checks.check_shape("attributes", attributes, (*clip_vertices.shape[:2], None))
    triangle_ids = visibility.visible_triangles(
        clip_vertices, triangles, image_size, jit_compile=jit_compile
    )
    images = interpolate(
        triangle_ids, clip_vertices, triangles, attributes, jit_compile=jit_compile
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
) -> Rasterized:
    """The differentiable half of `rasterize`: attributes at the pixels of known triangles.

    Args:
        triangle_ids: Int32 tensor `[B, H, W]` with static H and W, -1 in the background.
        clip_vertices: Float tensor `[B, V, 4]`.
        triangles: Int32 tensor `[T, 3]`.
        attributes: Tensor `[B, V, C]`.
        jit_compile: Compile with XLA.

    Returns:
        `Rasterized` with the given `triangle_ids`.
    """
    if triangles.shape[0] == 0:
        # All is background, whose pixels look a row up that does not count.
        triangles = tf.zeros([1, 3], tf.int32)
    values, barycentrics = _interpolate_images(
        (clip_vertices, attributes), (triangle_ids,), (triangles,), jit_compile=jit_compile
    )
    mask = tf.cast(triangle_ids >= 0, clip_vertices.dtype)[..., tf.newaxis]
    return Rasterized(triangle_ids, mask, values, barycentrics)


_interpolate_images = per_image.PerImageFunction(
    attribute_interpolation.interpolate_image,
    num_differentiable=2,
    num_results=2,
    gradient=attribute_interpolation.interpolate_image_gradient,
)
