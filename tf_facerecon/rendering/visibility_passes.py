"""Passes over triangles that lower an image of keys: visibility's work, by size of triangle.

Triangles that hold at most 2 x 2 pixel centres - nearly all of a dense mesh - are tested all at
once, each at its own centres. The others take loops whose length follows from the scene: narrow
ones tile by tile, wide ones and those that cross the near plane strip by strip of image rows.

Convention: see `visibility`. `keys` is a flat int64 image of whole strips, see
`screen_triangles.depth_keys`; every pass takes it and returns it lowered. `vertices` are `[V, 4]`
clip coordinates, `triangles` int32 `[T, 3]`, `image_size` is `(height, width)`; `cull` leaves out
triangles that appear clockwise; `excluded`, int32 `[L, H * W]`, names L triangles of each pixel
that are left out there (L is 0 but for depth peeling).
"""

import numpy as np
import tensorflow as tf

from tf_facerecon.rendering import screen_triangles
from tf_facerecon.rendering.screen_triangles import EMPTY_KEY

WINDOW = 2  # Pixel centres per side that a small triangle holds at most; `cover_small` needs 2.
TILE = 4  # Pixels per side of a tile of a narrow triangle.
STRIP_ADVANTAGE = 6  # A pixel of a strip costs less than one of a tile, by about this factor.

_BLOCK = 64  # Triangles.
_BLOCKS_PER_TURN = 32
_TILES_PER_TURN = 512  # Bounds the memory of one turn of the tile loop.
_STRIP_PIXELS = 4096  # At most; a strip is a number of whole rows.


def empty_keys(image_size):
    """An image that nothing covers yet."""
    height, width = image_size
    strip_rows = _strip_rows(image_size)
    num_strips = -(-height // strip_rows)
    return tf.fill([num_strips * strip_rows * width], tf.constant(EMPTY_KEY, tf.int64))


def _strip_rows(image_size):
    """Rows of a strip of the image."""
    height, width = image_size
    return max(1, min(_STRIP_PIXELS // width, height))


def cover_small(keys, corners, boxes, small, vertices, triangles, image_size, cull, excluded):
    """Tests every triangle of at most 2 x 2 centres at those.

    Two turns for all, at the first centre of a box and at the one beside or below it; the others of
    boxes of 2 x 2, which are rare where triangles are as dense as pixels, by blocks that hold one.
    The corners enter a loop: so they are computed once, and not anew at each of their uses.
    """
    triangle_ids = tf.range(tf.size(small))
    is_wide = boxes.last_column > boxes.first_column

    def cover_centre(turn, keys):
        row = boxes.first_row + tf.cast((turn > 0) & ~is_wide, tf.int32)
        column = boxes.first_column + tf.cast((turn > 0) & is_wide, tf.int32)
        considered = small & (row <= boxes.last_row) & (column <= boxes.last_column)
        keys = _lower_keys(
            keys, corners, triangle_ids, row, column, considered, image_size, cull, excluded
        )
        return turn + 1, keys

    _, keys = tf.while_loop(lambda turn, _: turn < 2, cover_centre, (0, keys))
    square = small & is_wide & (boxes.last_row > boxes.first_row)
    return _cover_last_rows(keys, boxes, square, vertices, triangles, image_size, cull, excluded)


def _cover_last_rows(keys, boxes, square, vertices, triangles, image_size, cull, excluded):
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
        column = tf.gather(boxes.first_column, owner) + np.arange(2)[:, np.newaxis]
        row = tf.broadcast_to(tf.gather(boxes.first_row, owner) + 1, column.shape)
        keys = _lower_keys(
            keys, corners, owner, row, column, considered, image_size, cull, excluded
        )
        return start + _BLOCKS_PER_TURN, keys

    _, keys = tf.while_loop(lambda start, _: start < ends[-1], cover_turn, (tf.constant(0), keys))
    return keys


def cover_tiles(keys, tiles, vertices, triangles, image_size, cull, excluded):
    """Tests narrow triangles, `tiles` `[T]` of each, in turns of `_TILES_PER_TURN` tiles."""
    ends = tf.cumsum(tiles)
    num_tiles = ends[-1]
    offset = np.stack(np.mgrid[:TILE, :TILE]).reshape(2, -1, 1).astype(np.int32)

    def cover_turn(start, keys):
        tile = start + tf.range(_TILES_PER_TURN)
        owner = tf.minimum(_count_not_above(ends, tile), tf.size(ends) - 1)
        corners = screen_triangles.look_up_corners(vertices, tf.gather(triangles, owner))
        boxes, _ = screen_triangles.bounding_boxes(corners, image_size)
        local = tile - (tf.gather(ends, owner) - tf.gather(tiles, owner))
        across = tf.maximum(-((boxes.first_column - boxes.last_column - 1) // TILE), 1)
        row = boxes.first_row + TILE * (local // across) + offset[0]
        column = boxes.first_column + TILE * (local % across) + offset[1]
        considered = (row <= boxes.last_row) & (column <= boxes.last_column) & (tile < num_tiles)
        keys = _lower_keys(
            keys, corners, owner, row, column, considered, image_size, cull, excluded
        )
        return start + _TILES_PER_TURN, keys

    _, keys = tf.while_loop(lambda start, _: start < num_tiles, cover_turn, (tf.constant(0), keys))
    return keys


def cover_strips(keys, wide, vertices, triangles, image_size, cull, excluded):
    """Tests wide triangles, those where `wide` `[T]`, strip of rows by strip."""
    height, width = image_size
    strip_rows = _strip_rows(image_size)
    ends = tf.cumsum(tf.cast(wide, tf.int32))
    num_wide = ends[-1]
    pixel_x = screen_triangles.pixel_centres(width)[:, np.newaxis]  # [W, 1]
    centres = screen_triangles.pixel_centres(height)[::-1]
    beyond = -height % strip_rows
    centres = np.pad(centres, (0, beyond), mode="edge").reshape(-1, strip_rows)
    excluded_strips = [
        tf.reshape(tf.pad(others, [[0, beyond * width]]), [-1, strip_rows, width])
        for others in tf.unstack(excluded)
    ]

    def cover_triangle(index, keys):
        owner = _count_not_above(ends, index[tf.newaxis])
        corners = screen_triangles.look_up_corners(vertices, tf.gather(triangles, owner))
        first, last = screen_triangles.clipped_rows(corners, height)

        def cover_strip(strip, keys):
            pixel_y = tf.gather(centres, strip)[:, tf.newaxis, tf.newaxis]  # [rows, 1, 1]
            considered = tf.ones([strip_rows, width, 1], tf.bool)
            for others in excluded_strips:
                considered &= (tf.gather(others, strip) != owner)[..., tf.newaxis]
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


def _lower_keys(keys, corners, triangle_ids, row, column, considered, image_size, cull, excluded):
    """Lowers flat image `keys` by those of N triangles at pixels `row`, `column` `[..., N]`."""
    height, width = image_size
    row, column = tf.minimum(row, height - 1), tf.minimum(column, width - 1)
    pixel = row * width + column
    for others in tf.unstack(excluded):
        considered &= tf.gather(others, pixel) != triangle_ids
    key = screen_triangles.depth_keys(
        corners,
        triangle_ids,
        tf.gather(screen_triangles.pixel_centres(width), column),
        tf.gather(screen_triangles.pixel_centres(height)[::-1], row),
        considered,
        cull,
    )
    return tf.tensor_scatter_nd_min(keys, tf.reshape(pixel, [-1, 1]), tf.reshape(key, [-1]))
