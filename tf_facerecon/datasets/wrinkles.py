"""Creases of the skin: beside nose and mouth, at its corners, over and under the eyes.

A face model of a few hundred smooth modes has none. A network that never saw one takes the crease
beside a smiling mouth for its corner, and the bag under an eye for its lid. Photographs also show a
dark line from where the lips part up to the very corner of the mouth, more or less of it.

Convention:
    Lengths are shares of the width of mouth or eye that they belong to; widths of the pen are
    pixels of the 224 crop, whatever the resolution of the image.
"""

from typing import NamedTuple

import tensorflow as tf

from tf_facerecon.datasets import backgrounds


class _Kind(NamedTuple):
    """A kind of crease: the share of light that its darkest takes away, how wide the pen is."""

    darkest: float
    pen: float = 1.0


_PRESENT = 0.6  # Share of the creases that are drawn.
_PEN_WIDTHS = (0.8, 3.0)  # Standard deviation of a crease across, for a pen of 1, pixels.
_NASOLABIAL, _DIMPLE, _CORNER = _Kind(0.6), _Kind(0.4), _Kind(0.8, pen=0.6)
_UNDER_EYE, _LID = _Kind(0.4), _Kind(0.5)
# iBUG points of the two sides: wing of the nose, corner of the mouth, where the lips part, the
# other corner.
_MOUTH_SIDES = ((31, 48, 60, 54), (35, 54, 64, 48))
# Inner corner, outer corner, two points of the lower lid, two of the upper lid.
_EYES = ((39, 36, (40, 41), (37, 38)), (42, 45, (46, 47), (43, 44)))
_CURVE_STEPS = (0.0, 1 / 3, 2 / 3, 1.0)


def draw_creases(images: tf.Tensor, landmarks: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Darkens lines of the skin at random.

    Args:
        images: `[B, H, W, 3]` RGB in [0, 1], with static shapes.
        landmarks: `[B, 68, 2]` pixels of the 224 crop.
        seed: Integer tensor `[2]`.

    Returns:
        Pictures of the same shape.
    """
    batch_size, size = images.shape[0], images.shape[1]
    seeds = tf.unstack(tf.random.split(seed, 3))
    places = iter(tf.unstack(tf.random.stateless_uniform((20, batch_size, 1), seeds[0])))

    def between(low: float, high: float) -> tf.Tensor:
        return low + (high - low) * next(places)

    face_up = tf.math.l2_normalize(landmarks[:, 27] - landmarks[:, 8], axis=-1)
    kinds, lines = [], []
    for wing, corner, parting, other in _MOUTH_SIDES:
        corner_point = landmarks[:, corner]
        outward = corner_point - landmarks[:, other]
        up = face_up * tf.norm(outward, axis=-1, keepdims=True)
        start = landmarks[:, wing] + between(0.03, 0.15) * outward
        end = corner_point + between(0.03, 0.22) * outward - between(-0.1, 0.3) * up
        middle = 0.5 * (start + end) + between(0.0, 0.15) * outward
        nasolabial = _curve(start, middle, end)
        dimple = corner_point + between(0.02, 0.1) * outward
        upper, lower = dimple + between(0.0, 0.12) * up, dimple - between(0.0, 0.15) * up
        beside = _curve(upper, dimple + 0.02 * outward, lower)
        lips_end = corner_point + between(-0.01, 0.02) * outward
        from_inside = landmarks[:, parting] - 0.03 * outward
        along = _curve(from_inside, 0.5 * (from_inside + lips_end), lips_end)
        lines += [nasolabial, beside, along]
        kinds += [_NASOLABIAL, _DIMPLE, _CORNER]
    for inner, outer, lower_lid, upper_lid in _EYES:
        ends = landmarks[:, inner], landmarks[:, outer]
        up = face_up * tf.norm(ends[0] - ends[1], axis=-1, keepdims=True)
        drop, rise = between(0.1, 0.5) * up, between(0.1, 0.4) * up
        for lid, shift, shares, kind in (
            (lower_lid, -drop, (0.6, 0.4), _UNDER_EYE),
            (upper_lid, rise, (0.3, 0.5), _LID),
        ):
            start, end = ends[0] + shares[0] * shift, ends[1] + shares[1] * shift
            middle = 0.5 * (landmarks[:, lid[0]] + landmarks[:, lid[1]]) + shift
            # A quadratic curve passes half-way between its middle point and its chord.
            lines.append(_curve(start, 2 * middle - 0.5 * (start + end), end))
            kinds.append(kind)
    strengths = tf.random.stateless_uniform((batch_size, len(lines), 2), seeds[1])
    present = tf.cast(strengths[..., 1] < _PRESENT, tf.float32)
    strengths = strengths[..., 0] * present * tf.constant([kind.darkest for kind in kinds])
    widths = tf.random.stateless_uniform((batch_size, len(lines)), seeds[2], *_PEN_WIDTHS)
    widths *= tf.constant([kind.pen for kind in kinds])
    column, row = backgrounds.pixel_grid(size)
    return images * _transmitted(tf.stack(lines, axis=1), strengths, widths, column, row)


def _curve(start: tf.Tensor, middle: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Quadratic Bézier curve through `start` and `end` `[B, 2]` as a few points `[B, P, 2]`."""
    points = [(1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end for t in _CURVE_STEPS]
    return tf.stack(points, axis=1)


# A pass over the picture for each piece of each line, unless it is compiled to one.
@tf.function(jit_compile=True)
def _transmitted(lines, strengths, widths, column, row):
    """Share of the light that lines `[B, L, P, 2]` let through, `[B, H, W, 1]`."""
    light = 1.0
    for line in range(lines.shape[1]):
        squared = tf.reduce_min(
            tf.stack(
                [
                    _squared_distance(lines[:, line, piece], lines[:, line, piece + 1], column, row)
                    for piece in range(lines.shape[2] - 1)
                ]
            ),
            axis=0,
        )
        width = widths[:, line, None, None]
        light *= 1 - strengths[:, line, None, None] * tf.exp(-squared / (2 * width**2))
    return light[..., None]


def _squared_distance(start, end, column, row):
    """From each pixel to the pieces from `start` to `end` `[B, 2]`: `[B, H, W]`, pixels²."""
    along = (end - start)[:, None, None]
    right, down = column - start[:, 0, None, None], row - start[:, 1, None, None]
    length = tf.reduce_sum(along**2, axis=-1) + 1e-6
    share = tf.clip_by_value((right * along[..., 0] + down * along[..., 1]) / length, 0.0, 1.0)
    return (right - share * along[..., 0]) ** 2 + (down - share * along[..., 1]) ** 2
