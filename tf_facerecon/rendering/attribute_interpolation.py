"""Attributes at the pixels of one image whose triangles are known, forward and backward.

Only covered pixels are processed: the image is cut into short segments of pixels, those that
hold a covered pixel are listed, and each iteration of a loop processes some hundreds of them, few
enough for a processor's cache.

Convention: see `visibility`. Tuples hold one tensor per corner of a triangle. Stacking them
along a last axis would be simpler to read, but compiles to a branch per element.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_facerecon.rendering import per_image

_SEGMENT = 8  # Pixels.
_SEGMENTS_PER_ITERATION = 512


class _Image(NamedTuple):
    """The P pixels of an image, cut into segments; the last holds pixels beyond the image.

    Attributes:
        triangle_ids: Int32 `[P + ...]`, whole segments, -1 beyond the image.
        pixel_x: NumPy, of the same length, normalized device coordinates of pixel centres.
        pixel_y: The same.
        listed: Int32, the segments that hold a covered pixel, then the last.
        count: Int32 scalar, how many hold a covered pixel.
    """

    triangle_ids: tf.Tensor
    pixel_x: np.ndarray
    pixel_y: np.ndarray
    listed: tf.Tensor
    count: tf.Tensor


class _Pixels(NamedTuple):
    """What N pixels see; `index` into the image, tuples of `[N]`.

    `x` and `y` are clip coordinates relative to the pixel, `x - pixel_x w` and `y - pixel_y w`;
    `weights` the barycentric coordinates, `total` the divisor that makes their sum 1 (or 1).
    """

    index: tf.Tensor
    covered: tf.Tensor
    pixel_x: tf.Tensor
    pixel_y: tf.Tensor
    corner_ids: tuple
    x: tuple
    y: tuple
    weights: tuple
    total: tf.Tensor


def interpolate_image(
    vertices: tf.Tensor, attributes: tf.Tensor, triangle_ids: tf.Tensor, triangles: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Attributes `[H, W, C]` and barycentrics `[H, W, 3]`, 0 in the background.

    Args:
        vertices: Clip coordinates `[V, 4]`.
        attributes: Tensor `[V, C]` of the same dtype.
        triangle_ids: Int32 tensor `[H, W]`, -1 in the background.
        triangles: Int32 tensor `[T, 3]`.
    """
    height, width = triangle_ids.shape
    image = _cut_image(triangle_ids, vertices.dtype)

    def interpolate_iteration(start, values, barycentrics):
        pixels = _look_up_pixels(image, start, vertices, triangles)
        seen = sum(
            weight[:, tf.newaxis] * tf.gather(attributes, corner)
            for weight, corner in zip(pixels.weights, pixels.corner_ids, strict=True)
        )
        # Not a product with 0: background pixels may hold any value, NaN included.
        seen = tf.where(pixels.covered[:, tf.newaxis], seen, tf.zeros([], values.dtype))
        indices = pixels.index[:, tf.newaxis]
        weights = tf.stack(pixels.weights, axis=-1)
        return (
            start + _SEGMENTS_PER_ITERATION,
            tf.tensor_scatter_nd_update(values, indices, seen),
            tf.tensor_scatter_nd_update(barycentrics, indices, weights),
        )

    channels = (attributes.shape[-1], 3)
    num_pixels = image.triangle_ids.shape[0]
    _, *results = tf.while_loop(
        lambda start, *_: start < image.count,
        interpolate_iteration,
        (0, *(tf.zeros([num_pixels, count], vertices.dtype) for count in channels)),
    )
    return tuple(
        tf.reshape(result[: height * width], [height, width, count])
        for result, count in zip(results, channels, strict=True)
    )


def interpolate_image_gradient(
    to_values: tf.Tensor,
    to_barycentrics: tf.Tensor,
    vertices: tf.Tensor,
    attributes: tf.Tensor,
    triangle_ids: tf.Tensor,
    triangles: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradients to `vertices` `[V, 4]` and `attributes` `[V, C]`.

    Args:
        to_values: Gradient `[H, W, C]` to the first result of `interpolate_image`.
        to_barycentrics: Gradient `[H, W, 3]` to the second.
        vertices: As in `interpolate_image`.
        attributes: As in `interpolate_image`.
        triangle_ids: As in `interpolate_image`.
        triangles: As in `interpolate_image`.
    """
    image = _cut_image(triangle_ids, vertices.dtype)
    to_values = tf.reshape(to_values, [-1, to_values.shape[-1]])
    to_barycentrics = tf.reshape(to_barycentrics, [-1, 3])

    def add_iteration(start, to_positions, to_attributes):
        pixels = _look_up_pixels(image, start, vertices, triangles)
        upstream = _take(to_values, pixels)
        positions = _position_gradients(
            pixels, upstream, _take(to_barycentrics, pixels), attributes
        )
        weighted = [weight[:, tf.newaxis] * upstream for weight in pixels.weights]
        indices = tf.concat(pixels.corner_ids, axis=0)[:, tf.newaxis]
        return (
            start + _SEGMENTS_PER_ITERATION,
            tf.tensor_scatter_nd_add(to_positions, indices, tf.concat(positions, axis=0)),
            tf.tensor_scatter_nd_add(to_attributes, indices, tf.concat(weighted, axis=0)),
        )

    _, to_positions, to_attributes = tf.while_loop(
        lambda start, *_: start < image.count,
        add_iteration,
        (0, tf.zeros_like(vertices), tf.zeros_like(attributes)),
    )
    return to_positions, to_attributes


def _position_gradients(pixels, to_values, to_barycentrics, attributes):
    """Gradients to the clip coordinates of each corner: three `[P, 4]`."""
    to_weights = [
        to_barycentrics[:, index] + tf.reduce_sum(to_values * tf.gather(attributes, corner), -1)
        for index, corner in enumerate(pixels.corner_ids)
    ]
    zero = tf.zeros([], to_values.dtype)
    to_weights = [tf.where(pixels.covered, to, zero) for to in to_weights]
    # The weights are a cross product, x times y, divided by the sum of its elements.
    mean = sum(weight * to for weight, to in zip(pixels.weights, to_weights, strict=True))
    to_edges = [(to - mean) / pixels.total for to in to_weights]
    unit_x, unit_y, unit_w = np.eye(4, dtype=to_values.dtype.as_numpy_dtype)[[0, 1, 3]]
    return [
        x[:, tf.newaxis] * unit_x
        + y[:, tf.newaxis] * unit_y
        - (pixels.pixel_x * x + pixels.pixel_y * y)[:, tf.newaxis] * unit_w
        for x, y in zip(_cross(pixels.y, to_edges), _cross(to_edges, pixels.x), strict=True)
    ]


def _cut_image(triangle_ids, dtype):
    """The `_Image` of `triangle_ids` `[H, W]`."""
    height, width = triangle_ids.shape
    num_segments = -(-height * width // _SEGMENT)
    pixel = np.arange((num_segments + 1) * _SEGMENT)
    pixel_x = (2.0 * (pixel % width) + 1.0) / width - 1.0
    pixel_y = 1.0 - (2.0 * (pixel // width) + 1.0) / height
    beyond = [[0, len(pixel) - height * width]]
    ids = tf.pad(tf.reshape(triangle_ids, [-1]), beyond, constant_values=-1)
    holds = tf.reduce_any(tf.reshape(ids, [-1, _SEGMENT])[:-1] >= 0, axis=-1)
    order = tf.cumsum(tf.cast(holds, tf.int32))
    length = num_segments + _SEGMENTS_PER_ITERATION
    # Empty segments go to a position that is never read.
    indices = tf.where(holds, order - 1, length)
    listed = tf.tensor_scatter_nd_update(
        tf.fill([length + 1], num_segments), indices[:, tf.newaxis], tf.range(num_segments)
    )
    numpy_dtype = dtype.as_numpy_dtype
    return _Image(ids, pixel_x.astype(numpy_dtype), pixel_y.astype(numpy_dtype), listed, order[-1])


def _take(values, pixels):
    """Rows of `values` `[P, C]` at `pixels`, 0 in the background."""
    index = tf.minimum(pixels.index, values.shape[0] - 1)
    return tf.where(
        pixels.covered[:, tf.newaxis], tf.gather(values, index), tf.zeros([], values.dtype)
    )


def _look_up_pixels(image, start, vertices, triangles):
    """The `_Pixels` of one turn.

    The relative form of the edge functions keeps float32 exact where a triangle is about a pixel
    wide: the weights solve `sum b x = sum b y = 0`, `sum b = 1`.
    """
    segments = tf.slice(image.listed, [start], [_SEGMENTS_PER_ITERATION])
    index = tf.reshape(segments[:, tf.newaxis] * _SEGMENT + tf.range(_SEGMENT), [-1])
    triangle_ids, pixel_x, pixel_y = (
        tf.gather(table, index) for table in (image.triangle_ids, image.pixel_x, image.pixel_y)
    )
    covered = triangle_ids >= 0
    # Background pixels get triangles of their own, whose gradient is 0, rather than all the same
    # one: adding up the gradients would wait for that one row.
    spread = index % tf.shape(triangles)[0]
    seen = tf.where(covered, triangle_ids, spread)
    corner_ids = tuple(tf.gather(triangles[:, corner], seen) for corner in range(3))
    xs, ys = [], []
    for corner in corner_ids:
        # Whatever the background's triangles hold, NaN included, must not reach a gradient.
        x, y, w = (
            tf.where(covered, tf.gather(vertices[:, channel], corner), tf.zeros([], vertices.dtype))
            for channel in (0, 1, 3)
        )
        xs.append(x - pixel_x * w)
        ys.append(y - pixel_y * w)
    edges = _cross(xs, ys)
    total = edges[0] + edges[1] + edges[2]
    # Where the total is 0 so are the edges, in the background for one.
    total = tf.where(total == 0.0, tf.ones([], total.dtype), total)
    weights = tuple(edge / total for edge in edges)
    return _Pixels(index, covered, pixel_x, pixel_y, corner_ids, xs, ys, weights, total)


def _cross(a, b):
    """Cross product of two triples of tensors."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


interpolate_images = per_image.PerImageFunction(
    interpolate_image, num_differentiable=2, num_results=2, gradient=interpolate_image_gradient
)
"""`interpolate_image` of batches."""
