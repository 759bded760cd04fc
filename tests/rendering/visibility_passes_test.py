"""Whichever pass takes a triangle, it covers the same pixels."""

import functools

import tensorflow as tf

from tests.rendering import rendering_scenes
from tf_facerecon.rendering import screen_triangles, visibility_passes

SIZE = (72, 72)


def compiled(step):
    """As all are in use."""
    return tf.function(step, autograph=False, jit_compile=True)


@functools.cache
def keys_by_pass():
    """Keys of a mesh all of whose boxes hold at most 2 x 2 centres, by each pass alone."""
    vertices, triangles = map(tf.constant, rendering_scenes.bumpy_sheet(44))
    nothing_excluded = tf.zeros([0, SIZE[0] * SIZE[1]], tf.int32)
    scene = (vertices, triangles, SIZE, False, nothing_excluded)

    def by_size(vertices, triangles):
        corners = screen_triangles.look_up_corners(vertices, triangles)
        boxes, _ = screen_triangles.bounding_boxes(corners, SIZE)
        rows = boxes.last_row - boxes.first_row
        columns = boxes.last_column - boxes.first_column
        small = (rows < 2) & (columns < 2)
        keys = visibility_passes.cover_small(
            visibility_passes.empty_keys(SIZE), corners, boxes, small, *scene
        )
        return keys, tf.where(small, 0, 1), rows + columns

    keys, rest, extents = compiled(by_size)(vertices, triangles)
    assert tf.reduce_max(rest) == 0
    assert {0, 1, 2} <= set(extents.numpy())
    ones = tf.ones_like(rest)
    empty = visibility_passes.empty_keys(SIZE)
    return (
        keys,
        compiled(lambda: visibility_passes.cover_tiles(empty, ones, *scene))(),
        compiled(lambda: visibility_passes.cover_strips(empty, ones > 0, *scene))(),
    )


def nearest(keys):
    """Triangles that keys name, pixels beyond the image left out."""
    return keys.numpy()[: SIZE[0] * SIZE[1]] & 0xFFFFFFFF


def assert_same(keys, others):
    """But where two triangles are as near but for rounding, on the edge between them."""
    assert (nearest(keys) != nearest(others)).sum() < 10


def test_cover_tiles_same_as_small():
    small, tiles, _ = keys_by_pass()
    assert_same(small, tiles)
    assert (nearest(small) != 0xFFFFFFFF).mean() > 0.5


def test_cover_strips_same_as_small():
    small, _, strips = keys_by_pass()
    assert_same(small, strips)


def test_empty_keys_are_whole_strips():
    keys = visibility_passes.empty_keys((72, 150))
    assert keys.shape == (3 * 27 * 150,)  # 27 rows of 150 pixels are at most 4096.
    assert set(keys.numpy()) == {screen_triangles.EMPTY_KEY}
