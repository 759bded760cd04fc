"""Corruptions of single images of a set: occlusion, blur, noise, near-profile pose, bad lighting.

They are so strong that a reconstruction from the image is worth little, and visible in the image,
so that C-Net can learn to give it a low confidence. Each bad image has one corruption.

Convention:
    Images `[B, H, W, 3]` RGB in [0, 1]; everything is drawn from `tf.random.stateless_*`. Lengths
    are pixels of the 224 crop, whatever the resolution of the image.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

from tf_facerecon.datasets import backgrounds, occluders
from tf_facerecon.lighting.spherical_harmonics import AMBIENT

CORRUPTIONS = ("none", "occlusion", "blur", "noise", "pose", "light")
"""Names of the corruptions by index; 0 is a clean image."""
IMAGE_CORRUPTIONS = ("occlusion", "blur", "noise")
"""Those of `corrupt_images`, which need no face model: photographs can have them."""

# Blurred images are reduced to this many pixels a side: eyes and mouth are barely recognisable.
_BLUR_SIZES = (28, 16)
_NOISE_LEVELS = (0.15, 0.4)  # standard deviation, of full scale
_YAWS = (55.0, 80.0)  # degrees to either side
_TILT = 12.0  # degrees, standard deviation of pitch and roll


def sample_corruptions(
    num_sets: int,
    set_size: int,
    bad_frames: tuple[int, int],
    seed: tf.Tensor,
    *,
    names: Sequence[str] = CORRUPTIONS[1:],
    image_mask: tf.Tensor | None = None,
) -> tf.Tensor:
    """Draws corruptions `[num_sets, set_size]`, int32 indices of `CORRUPTIONS`.

    Args:
        num_sets: How many sets.
        set_size: Images in each.
        bad_frames: Smallest and largest number of bad images in a set; numbers between, images and
            corruptions are equally likely.
        seed: Integer tensor `[2]`.
        names: The corruptions to draw from.
        image_mask: `[num_sets, set_size]`, 1 where there is an image: others stay clean, and so
            does one image of each set. All are images by default.

    Raises:
        ValueError: If not `0 <= fewest <= most <= set_size`.
    """
    check_bad_frames(bad_frames, set_size)
    fewest, most = bad_frames
    seeds = tf.unstack(tf.random.split(seed, 3))
    shape = (num_sets, set_size)
    counts = tf.random.stateless_uniform((num_sets, 1), seeds[0], fewest, most + 1, tf.int32)
    rank = tf.random.stateless_uniform(shape, seeds[1])
    if image_mask is not None:
        is_image = image_mask > 0
        rank += tf.where(is_image, 0.0, 1.0)
        counts = tf.minimum(counts, tf.reduce_sum(tf.cast(is_image, tf.int32), 1, True) - 1)
    order = tf.argsort(tf.argsort(rank))
    indices = tf.constant([CORRUPTIONS.index(name) for name in names])
    kinds = tf.random.stateless_uniform(shape, seeds[2], 0, len(names), tf.int32)
    return tf.where(order < counts, tf.gather(indices, kinds), 0)


def check_bad_frames(bad_frames: tuple[int, int], set_size: int) -> None:
    """Checks that `bad_frames` are possible numbers of bad images in a set.

    Raises:
        ValueError: If not `0 <= fewest <= most <= set_size`.
    """
    fewest, most = bad_frames
    if not 0 <= fewest <= most <= set_size:
        raise ValueError(
            f"`bad_frames` must be two increasing numbers from 0 to the set size {set_size}. "
            f"Received: {tuple(bad_frames)}."
        )


def has_corruption(corruption: tf.Tensor, name: str) -> tf.Tensor:
    """Where the indices `corruption` are those of `name`; bool, same shape."""
    return tf.equal(corruption, CORRUPTIONS.index(name))


def corrupt_pose(rotation: tf.Tensor, corruption: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Euler angles `[B, 3]`, radians, replaced by a near-profile pose for corruption "pose"."""
    seeds = tf.unstack(tf.random.split(seed, 3))
    count = rotation.shape[0]
    side = tf.sign(tf.random.stateless_uniform((count,), seeds[0], -1.0, 1.0))
    yaw = side * tf.random.stateless_uniform((count,), seeds[1], *_YAWS)
    tilt = tf.clip_by_value(tf.random.stateless_normal((count, 2), seeds[2]), -2.0, 2.0)
    angles = tf.stack([_TILT * tilt[:, 0], yaw, _TILT * tilt[:, 1]], axis=-1) * (math.pi / 180)
    return tf.where(has_corruption(corruption, "pose")[:, None], angles, rotation)


def corrupt_lighting(lighting: tf.Tensor, corruption: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Lighting `[B, 9 | 27]`, made dark, glaring or one-sided for corruption "light"."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    count = lighting.shape[0]
    kind = tf.random.stateless_uniform((count, 1), seeds[0], 0, 3, tf.int32)
    share = tf.random.stateless_uniform((count, 1), seeds[1])
    # Ambient band as a multiple of the neutral ambient light.
    levels = tf.concat([0.08 + 0.12 * share, 1.8 + 0.8 * share, 0.1 + 0.2 * share], axis=-1)
    ambient = AMBIENT * (tf.gather(levels, kind, batch_dims=1) - 1)
    strength = tf.where(kind == 2, 0.6 + 0.5 * share, 0.1)
    # Bands 1 to 3 are -y, +z, -x: from above or below, from the camera, from the side.
    height = tf.random.stateless_uniform((count, 1), seeds[2], -0.7, 0.4)
    side = tf.sign(tf.random.stateless_uniform((count, 1), seeds[3], -1.0, 1.0))
    direction = tf.concat([height, tf.fill((count, 1), 0.1), side], axis=-1)
    white = tf.concat([ambient, strength * direction, tf.zeros((count, 5))], axis=-1)
    bad = tf.tile(white, (1, lighting.shape[-1] // 9))
    return tf.where(has_corruption(corruption, "light")[:, None], bad, lighting)


def corrupt_images(
    images: tf.Tensor, skin: tf.Tensor, corruption: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Applies the corruptions "occlusion", "blur" and "noise" to the images that have them.

    Args:
        images: `[B, H, W, 3]`, B, H and W static.
        skin: `[B, H, W, 1]`, 1 where the face is visible.
        corruption: `[B]`, indices of `CORRUPTIONS`.
        seed: Integer tensor `[2]`.

    Returns:
        Images and skin of the same shapes.
    """
    seeds = tf.unstack(tf.random.split(seed, 6))
    batch_size, size = images.shape[:2]

    def where(name, changed, kept):
        return tf.where(has_corruption(corruption, name)[:, None, None, None], changed, kept)

    covered = where("occlusion", occluders.large_occluder_mask(batch_size, size, seeds[0]), 0.0)
    texture = backgrounds.cluttered_background(batch_size, size, seeds[1])
    images = images * (1 - covered) + texture * covered
    is_first = tf.random.stateless_uniform((batch_size, 1, 1, 1), seeds[2]) < 0.5
    blurred = [_downsample(images, size) for size in _BLUR_SIZES]
    images = where("blur", tf.where(is_first, *blurred), images)
    level = tf.random.stateless_uniform((batch_size, 1, 1, 1), seeds[3], *_NOISE_LEVELS)
    noise = level * tf.random.stateless_normal(images.shape, seeds[4])
    images = where("noise", tf.clip_by_value(images + noise, 0.0, 1.0), images)
    return images, skin * (1 - covered)


def _downsample(images: tf.Tensor, size: int) -> tf.Tensor:
    """`images`, reduced to `size` x `size` pixels and enlarged again."""
    reduced = tf.image.resize(images, (size, size), method="area")
    return tf.image.resize(reduced, images.shape[1:3], method="bilinear")
