"""Wrinkles: nasolabial folds, dimples, lines at the corners of the mouth, folds around the eyes.

A face model of a few hundred smooth modes has none. A network that never saw one mistakes the fold
beside a smiling mouth for its corner, and the bag under an eye for its lid. Photographs also show a
dark line between the lips that runs, more or less visibly, to the very corner of the mouth.

Convention:
    Lengths are fractions of the width of the mouth or eye that they belong to; line widths are in
    pixels of the 224 crop, whatever the resolution of the image.
"""

from typing import NamedTuple

import tensorflow as tf

from tf_facerecon.datasets import compositing


class _Wrinkle(NamedTuple):
    """A type of wrinkle: by how much the darkest one darkens the skin, and relative line width."""

    max_darkening: float
    width: float = 1.0


_PROBABILITY = 0.6  # Of each wrinkle to be drawn.
_LINE_WIDTHS = (0.8, 3.0)  # Standard deviation across a line of relative width 1, pixels.
_NASOLABIAL, _DIMPLE, _CORNER = _Wrinkle(0.6), _Wrinkle(0.4), _Wrinkle(0.8, width=0.6)
_UNDER_EYE, _LID = _Wrinkle(0.4), _Wrinkle(0.5)
# iBUG landmarks of the two sides: wing of the nose, outer corner of the mouth, inner corner of the
# lips, opposite corner of the mouth.
_MOUTH_SIDES = ((31, 48, 60, 54), (35, 54, 64, 48))
# Inner corner, outer corner, two points of the lower lid, two of the upper lid.
_EYES = ((39, 36, (40, 41), (37, 38)), (42, 45, (46, 47), (43, 44)))
_CURVE_STEPS = (0.0, 1 / 3, 2 / 3, 1.0)


def draw_wrinkles(images: tf.Tensor, landmarks: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Darkens the skin along random wrinkles.

    Args:
        images: `[B, H, W, 3]` RGB in [0, 1], with static shapes.
        landmarks: `[B, 68, 2]` pixels of the 224 crop.
        seed: Integer tensor `[2]`.

    Returns:
        Images of the same shape.
    """
    batch_size, size = images.shape[0], images.shape[1]
    seeds = tf.unstack(tf.random.split(seed, 3))
    positions = iter(tf.unstack(tf.random.stateless_uniform((20, batch_size, 1), seeds[0])))

    def uniform(low: float, high: float) -> tf.Tensor:
        return low + (high - low) * next(positions)

    face_up = tf.math.l2_normalize(landmarks[:, 27] - landmarks[:, 8], axis=-1)
    kinds, lines = [], []
    for wing, corner, parting, other in _MOUTH_SIDES:
        corner_point = landmarks[:, corner]
        outward = corner_point - landmarks[:, other]
        up = face_up * tf.norm(outward, axis=-1, keepdims=True)
        start = landmarks[:, wing] + uniform(0.03, 0.15) * outward
        end = corner_point + uniform(0.03, 0.22) * outward - uniform(-0.1, 0.3) * up
        middle = 0.5 * (start + end) + uniform(0.0, 0.15) * outward
        nasolabial = _curve(start, middle, end)
        dimple = corner_point + uniform(0.02, 0.1) * outward
        upper, lower = dimple + uniform(0.0, 0.12) * up, dimple - uniform(0.0, 0.15) * up
        beside = _curve(upper, dimple + 0.02 * outward, lower)
        lips_end = corner_point + uniform(-0.01, 0.02) * outward
        from_inside = landmarks[:, parting] - 0.03 * outward
        along = _curve(from_inside, 0.5 * (from_inside + lips_end), lips_end)
        lines += [nasolabial, beside, along]
        kinds += [_NASOLABIAL, _DIMPLE, _CORNER]
    for inner, outer, lower_lid, upper_lid in _EYES:
        ends = landmarks[:, inner], landmarks[:, outer]
        up = face_up * tf.norm(ends[0] - ends[1], axis=-1, keepdims=True)
        drop, rise = uniform(0.1, 0.5) * up, uniform(0.1, 0.4) * up
        for lid, shift, shares, kind in (
            (lower_lid, -drop, (0.6, 0.4), _UNDER_EYE),
            (upper_lid, rise, (0.3, 0.5), _LID),
        ):
            start, end = ends[0] + shares[0] * shift, ends[1] + shares[1] * shift
            middle = 0.5 * (landmarks[:, lid[0]] + landmarks[:, lid[1]]) + shift
            # A quadratic curve passes midway between its control point and its chord.
            lines.append(_curve(start, 2 * middle - 0.5 * (start + end), end))
            kinds.append(kind)
    strengths = tf.random.stateless_uniform((batch_size, len(lines), 2), seeds[1])
    present = tf.cast(strengths[..., 1] < _PROBABILITY, tf.float32)
    strengths = strengths[..., 0] * present * tf.constant([kind.max_darkening for kind in kinds])
    widths = tf.random.stateless_uniform((batch_size, len(lines)), seeds[2], *_LINE_WIDTHS)
    widths *= tf.constant([kind.width for kind in kinds])
    column, row = compositing.pixel_grid(size)
    return images * _attenuation(tf.stack(lines, axis=1), strengths, widths, column, row)


def _curve(start: tf.Tensor, middle: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Quadratic Bézier curve with three control points `[B, 2]` as a polyline `[B, P, 2]`."""
    points = [(1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end for t in _CURVE_STEPS]
    return tf.stack(points, axis=1)


# XLA fuses what would be one pass over the image for each segment of each line.
@tf.function(jit_compile=True)
def _attenuation(lines, strengths, widths, column, row):
    """Factor `[B, H, W, 1]` by which lines `[B, L, P, 2]` darken the image."""
    factor = 1.0
    for line in range(lines.shape[1]):
        squared = tf.reduce_min(
            tf.stack(
                [
                    _squared_distance(
                        lines[:, line, segment], lines[:, line, segment + 1], column, row
                    )
                    for segment in range(lines.shape[2] - 1)
                ]
            ),
            axis=0,
        )
        width = widths[:, line, None, None]
        factor *= 1 - strengths[:, line, None, None] * tf.exp(-squared / (2 * width**2))
    return factor[..., None]


def _squared_distance(start, end, column, row):
    """Squared distances `[B, H, W]` of pixels to segments `start` to `end` `[B, 2]`, pixels²."""
    along = (end - start)[:, None, None]
    right, down = column - start[:, 0, None, None], row - start[:, 1, None, None]
    length = tf.reduce_sum(along**2, axis=-1) + 1e-6
    share = tf.clip_by_value((right * along[..., 0] + down * along[..., 1]) / length, 0.0, 1.0)
    return (right - share * along[..., 0]) ** 2 + (down - share * along[..., 1]) ** 2
