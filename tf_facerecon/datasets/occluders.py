"""Occluders in front of a synthetic face: fringes of hair, ellipses and bars.

Convention:
    Everything is drawn from `tf.random.stateless_*`. Positions and lengths are pixels of the 224
    crop, whatever the resolution of the image.
"""

import math

import tensorflow as tf

from tf_facerecon.datasets import compositing
from tf_facerecon.photos import face_alignment

_ELLIPSE_PROBABILITY = 0.3


def occluder_mask(batch_size: int, size: int, brow_row: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Opacity `[B, H, W, 1]` of a fringe over the forehead and of a small ellipse, each at random.

    Args:
        batch_size: B.
        size: Height and width.
        brow_row: `[B]`, row of the eyebrows in the crop; the fringe ends above it.
        seed: Integer tensor `[2]`.
    """
    seeds = tf.unstack(tf.random.split(seed, 5))
    column, row = compositing.pixel_grid(size)
    height = tf.random.stateless_uniform((batch_size, 1, 1), seeds[0], 2.0, 60.0)
    tilt = tf.random.stateless_uniform((batch_size, 1, 1), seeds[1], -0.25, 0.25)
    bend = tf.random.stateless_uniform((batch_size, 1, 1), seeds[2], -0.004, 0.008)
    offset = column - 112.0
    hairline = brow_row[:, None, None] - height + tilt * offset + bend * offset**2
    fringe = compositing.antialiased_step((hairline - row) / 2)
    parameters = tf.random.stateless_uniform((batch_size, 4, 1, 1), seeds[3])
    centre_x, centre_y = 224 * parameters[:, 0], 224 * parameters[:, 1]
    radius_x, radius_y = 10 + 35 * parameters[:, 2], 10 + 35 * parameters[:, 3]
    distance = ((column - centre_x) / radius_x) ** 2 + ((row - centre_y) / radius_y) ** 2
    choice = tf.random.stateless_uniform((batch_size, 2, 1, 1), seeds[4])
    has_fringe = tf.cast(choice[:, 0] < 0.6, tf.float32)
    has_ellipse = tf.cast(choice[:, 1] < 0.15, tf.float32)
    ellipse = compositing.antialiased_step(20.0 * (1 - distance))
    return tf.maximum(has_fringe * fringe, has_ellipse * ellipse)[..., None]


def random_ellipse_mask(batch_size: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Opacity `[B, H, W]` of a random ellipse in front of some of the images."""
    column, row = compositing.pixel_grid(size)
    parameters = tf.random.stateless_uniform((batch_size, 5, 1, 1), seed)
    crop = face_alignment.CROP_SIZE
    centre_x, centre_y = crop * parameters[:, 0], crop * parameters[:, 1]
    radius_x, radius_y = (crop * (0.05 + 0.17 * parameters[:, axis]) for axis in (2, 3))
    distance = ((column - centre_x) / radius_x) ** 2 + ((row - centre_y) / radius_y) ** 2
    inside = compositing.antialiased_step(0.1 * crop * (1 - distance))
    return inside * tf.cast(parameters[:, 4] < _ELLIPSE_PROBABILITY, tf.float32)


def large_occluder_mask(batch_size: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Opacity `[B, H, W, 1]` of an ellipse or a bar that covers half of the face or more."""
    parameters = tf.random.stateless_uniform((batch_size, 6, 1, 1), seed)
    column, row = compositing.pixel_grid(size)
    x = column - (112 + 70 * (parameters[:, 0] - 0.5))
    y = row - (125 + 70 * (parameters[:, 1] - 0.5))
    ellipse = 1 - tf.sqrt(
        (x / (50 + 30 * parameters[:, 2])) ** 2 + (y / (45 + 35 * parameters[:, 3])) ** 2
    )
    angle = math.pi * parameters[:, 4]
    bar = 1 - tf.abs(x * tf.cos(angle) + y * tf.sin(angle)) / (35 + 25 * parameters[:, 3])
    inside = tf.where(parameters[:, 5] < 0.5, ellipse, bar)
    return compositing.antialiased_step(40.0 * inside)[..., tf.newaxis]
