"""Visibility: which triangle is nearest at each pixel centre.

Convention:
    Clip coordinates are OpenGL's: `(x, y, z, w)`, x right, y up, `w` = depth in front of the
    camera; a point is visible where `-w <= z <= w`. Image row 0 is the top row; pixel `(r, c)` is
    sampled at its centre, `x / w = 2 (c + 0.5) / W - 1`, `y / w = 1 - 2 (r + 0.5) / H`.

Edges are tested in 2D homogeneous coordinates (Olano and Greer 1997, "Triangle scan conversion
using 2D homogeneous coordinates"), so triangles that cross the near plane need no clipping.
Vertices are snapped to 16 fractional bits, as in tensorflow-graphics' C++ kernel, so that both
decide alike about pixel centres on an edge.

Triangles that hold at most 2 x 2 pixel centres - nearly all of a dense mesh - go through one fixed
window; the others through a list of tiles, walked by a loop whose length follows from the scene.
"""

import functools

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks

BACKGROUND = -1

_WINDOW = 2  # Pixels per side that every small triangle is tested at.
_TILE = 4  # Pixels per side of a tile of a large triangle.
_TILES_PER_TURN = 512  # Bounds the memory of one turn of the tile loop.
_SNAP = 65536.0  # 16 fractional bits.
_BOX_SLACK = 2.0**-8  # Pixels; covers the float32 rounding of projected vertices.
_EMPTY_KEY = np.iinfo(np.int64).max
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
    cover = _cover_image_compiled if jit_compile else _cover_image
    return tf.map_fn(
        lambda vertices: cover(vertices, triangles, image_size, cull),
        clip_vertices,
        fn_output_signature=tf.TensorSpec(image_size, tf.int32),
    )


def _cover_image(vertices, triangles, image_size, cull):
    """Covers one image: `vertices [V, 4]`, `triangles [T, 3]` to ids `[H, W]`."""
    if triangles.shape[0] == 0:
        return tf.fill(image_size, BACKGROUND)
    height, width = image_size
    corners = tf.gather(_vertex_table(vertices, image_size), triangles)  # [T, 3, 8]
    first, last = _bounding_boxes(corners, image_size)
    keys = tf.fill([height * width + 1], tf.constant(_EMPTY_KEY, tf.int64))  # One more: a sink.
    keys = _cover_small(keys, corners, first, last, image_size, cull)
    keys = _cover_large(keys, corners, first, last, image_size, cull)
    keys = keys[:-1]
    ids = tf.where(keys == _EMPTY_KEY, BACKGROUND, tf.cast(keys & _ID_BITS, tf.int32))
    return tf.reshape(ids, image_size)


_cover_image_compiled = tf.function(_cover_image, autograph=False, jit_compile=True)


def _vertex_table(vertices, image_size):
    """Per vertex `(x, y, w)` snapped, `z`, `w`, column, row, state: `[V, 8]`.

    The state is 2 for a vertex in front of the near plane, 1 for one behind it, 0 for one that is
    not finite, -1 for one in front that is too near to be projected.
    """
    x, y, z, w = tf.unstack(vertices, axis=-1)
    finite = tf.reduce_all(tf.math.is_finite(vertices), axis=-1)
    x, y, z, w = (tf.where(finite, value, 0.0) for value in (x, y, z, w))
    snapped_x, snapped_y, snapped_w = (_snap(value) for value in (x, y, w))
    in_front = (w > 0.0) & (z >= -w)
    projectable = in_front & (snapped_w > 0.0)
    divisor = tf.where(projectable, snapped_w, 1.0)
    height, width = image_size
    column = 0.5 * (snapped_x / divisor + 1.0) * width
    row = 0.5 * (1.0 - snapped_y / divisor) * height
    state = tf.where(projectable, 2.0, tf.where(in_front, -1.0, 1.0))
    state = tf.where(finite, state, 0.0)
    return tf.stack([snapped_x, snapped_y, snapped_w, z, w, column, row, state], axis=-1)


def _snap(values):
    scaled = values * _SNAP
    return tf.where(scaled < 0.0, tf.math.ceil(scaled), tf.math.floor(scaled)) / _SNAP


def _bounding_boxes(corners, image_size):
    """First and last (inclusive) `(row, column)` of each triangle's pixel centres: `[T, 2]` twice.

    The box is the whole image where a vertex lies behind the near plane, and empty (last before
    first) where all do or where one is not finite.
    """
    column, row, state = (corners[..., channel] for channel in (5, 6, 7))
    drawable = tf.reduce_all(state != 0.0, -1) & tf.reduce_any(state != 1.0, -1)
    projected = tf.reduce_all(state == 2.0, axis=-1)
    first, last = [], []
    for position, size in ((row, image_size[0]), (column, image_size[1])):
        low = tf.math.ceil(tf.reduce_min(position, axis=-1) - 0.5 - _BOX_SLACK)
        high = tf.math.floor(tf.reduce_max(position, axis=-1) - 0.5 + _BOX_SLACK)
        low = tf.where(projected, tf.clip_by_value(low, 0.0, float(size)), 0.0)
        high = tf.where(projected, tf.clip_by_value(high, -1.0, size - 1.0), size - 1.0)
        first.append(tf.cast(low, tf.int32))
        last.append(tf.cast(tf.where(drawable, high, -1.0), tf.int32))
    return tf.stack(first, axis=-1), tf.stack(last, axis=-1)


def _cover_small(keys, corners, first, last, image_size, cull):
    """Tests every triangle of at most `_WINDOW` x `_WINDOW` centres at its own window."""
    offset = np.stack(np.mgrid[:_WINDOW, :_WINDOW], axis=-1).reshape(-1, 2).astype(np.int32)
    small = tf.reduce_all(last - first < _WINDOW, axis=-1)
    pixel = first[:, tf.newaxis] + offset  # [T, window, 2]
    inside_box = tf.reduce_all(pixel <= last[:, tf.newaxis], axis=-1) & small[:, tf.newaxis]
    triangle_ids = tf.range(tf.shape(corners)[0])
    return _update_keys(keys, corners, triangle_ids, pixel, inside_box, image_size, cull)


def _cover_large(keys, corners, first, last, image_size, cull):
    """Tests the larger triangles tile by tile."""
    extent = last - first + 1
    large = tf.reduce_any(extent > _WINDOW, axis=-1) & tf.reduce_all(extent > 0, axis=-1)
    tiles = (extent + _TILE - 1) // _TILE
    counts = tf.where(large, tiles[:, 0] * tiles[:, 1], 0)
    ends = tf.cumsum(counts)
    num_tiles = ends[-1]
    offset = np.stack(np.mgrid[:_TILE, :_TILE], axis=-1).reshape(-1, 2).astype(np.int32)

    def cover_tiles(start, keys):
        tile = start + tf.range(_TILES_PER_TURN)
        owner = tf.minimum(_count_not_above(ends, tile), tf.shape(ends)[0] - 1)
        local = tile - tf.gather(ends - counts, owner)
        columns = tf.maximum(tf.gather(tiles[:, 1], owner), 1)
        corner = tf.gather(first, owner) + _TILE * tf.stack(
            [local // columns, local % columns], axis=-1
        )
        pixel = corner[:, tf.newaxis] + offset
        inside_box = tf.reduce_all(pixel <= tf.gather(last, owner)[:, tf.newaxis], axis=-1)
        inside_box &= (tile < num_tiles)[:, tf.newaxis]
        keys = _update_keys(
            keys, tf.gather(corners, owner), owner, pixel, inside_box, image_size, cull
        )
        return start + _TILES_PER_TURN, keys

    _, keys = tf.while_loop(lambda start, _: start < num_tiles, cover_tiles, (tf.constant(0), keys))
    return keys


def _count_not_above(ends, values):
    """Number of `ends` (sorted) that are <= each value: a binary search.

    `tf.searchsorted` compares every pair under XLA, which does not fit into memory here.
    """
    size = ends.shape[0]
    if size is None:
        raise ValueError("`triangles` must have a static number of rows.")
    low = tf.zeros_like(values)
    for power in reversed(range(int(size).bit_length())):
        probe = low + (1 << power)
        passed = (probe <= size) & (tf.gather(ends, tf.minimum(probe, size) - 1) <= values)
        low = tf.where(passed, probe, low)
    return low


def _update_keys(keys, corners, triangle_ids, pixel, inside_box, image_size, cull):
    """Lowers `keys [H W + 1]` by the candidates `pixel [N, K, 2]` of `corners [N, 3, 8]`.

    A key holds the depth, order preserving, in its high and the triangle in its low 32 bits.
    """
    height, width = image_size
    row = tf.clip_by_value(pixel[..., 0], 0, height - 1)
    column = tf.clip_by_value(pixel[..., 1], 0, width - 1)
    inside, depth = _test_pixels(
        corners,
        tf.gather(_pixel_centres(width), column),
        tf.gather(_pixel_centres(height)[::-1], row),
        cull,
    )
    bits = tf.bitcast(depth, tf.int32)
    bits = tf.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    key = tf.bitwise.left_shift(tf.cast(bits, tf.int64), tf.constant(32, tf.int64))
    key |= tf.cast(triangle_ids, tf.int64)[:, tf.newaxis]
    slot = tf.where(inside & inside_box, row * width + column, height * width)
    return tf.tensor_scatter_nd_min(keys, tf.reshape(slot, [-1, 1]), tf.reshape(key, [-1]))


def _pixel_centres(size):
    """Normalized device coordinates of pixel centres, increasing, snapped; NumPy `[size]`.

    Made by NumPy, since XLA replaces the division by a product, which snaps differently.
    """
    centres = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(0.5 * size) - 1
    return (np.trunc(centres * np.float32(_SNAP)) / np.float32(_SNAP)).astype(np.float32)


def _test_pixels(corners, pixel_x, pixel_y, cull):
    """Tests pixel centres `[N, K]` against triangles `[N, 3, 8]`: inside and depth `z / w`.

    A pixel is inside if the three edge functions have one sign. They are compared as products,
    `p >= q`, never as a difference: two triangles that share an edge then decide alike, however
    the compiler contracts the arithmetic.
    """
    x, y, w, z, depth_w = (
        [corners[:, corner, channel, tf.newaxis] for corner in range(3)] for channel in range(5)
    )
    x = [x[corner] - pixel_x * w[corner] for corner in range(3)]
    y = [y[corner] - pixel_y * w[corner] for corner in range(3)]
    left = [x[1] * y[2], x[2] * y[0], x[0] * y[1]]
    right = [x[2] * y[1], x[0] * y[2], x[1] * y[0]]
    edges = [p - q for p, q in zip(left, right, strict=True)]
    positive = (left[0] >= right[0]) & (left[1] >= right[1]) & (left[2] >= right[2])
    negative = (left[0] <= right[0]) & (left[1] <= right[1]) & (left[2] <= right[2])
    total = edges[0] + edges[1] + edges[2]
    weighted_z = edges[0] * z[0] + edges[1] * z[1] + edges[2] * z[2]
    weighted_w = edges[0] * depth_w[0] + edges[1] * depth_w[1] + edges[2] * depth_w[2]
    # Where the total is 0 the triangle is degenerate; where the signs of total and depth differ
    # the pixel looks at the triangle's part behind the camera.
    in_front = weighted_w * total > 0.0
    depth = weighted_z / tf.where(in_front, weighted_w, 1.0)
    inside = (
        (positive if cull else positive | negative) & in_front & (depth >= -1.0) & (depth <= 1.0)
    )
    return inside, depth
