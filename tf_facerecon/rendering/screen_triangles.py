"""Triangles on the screen: which pixel centres they may hold, and which they do hold.

Convention: see `visibility`. Every quantity is a tuple of one tensor per corner, the triangles
along its last axis: contiguous, which is what lets a compiler use vector instructions.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks

EMPTY_KEY = np.iinfo(np.int64).max

_SNAP = 65536.0  # 16 fractional bits.
_TOO_NEAR, _BEHIND = np.float32(1e30), np.float32(2e30)  # In place of a position.
_LEAST_CLIPPED_W = 2.0**-4  # Nearer than this, clipped outlines are not worth their rounding.
_BOX_SLACK = 2.0**-8  # Pixels; covers the float32 rounding of projected vertices.

Triple = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def checked_triangles(triangles: np.ndarray, num_vertices: int | None = None) -> np.ndarray:
    """`triangles` as int32 `[T, 3]`.

    Compiled gathers clamp indices that are out of range silently.

    Args:
        triangles: Indices into the vertices.
        num_vertices: How many vertices there are; `None` if that is not known yet.

    Raises:
        ValueError: If `triangles` are not integers `[T, 3]` between 0 and `num_vertices` - 1.
    """
    triangles = np.asarray(triangles)
    checks.check_shape("triangles", triangles, (None, 3))
    if triangles.size == 0:
        return triangles.astype(np.int32)
    checks.check_integers("triangles", triangles, (None, 3))
    least, greatest = triangles.min(), triangles.max()
    if least < 0 or (num_vertices is not None and greatest >= num_vertices):
        limit = "" if num_vertices is None else f" and be below {num_vertices}, the vertices"
        raise ValueError(
            f"`triangles` must not be negative{limit}. Received: {least} to {greatest}."
        )
    return triangles.astype(np.int32)


class Corners(NamedTuple):
    """Clip coordinates of N triangles, each field three tensors `[N]`.

    `x`, `y` and `w` are snapped to 16 fractional bits, `z` and `depth_w` are not. Where a vertex is
    not finite, all of its coordinates are 0 and `finite` is false.
    """

    x: Triple
    y: Triple
    w: Triple
    z: Triple
    depth_w: Triple
    finite: Triple


class Boxes(NamedTuple):
    """Bounding boxes in pixels, inclusive, int32 `[N]`; empty if a last is before its first."""

    first_row: tf.Tensor
    last_row: tf.Tensor
    first_column: tf.Tensor
    last_column: tf.Tensor


def look_up_corners(vertices: tf.Tensor, triangles: tf.Tensor) -> Corners:
    """Corners of `triangles` `[N, 3]` among clip coordinates `vertices` `[V, 4]`."""
    channels = tf.unstack(vertices, axis=-1)
    fields = []
    for corner in range(3):
        index = triangles[:, corner]
        values = [tf.gather(channel, index) for channel in channels]
        finite = tf.math.is_finite(values[0])
        for value in values[1:]:
            finite &= tf.math.is_finite(value)
        x, y, z, w = (tf.where(finite, value, 0.0) for value in values)
        fields.append((_snap(x), _snap(y), _snap(w), z, w, finite))
    return Corners(*zip(*fields, strict=True))


def bounding_boxes(corners: Corners, image_size: tuple[int, int]) -> tuple[Boxes, tf.Tensor]:
    """Boxes of all pixel centres that triangles may hold, and whether a box is exact: `[N]`.

    Not exact are the boxes of triangles that cross the near plane: the whole image. Triangles
    that lie behind it or are not finite have empty boxes.
    """
    across, down = [], []
    for x, y, w, z, depth_w, finite in zip(*corners, strict=True):
        in_front = (depth_w > 0.0) & (z >= -depth_w)
        projectable = in_front & (w > 0.0)
        # Vertices that cannot be projected get sentinel positions: XLA stores the result of a
        # division, but would recompute a cheaper flag at each use.
        otherwise = tf.where(in_front, _TOO_NEAR, _BEHIND)
        otherwise = tf.where(finite, otherwise, np.float32(np.nan))
        divisor = tf.where(projectable, w, 1.0)
        across.append(tf.where(projectable, x, otherwise) / divisor)
        down.append(tf.where(projectable, y, 0.0) / divisor)
    exact = _greatest([tf.abs(position) for position in across]) < _TOO_NEAR
    behind = [position == _BEHIND for position in across]
    drawable = ~tf.math.is_nan(across[0] + across[1] + across[2])
    drawable &= ~(behind[0] & behind[1] & behind[2])
    height, width = image_size
    rows = [0.5 * (1.0 - position) * height for position in down]
    columns = [0.5 * (position + 1.0) * width for position in across]
    sides = []
    for positions, size in ((rows, height), (columns, width)):
        low = tf.math.ceil(_least(positions) - 0.5 - _BOX_SLACK)
        high = tf.math.floor(_greatest(positions) - 0.5 + _BOX_SLACK)
        low = tf.where(exact, tf.clip_by_value(low, 0.0, float(size)), 0.0)
        high = tf.where(exact, tf.clip_by_value(high, -1.0, size - 1.0), size - 1.0)
        sides.append(tf.cast(low, tf.int32))
        sides.append(tf.cast(tf.where(drawable, high, -1.0), tf.int32))
    return Boxes(*sides), exact


def clipped_rows(corners: Corners, height: int) -> tuple[tf.Tensor, tf.Tensor]:
    """First and last row `[N]` of the parts of drawable triangles before the near plane."""
    lows, highs, unbounded = [], [], tf.zeros_like(corners.finite[0])
    distances = [z + w for z, w in zip(corners.z, corners.depth_w, strict=True)]
    for a in range(3):
        b = (a + 1) % 3
        crosses = (distances[a] >= 0.0) != (distances[b] >= 0.0)
        part = distances[a] / tf.where(crosses, distances[a] - distances[b], 1.0)
        for used, along in ((distances[a] >= 0.0, tf.zeros_like(part)), (crosses, part)):
            y = corners.y[a] + along * (corners.y[b] - corners.y[a])
            w = corners.depth_w[a] + along * (corners.depth_w[b] - corners.depth_w[a])
            bounded = w > _LEAST_CLIPPED_W
            unbounded |= used & ~bounded
            row = 0.5 * (1.0 - y / tf.where(bounded, w, 1.0)) * height
            lows.append(tf.where(used, row, float(height)))
            highs.append(tf.where(used, row, -1.0))
    slack = 1.0 + height / 1024  # Snapping moves points this near to the camera by pixels.
    low = tf.reduce_min(tf.stack(lows), axis=0) - 0.5 - slack
    high = tf.reduce_max(tf.stack(highs), axis=0) - 0.5 + slack
    low = tf.where(unbounded, 0.0, tf.clip_by_value(low, 0.0, float(height)))
    high = tf.where(unbounded, height - 1.0, tf.clip_by_value(high, -1.0, height - 1.0))
    return tf.cast(low, tf.int32), tf.cast(high, tf.int32)


def pixel_centres(size: int) -> np.ndarray:
    """Normalized device coordinates of pixel centres, increasing, snapped: `[size]`.

    Made by NumPy, since XLA replaces the division by a product, which snaps differently.
    """
    centres = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(0.5 * size) - 1
    return (np.trunc(centres * np.float32(_SNAP)) / np.float32(_SNAP)).astype(np.float32)


def depth_keys(
    corners: Corners,
    triangle_ids: tf.Tensor,
    pixel_x: tf.Tensor,
    pixel_y: tf.Tensor,
    considered: tf.Tensor,
    cull: bool,
) -> tf.Tensor:
    """Keys of triangles at pixel centres: the least key at a pixel is that of its triangle.

    A pixel is inside if the three edge functions have one sign. They are compared as products,
    `p >= q`, never as a difference: two triangles that share an edge then decide alike, however
    the compiler contracts the arithmetic.

    Args:
        corners: Fields `[N]`.
        triangle_ids: Int32 `[N]`.
        pixel_x: Of pixel centres, `[..., N or 1]`.
        pixel_y: The same.
        considered: Booleans `[..., N]`, where to look at all.
        cull: Leave out triangles that appear clockwise.

    Returns:
        Int64 `[..., N]`: depth `z / w`, order preserving, in the high and the triangle in the low
        32 bits; `EMPTY_KEY` where the triangle does not hold the pixel centre.
    """
    x = [x - pixel_x * w for x, w in zip(corners.x, corners.w, strict=True)]
    y = [y - pixel_y * w for y, w in zip(corners.y, corners.w, strict=True)]
    left = [x[1] * y[2], x[2] * y[0], x[0] * y[1]]
    right = [x[2] * y[1], x[0] * y[2], x[1] * y[0]]
    edges = [p - q for p, q in zip(left, right, strict=True)]
    positive = (left[0] >= right[0]) & (left[1] >= right[1]) & (left[2] >= right[2])
    negative = (left[0] <= right[0]) & (left[1] <= right[1]) & (left[2] <= right[2])
    total = edges[0] + edges[1] + edges[2]
    z, w = corners.z, corners.depth_w
    weighted_z = edges[0] * z[0] + edges[1] * z[1] + edges[2] * z[2]
    weighted_w = edges[0] * w[0] + edges[1] * w[1] + edges[2] * w[2]
    # Where the total is 0 the triangle is degenerate; where the signs of total and depth differ
    # the pixel looks at the triangle's part behind the camera.
    in_front = weighted_w * total > 0.0
    depth = weighted_z / tf.where(in_front, weighted_w, 1.0)
    inside = considered & in_front & (positive if cull else positive | negative)
    inside &= (depth >= -1.0) & (depth <= 1.0)
    bits = tf.bitcast(depth, tf.int32)
    bits = tf.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    key = tf.bitwise.left_shift(tf.cast(bits, tf.int64), tf.constant(32, tf.int64))
    key |= tf.cast(triangle_ids, tf.int64)
    return tf.where(inside, key, tf.constant(EMPTY_KEY, tf.int64))


def _snap(values):
    scaled = values * _SNAP
    return tf.where(scaled < 0.0, tf.math.ceil(scaled), tf.math.floor(scaled)) / _SNAP


def _least(values):
    return tf.minimum(tf.minimum(values[0], values[1]), values[2])


def _greatest(values):
    return tf.maximum(tf.maximum(values[0], values[1]), values[2])
