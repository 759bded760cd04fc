"""Visibility: which triangle is nearest at each pixel centre.

Convention:
    Clip coordinates are OpenGL's: `(x, y, z, w)`, x right, y up, `w` = depth in front of the
    camera; a point is visible where `-w <= z <= w`. Image row 0 is the top row; pixel `(r, c)` is
    sampled at its centre, `x / w = 2 (c + 0.5) / W - 1`, `y / w = 1 - 2 (r + 0.5) / H`.

Edges are tested in 2D homogeneous coordinates (Olano and Greer 1997, "Triangle scan conversion
using 2D homogeneous coordinates"), so triangles that cross the near plane need no clipping.
Vertices are snapped to 16 fractional bits, as in tensorflow-graphics' C++ kernel, so that both
decide alike about pixel centres on an edge.

Triangles that hold at most 2 x 2 pixel centres - nearly all of a dense mesh - are tested all at
once, each at its own window. The others take loops whose length follows from the scene: narrow ones
tile by tile, wide ones and those that cross the near plane strip by strip of image rows.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.rendering import image_batches, screen_triangles
from tf_facerecon.rendering.screen_triangles import EMPTY_KEY

BACKGROUND = -1

_WINDOW = 2  # Pixels per side that every small triangle is tested at.
_BLOCK = 64  # Triangles.
_BLOCKS_PER_TURN = 32
_TILE = 4  # Pixels per side of a tile of a narrow triangle.
_TILES_PER_TURN = 512  # Bounds the memory of one turn of the tile loop.
_STRIP_PIXELS = 4096  # At most; a strip is a number of whole rows.
_STRIP_ADVANTAGE = 6  # A pixel of a strip costs less than one of a tile, by about this factor.
_ID_BITS = 0xFFFFFFFF


def cover_pixels(
    clip_vertices: tf.Tensor,
    triangles: tf.Tensor,
    image_size: tuple[int, int],
    *,
    cull_back_faces: bool = False,
    jit_compile: bool = True,
) -> tf.Tensor:
    """Finds the nearest triangle at each pixel centre; has no gradient.

    Pixel centres on an edge count as inside. Among equal depths the triangle with the lowest index
    wins. Triangles with a non-finite vertex are not drawn.

    Args:
        clip_vertices: Float tensor `[B, V, 4]`, clip coordinates.
        triangles: Int32 tensor `[T, 3]`, indices into the vertices.
        image_size: `(height, width)` in pixels.
        cull_back_faces: Draw only triangles that appear counter-clockwise.
        jit_compile: Compile with XLA, several times faster on a CPU; one compilation serves every
            batch size, whose images run side by side.

    Returns:
        Int32 tensor `[B, H, W]`, index of the nearest triangle, `BACKGROUND` where there is none.

    Raises:
        ValueError: If a shape is not as stated.
    """
    clip_vertices = tf.convert_to_tensor(clip_vertices)
    triangles = tf.convert_to_tensor(triangles, tf.int32)
    checks.check_shape("clip_vertices", clip_vertices, (None, None, 4))
    checks.check_shape("triangles", triangles, (None, 3))
    height, width = (int(side) for side in image_size)
    if height < 1 or width < 1:
        raise ValueError(f"`image_size` must be positive. Received: {image_size}.")
    clip_vertices = tf.stop_gradient(tf.cast(clip_vertices, tf.float32))
    return _cover_batch(clip_vertices, triangles, (height, width), cull_back_faces, jit_compile)


@functools.partial(tf.function, autograph=False)
def _cover_batch(clip_vertices, triangles, image_size, cull, jit_compile):
    shared = (triangles, image_size, cull, jit_compile)
    return image_batches.map_images(_cover_image, (clip_vertices,), shared)


@functools.partial(tf.function, autograph=False)
def _cover_image(vertices, triangles, image_size, cull, jit_compile):
    """Covers one image: `vertices [V, 4]`, `triangles [T, 3]` to ids `[H, W]`.

    The loops for larger triangles are compiled apart, when a scene first needs them: most meshes
    never do, and compiling takes a second for each.
    """
    if triangles.shape[0] == 0:
        return tf.fill(image_size, BACKGROUND)
    scene = (vertices, triangles, image_size, cull)
    first = _compiled(_cover_first, jit_compile)(*scene)

    def cover_rest():
        keys = tf.cond(
            first.any_tiles,
            lambda: _compiled(_cover_tiles, jit_compile)(first.keys, first.tiles, *scene),
            lambda: first.keys,
        )
        keys = tf.cond(
            first.any_wide,
            lambda: _compiled(_cover_strips, jit_compile)(keys, first.wide, *scene),
            lambda: keys,
        )
        return _nearest_ids(keys, image_size)

    return tf.cond(first.any_tiles | first.any_wide, cover_rest, lambda: first.ids)


@functools.cache
def _compiled(step, jit_compile):
    """`step` as a `tf.function`, the same one at every call."""
    return tf.function(step, autograph=False, jit_compile=jit_compile)


class _First(NamedTuple):
    """What is known of an image once its small triangles are drawn.

    Attributes:
        ids: Int32 `[H, W]`, of small triangles only.
        keys: Int64, flat, whole strips.
        tiles: Int32 `[T]`, of each narrow triangle, 0 of others.
        wide: Boolean `[T]`.
        any_tiles: Boolean, whether there is a narrow triangle.
        any_wide: The same of wide ones.
    """

    ids: tf.Tensor
    keys: tf.Tensor
    tiles: tf.Tensor
    wide: tf.Tensor
    any_tiles: tf.Tensor
    any_wide: tf.Tensor


def _cover_first(vertices, triangles, image_size, cull):
    """Draws small triangles, lists the others."""
    height, width = image_size
    scene = (vertices, triangles, image_size, cull)
    corners = screen_triangles.look_up_corners(vertices, triangles)
    boxes, exact = screen_triangles.bounding_boxes(corners, image_size)
    rows = boxes.last_row - boxes.first_row + 1
    columns = boxes.last_column - boxes.first_column + 1
    small = (rows <= _WINDOW) & (columns <= _WINDOW)
    large = ~small & (rows > 0) & (columns > 0)
    wide = large & (~exact | (columns * _STRIP_ADVANTAGE >= width))
    tiles = -(-rows // _TILE) * -(-columns // _TILE)
    tiles = tf.where(large & ~wide, tiles, 0)
    num_pixels = -(-height // _strip_rows(image_size)) * _strip_rows(image_size) * width
    keys = tf.fill([num_pixels], tf.constant(EMPTY_KEY, tf.int64))
    keys = _cover_small(keys, corners, boxes, small, *scene)
    any_tiles, any_wide = tf.reduce_any(tiles > 0), tf.reduce_any(wide)
    return _First(_nearest_ids(keys, image_size), keys, tiles, wide, any_tiles, any_wide)


def _strip_rows(image_size):
    """Rows of a strip of the image."""
    height, width = image_size
    return max(1, min(_STRIP_PIXELS // width, height))


def _nearest_ids(keys, image_size):
    """Ids `[H, W]` of flat `keys`."""
    keys = keys[: image_size[0] * image_size[1]]
    ids = tf.where(keys == EMPTY_KEY, BACKGROUND, tf.cast(keys & _ID_BITS, tf.int32))
    return tf.reshape(ids, image_size)


def _cover_small(keys, corners, boxes, small, vertices, triangles, image_size, cull):
    """Tests every triangle of at most 2 x 2 centres at those.

    Two turns for all, at the first centre of a box and at the one beside or below it; the others of
    boxes of 2 x 2, which are rare where triangles are as dense as pixels, by blocks that hold one.
    The corners enter a loop: so they are computed once, and not anew at each of their uses.
    """
    triangle_ids = tf.range(tf.size(small))
    is_wide = boxes.last_column > boxes.first_column
    holds_one = small & (boxes.last_row >= boxes.first_row)
    holds_one &= boxes.last_column >= boxes.first_column

    def cover_centre(turn, keys):
        beside, below = (turn > 0) & is_wide, (turn > 0) & ~is_wide
        row = tf.where(below, boxes.last_row, boxes.first_row)
        column = tf.where(beside, boxes.last_column, boxes.first_column)
        keys = _lower_keys(keys, corners, triangle_ids, row, column, holds_one, image_size, cull)
        return turn + 1, keys

    _, keys = tf.while_loop(lambda turn, _: turn < 2, cover_centre, (0, keys))
    square = holds_one & is_wide & (boxes.last_row > boxes.first_row)
    return _cover_last_rows(keys, square, vertices, triangles, image_size, cull)


def _cover_last_rows(keys, square, vertices, triangles, image_size, cull):
    """Tests triangles with boxes of 2 x 2, where `square` `[T]`, at the lower row of those."""
    num_triangles = square.shape[0]
    num_blocks = -(-num_triangles // _BLOCK)
    padded = tf.pad(square, [[0, num_blocks * _BLOCK - num_triangles]])
    holds_square = tf.reduce_any(tf.reshape(padded, [num_blocks, _BLOCK]), axis=-1)
    ends = tf.cumsum(tf.cast(holds_square, tf.int32))

    def cover_turn(start, keys):
        block = _count_not_above(ends, start + tf.range(_BLOCKS_PER_TURN))
        owner = tf.reshape(block[:, tf.newaxis] * _BLOCK + tf.range(_BLOCK), [-1])
        exists = owner < num_triangles
        owner = tf.minimum(owner, num_triangles - 1)
        considered = exists & tf.gather(square, owner)
        corners = screen_triangles.look_up_corners(vertices, tf.gather(triangles, owner))
        boxes, _ = screen_triangles.bounding_boxes(corners, image_size)
        column = boxes.first_column + np.arange(2)[:, np.newaxis]
        row = tf.broadcast_to(boxes.last_row, column.shape)
        keys = _lower_keys(keys, corners, owner, row, column, considered, image_size, cull)
        return start + _BLOCKS_PER_TURN, keys

    _, keys = tf.while_loop(lambda start, _: start < ends[-1], cover_turn, (tf.constant(0), keys))
    return keys


def _cover_tiles(keys, tiles, vertices, triangles, image_size, cull):
    """Tests narrow triangles, `tiles` `[T]` of each, in turns of `_TILES_PER_TURN` tiles."""
    ends = tf.cumsum(tiles)
    num_tiles = ends[-1]
    offset = np.stack(np.mgrid[:_TILE, :_TILE]).reshape(2, -1, 1).astype(np.int32)

    def cover_turn(start, keys):
        tile = start + tf.range(_TILES_PER_TURN)
        owner = tf.minimum(_count_not_above(ends, tile), tf.size(ends) - 1)
        corners = screen_triangles.look_up_corners(vertices, tf.gather(triangles, owner))
        boxes, _ = screen_triangles.bounding_boxes(corners, image_size)
        local = tile - (tf.gather(ends, owner) - tf.gather(tiles, owner))
        across = tf.maximum(-((boxes.first_column - boxes.last_column - 1) // _TILE), 1)
        row = boxes.first_row + _TILE * (local // across) + offset[0]
        column = boxes.first_column + _TILE * (local % across) + offset[1]
        considered = (row <= boxes.last_row) & (column <= boxes.last_column) & (tile < num_tiles)
        keys = _lower_keys(keys, corners, owner, row, column, considered, image_size, cull)
        return start + _TILES_PER_TURN, keys

    _, keys = tf.while_loop(lambda start, _: start < num_tiles, cover_turn, (tf.constant(0), keys))
    return keys


def _cover_strips(keys, wide, vertices, triangles, image_size, cull):
    """Tests wide triangles, those where `wide` `[T]`, strip of rows by strip."""
    height, width = image_size
    strip_rows = _strip_rows(image_size)
    ends = tf.cumsum(tf.cast(wide, tf.int32))
    num_wide = ends[-1]
    pixel_x = screen_triangles.pixel_centres(width)[:, np.newaxis]  # [W, 1]
    centres = screen_triangles.pixel_centres(height)[::-1]
    centres = np.pad(centres, (0, -height % strip_rows), mode="edge").reshape(-1, strip_rows)

    def cover_triangle(index, keys):
        owner = _count_not_above(ends, index[tf.newaxis])
        corners = screen_triangles.look_up_corners(vertices, tf.gather(triangles, owner))
        first, last = screen_triangles.clipped_rows(corners, height)

        def cover_strip(strip, keys):
            pixel_y = tf.gather(centres, strip)[:, tf.newaxis, tf.newaxis]  # [rows, 1, 1]
            considered = tf.ones([strip_rows, width, 1], tf.bool)
            key = screen_triangles.depth_keys(corners, owner, pixel_x, pixel_y, considered, cull)
            key = tf.reshape(key, [1, strip_rows * width])
            return strip + 1, tf.tensor_scatter_nd_min(keys, [[strip]], key)

        _, keys = tf.while_loop(
            lambda strip, _: strip * strip_rows <= last[0],
            cover_strip,
            (first[0] // strip_rows, keys),
        )
        return index + 1, keys

    _, strips = tf.while_loop(
        lambda index, _: index < num_wide,
        cover_triangle,
        (tf.constant(0), tf.reshape(keys, [-1, strip_rows * width])),
    )
    return tf.reshape(strips, [-1])


def _count_not_above(ends, values):
    """Number of `ends` (sorted) that are <= each value: a binary search.

    `tf.searchsorted` compares every pair under XLA, which does not fit into memory here.
    """
    size = ends.shape[0]
    if size is None:
        raise ValueError("`triangles` must have a static number of rows.")

    def halve(power, low):
        probe = low + power
        passed = (probe <= size) & (tf.gather(ends, tf.minimum(probe, size) - 1) <= values)
        return power // 2, tf.where(passed, probe, low)

    # A loop, not unrolled: XLA would compute all earlier steps anew in each.
    highest = 1 << (int(size).bit_length() - 1)
    _, low = tf.while_loop(
        lambda power, _: power > 0, halve, (tf.constant(highest), tf.zeros_like(values))
    )
    return low


def _lower_keys(keys, corners, triangle_ids, row, column, considered, image_size, cull):
    """Lowers flat image `keys` by those of N triangles at pixels `row`, `column` `[..., N]`."""
    height, width = image_size
    row, column = tf.minimum(row, height - 1), tf.minimum(column, width - 1)
    key = screen_triangles.depth_keys(
        corners,
        triangle_ids,
        tf.gather(screen_triangles.pixel_centres(width), column),
        tf.gather(screen_triangles.pixel_centres(height)[::-1], row),
        considered,
        cull,
    )
    pixel = row * width + column
    return tf.tensor_scatter_nd_min(keys, tf.reshape(pixel, [-1, 1]), tf.reshape(key, [-1]))
