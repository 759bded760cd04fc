"""Differentiable rasterizer: triangles to images of perspective-correct attributes.

Visibility (`pixel_coverage`) has no gradient. Given it, the barycentric coordinates of each pixel
are an algebraic function of the clip coordinates of three vertices, differentiated as usual:
gradients flow to vertices and attributes of visible triangles, not through their outlines.

Convention: see `pixel_coverage`. Row 0 of every image is the top row.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.rendering import pixel_coverage


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
    jit_compile: bool = True,
) -> Rasterized:
    """Rasterizes a batch of meshes that share their triangles.

    Depth, normals or texture coordinates are attributes like any other: concatenate what is
    wanted along the last axis, it is interpolated in one pass.

    Args:
        clip_vertices: Float tensor `[B, V, 4]`, OpenGL clip coordinates.
        triangles: Int32 tensor `[T, 3]`, indices into the vertices, either winding; with T = 0 all
            is background.
        attributes: Tensor `[B, V, C]` of the same dtype.
        image_size: `(height, width)` in pixels.
        jit_compile: Compile with XLA, forward and backward; no outer compilation is needed.

    Returns:
        `Rasterized`, of the dtype of `clip_vertices`.

    Raises:
        ValueError: If a shape is not as stated.
    """
    clip_vertices = tf.convert_to_tensor(clip_vertices)
    attributes = tf.convert_to_tensor(attributes, clip_vertices.dtype)
    triangles = tf.convert_to_tensor(triangles, tf.int32)
    checks.check_shape("clip_vertices", clip_vertices, (None, None, 4))
    checks.check_shape("attributes", attributes, (*clip_vertices.shape[:2], None))
    triangle_ids = pixel_coverage.cover_pixels(
        clip_vertices, triangles, image_size, jit_compile=jit_compile
    )
    return interpolate(triangle_ids, clip_vertices, triangles, attributes, jit_compile=jit_compile)


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
    forward = _forward_compiled if jit_compile else _forward
    backward = _backward_compiled if jit_compile else _backward

    @tf.custom_gradient
    def interpolate_pixels(clip_vertices, attributes):
        # The backward pass computes the forward one again, which is cheaper than to keep what it
        # would need: that would have to leave and to enter the compiled functions.
        def gradient(*upstream):
            return backward(triangle_ids, clip_vertices, triangles, attributes, upstream)

        return forward(triangle_ids, clip_vertices, triangles, attributes), gradient

    values, barycentrics = interpolate_pixels(clip_vertices, attributes)
    mask = tf.cast(triangle_ids >= 0, clip_vertices.dtype)[..., tf.newaxis]
    return Rasterized(triangle_ids, mask, values, barycentrics)


def _forward(triangle_ids, clip_vertices, triangles, attributes):
    """Attributes `[B, H, W, C]` and barycentrics `[B, H, W, 3]`."""
    batch = tf.shape(triangle_ids)[0]
    height, width = triangle_ids.shape[1:]
    covered, corner_ids = _pixel_corners(triangle_ids, triangles)
    barycentrics = _barycentrics(
        tf.gather(clip_vertices, corner_ids, batch_dims=1), covered, (height, width)
    )
    corner_values = tf.gather(attributes, corner_ids, batch_dims=1)  # [B, P, 3, C]
    values = tf.reduce_sum(barycentrics[..., tf.newaxis] * corner_values, axis=2)
    values = tf.where(covered[..., tf.newaxis], values, tf.zeros([], values.dtype))
    return (
        tf.reshape(values, [batch, height, width, attributes.shape[-1]]),
        tf.reshape(barycentrics, [batch, height, width, 3]),
    )


def _backward(triangle_ids, clip_vertices, triangles, attributes, upstream):
    with tf.GradientTape() as tape:
        tape.watch((clip_vertices, attributes))
        images = _forward(triangle_ids, clip_vertices, triangles, attributes)
    return tape.gradient(images, (clip_vertices, attributes), output_gradients=upstream)


_compiled = functools.partial(tf.function, autograph=False, jit_compile=True)
_forward_compiled = _compiled(_forward)
_backward_compiled = _compiled(_backward)


def _pixel_corners(triangle_ids, triangles):
    """Covered `[B, P]` and vertex indices `[B, P, 3]` of each pixel's triangle.

    Background pixels get triangles of their own, whose gradient is 0, rather than all the same
    one: adding up the gradients would wait for that one row.
    """
    batch = tf.shape(triangle_ids)[0]
    num_pixels = triangle_ids.shape[1] * triangle_ids.shape[2]
    triangle_ids = tf.reshape(triangle_ids, [batch, num_pixels])
    covered = triangle_ids >= 0
    spread = tf.range(num_pixels) % tf.shape(triangles)[0]
    return covered, tf.gather(triangles, tf.where(covered, triangle_ids, spread))


def _barycentrics(corners, covered, image_size):
    """Barycentric coordinates `[B, P, 3]` of pixel centres in triangles `[B, P, 3, 4]`.

    With clip coordinates relative to the pixel, `x' = x - px w` and `y' = y - py w`, the weights
    solve `sum b x' = sum b y' = 0`, `sum b = 1`: the normalized cross product of `x'` and `y'`.
    The relative form keeps float32 exact where a triangle is about a pixel wide.
    """
    height, width = image_size
    dtype = corners.dtype.as_numpy_dtype
    pixel_x = (2.0 * np.arange(width) + 1.0) / width - 1.0
    pixel_y = 1.0 - (2.0 * np.arange(height) + 1.0) / height
    pixel_x = np.tile(pixel_x, height).astype(dtype)[:, np.newaxis]
    pixel_y = np.repeat(pixel_y, width).astype(dtype)[:, np.newaxis]
    # Whatever the background's triangles hold, NaN included, must not reach a gradient.
    corners = tf.where(covered[..., tf.newaxis, tf.newaxis], corners, tf.zeros([], corners.dtype))
    x = corners[..., 0] - pixel_x * corners[..., 3]
    y = corners[..., 1] - pixel_y * corners[..., 3]
    x0, x1, x2 = tf.unstack(x, axis=-1)
    y0, y1, y2 = tf.unstack(y, axis=-1)
    weights = tf.stack([x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0], axis=-1)
    total = tf.reduce_sum(weights, axis=-1, keepdims=True)
    solvable = total != 0.0
    return tf.where(
        solvable,
        weights / tf.where(solvable, total, tf.ones([], total.dtype)),
        tf.zeros_like(weights),
    )
