"""Analytic antialiasing of outlines, which makes images differentiable in the position of outlines.

A pixel centre is inside a triangle or not, so a rasterized outline jumps from pixel to pixel and
its gradient is 0. Here, wherever an outline passes between the centres of two neighbouring pixels,
the one that it cuts is blended with the other by how far it is cut, a continuous function of the
outline's two vertices (Laine et al. 2020, "Modular primitives for high-performance differentiable
rendering", Sec. 3.6). Along straight vertical or horizontal outlines the blend is the exact
coverage of the pixel.

Limits: an outline is found if it belongs to the triangle seen at the nearer of the two pixels, so
triangles should not be smaller than a pixel; where two surfaces cut through each other there is no
edge, and no blend.

Convention: see `visibility`. Row 0 of every image is the top row.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.rendering import per_image

# From a pixel to its four neighbours: (rows down, columns right).
_NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_EDGES = ((0, 1), (1, 2), (2, 0))
_BEYOND_BORDER = -2
_FARTHEST = 1e4  # Half images from the centre that a vertex of a blended outline may lie.
_NEAREST = 1e-6  # Its least depth w.


def opposite_vertices(triangles: np.ndarray) -> np.ndarray:
    """Lists the vertex behind each edge of each triangle; computed once per mesh.

    Args:
        triangles: Integer array `[T, 3]`.

    Returns:
        int32 `[T, 3]`: for the edges from corner 0 to 1, 1 to 2 and 2 to 0, the third vertex of the
        other triangle at that edge; -1 where there is none, or where there are several.

    Raises:
        ValueError: If `triangles` is not an integer array `[T, 3]`.
    """
    triangles = np.asarray(triangles)
    checks.check_integers("triangles", triangles, (None, 3))
    edges = np.sort(triangles[:, _EDGES].reshape(-1, 2), axis=-1)
    thirds = np.roll(triangles, -2, axis=-1).reshape(-1)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    starts = np.ones(len(order) + 1, bool)
    starts[1:-1] = (edges[order[1:]] != edges[order[:-1]]).any(axis=-1)
    first = np.flatnonzero(starts[:-1] & ~starts[1:])
    first = first[starts[first + 2]]  # Of exactly two.
    opposite = np.full(len(order), -1, np.int32)
    opposite[order[first]] = thirds[order[first + 1]]
    opposite[order[first + 1]] = thirds[order[first]]
    return opposite.reshape(-1, 3)


def antialias(
    images: tf.Tensor,
    triangle_ids: tf.Tensor,
    barycentrics: tf.Tensor,
    clip_vertices: tf.Tensor,
    triangles: tf.Tensor,
    opposite: tf.Tensor,
    *,
    jit_compile: bool = True,
) -> tf.Tensor:
    """Blends the pixels of `images` along outlines.

    Differentiable to `images` and, through the place of the outlines, to `clip_vertices`.

    Args:
        images: Float tensor `[B, H, W, C]` with static H, W and C, any quantity per pixel.
        triangle_ids: Int32 tensor `[B, H, W]`, -1 in the background.
        barycentrics: Tensor `[B, H, W, 3]`, those of `rasterizer.Rasterized`.
        clip_vertices: Tensor `[B, V, 4]`; triangles that cross the near plane are not blended.
        triangles: Int32 tensor `[T, 3]`.
        opposite: Int32 tensor `[T, 3]` from `opposite_vertices(triangles)`.
        jit_compile: Compile with XLA.

    Returns:
        Images `[B, H, W, C]`.

    Raises:
        ValueError: If a shape is not as stated.
    """
    images = tf.convert_to_tensor(images)
    clip_vertices = tf.convert_to_tensor(clip_vertices, images.dtype)
    triangles = tf.convert_to_tensor(triangles, tf.int32)
    opposite = tf.convert_to_tensor(opposite, tf.int32)
    checks.check_shape("images", images, (None, None, None, None))
    checks.check_shape("triangle_ids", triangle_ids, images.shape[:3])
    checks.check_shape("barycentrics", barycentrics, (*images.shape[:3], 3))
    checks.check_shape("clip_vertices", clip_vertices, (None, None, 4))
    checks.check_shape("opposite", opposite, triangles.shape)
    if triangles.shape[0] == 0:
        return images
    (blended,) = _blend_images(
        (images, clip_vertices),
        (triangle_ids, barycentrics),
        (triangles, opposite),
        jit_compile=jit_compile,
    )
    return blended


def _blend_image(image, vertices, triangle_ids, barycentrics, triangles, opposite):
    """One image of `antialias`, `[H, W, C]`."""
    covered = triangle_ids >= 0
    seen = tf.maximum(triangle_ids, 0)
    corners = [_look_up(vertices, triangles[:, k], seen, covered) for k in range(3)]
    behind = [_look_up(vertices, opposite[:, k], seen, covered) for k in range(3)]
    depth = _depth(corners, barycentrics, covered)
    blended = image
    for step in _NEIGHBOURS:
        neighbour = functools.partial(_shift, step=step)
        other = neighbour(triangle_ids, fill=_BEYOND_BORDER)
        in_front = covered & (other != triangle_ids) & (other != _BEYOND_BORDER)
        in_front &= (other < 0) | (depth < neighbour(depth))
        place = _outline_place(corners, behind, step, in_front)[..., tf.newaxis]
        # Of 1 from centre to centre, how much the own pixel loses and how much the other gains.
        difference = neighbour(image) - image
        blended += tf.nn.relu(0.5 - place) * difference
        gain = tf.nn.relu(place - 0.5) * difference
        blended -= _shift(gain, step=(-step[0], -step[1]))
    return (blended,)


_blend_images = per_image.PerImageFunction(_blend_image, num_differentiable=2, num_results=1)


class _Vertex(NamedTuple):
    """One vertex for each pixel, fields `[H, W]`.

    Column and row are in pixels, from this pixel's centre, valid where the vertex exists, is not
    behind the camera and not extremely far from the image.
    """

    column: tf.Tensor
    row: tf.Tensor
    z: tf.Tensor
    w: tf.Tensor
    exists: tf.Tensor
    valid: tf.Tensor


def _look_up(vertices, vertex_of_triangle, seen, covered):
    """The `_Vertex` in `vertex_of_triangle` `[T]` of each pixel's triangle."""
    height, width = seen.shape
    index = tf.gather(vertex_of_triangle, seen)
    exists = covered & (index >= 0)
    vertex = tf.gather(vertices, tf.maximum(index, 0))
    vertex = tf.where(exists[..., tf.newaxis], vertex, tf.zeros([], vertex.dtype))
    x, y, z, w = tf.unstack(vertex, axis=-1)
    # Nothing infinite may come up, not even where it is not selected: its gradient would be.
    reach = _FARTHEST * w
    valid = exists & (w > _NEAREST) & (tf.abs(x) < reach) & (tf.abs(y) < reach)
    x, y = (tf.where(valid, value, tf.zeros([], w.dtype)) for value in (x, y))
    divisor = tf.where(valid, w, tf.ones([], w.dtype))
    dtype = w.dtype.as_numpy_dtype
    column = 0.5 * width * (x / divisor + 1) - (np.arange(width) + 0.5).astype(dtype)
    row = 0.5 * height * (1 - y / divisor) - (np.arange(height)[:, None] + 0.5).astype(dtype)
    return _Vertex(column, row, z, w, exists, valid)


def _depth(corners, barycentrics, covered):
    """Depth `z / w` `[H, W]` at pixel centres, without gradient; 0 in the background."""
    weights = tf.unstack(barycentrics, axis=-1)
    z = tf.add_n([weight * corner.z for weight, corner in zip(weights, corners, strict=True)])
    w = tf.add_n([weight * corner.w for weight, corner in zip(weights, corners, strict=True)])
    positive = covered & (w > 0)
    return tf.stop_gradient(tf.where(positive, z / tf.where(positive, w, tf.ones_like(w)), 0.0))


def _outline_place(corners, behind, step, in_front):
    """Where an outline of each pixel's triangle cuts the way to the neighbour at `step`.

    Returns:
        `[H, W]`: 0 at the own and 1 at the neighbour's centre; 0.5, which blends nothing, where
        no outline lies between.
    """
    place = 0.5 * tf.ones_like(corners[0].w)
    for edge, (first, second) in enumerate(_EDGES):
        a, b, third, other = (
            corners[first],
            corners[second],
            corners[3 - first - second],
            behind[edge],
        )
        # Of an outline both triangles lie on one side.
        outline = ~other.exists | (other.valid & (_side(a, b, third) * _side(a, b, other) > 0))
        # Along the way, and off it, of both ends; the way itself is where `off` is 0.
        if step[0]:
            along_a, off_a, along_b, off_b = a.row, a.column, b.row, b.column
        else:
            along_a, off_a, along_b, off_b = a.column, a.row, b.column, b.row
        crosses = (off_a < 0) != (off_b < 0)
        part = off_a / tf.where(crosses, off_a - off_b, tf.ones_like(off_a))
        cut = (along_a + part * (along_b - along_a)) * (step[0] + step[1])
        between = in_front & a.valid & b.valid & outline & crosses & (cut >= 0) & (cut <= 1)
        # Each outline is blended along one axis only, the one that it crosses more squarely.
        between &= tf.abs(off_a - off_b) >= tf.abs(along_a - along_b)
        place = tf.where(between, cut, place)
    return place


def _side(a, b, point):
    """Positive on one side of the line from `a` to `b`, negative on the other; no gradient."""
    side = (b.column - a.column) * (point.row - a.row)
    side -= (b.row - a.row) * (point.column - a.column)
    return tf.stop_gradient(side)


def _shift(image, step, fill=0):
    """What the neighbour at `step` of each pixel `[H, W, ...]` holds, `fill` beyond the border."""
    rows, columns = step
    padding = [[max(-rows, 0), max(rows, 0)], [max(-columns, 0), max(columns, 0)]]
    padding += [[0, 0]] * (image.shape.rank - 2)
    padded = tf.pad(image, padding, constant_values=fill)
    height, width = image.shape[:2]
    top, left = max(rows, 0), max(columns, 0)
    return padded[top : top + height, left : left + width]
