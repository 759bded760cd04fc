"""Random backgrounds of a synthetic face: clutter, neck, shoulders and hair.

A network trained on faces before black mistakes the hair in a photograph for forehead. The
backgrounds need not look real, but be so varied that only the face is informative (domain
randomisation, Tobin et al. 2017).

Convention:
    Images `[B, H, W, 3]` RGB in [0, 1]; everything is drawn from `tf.random.stateless_*`. Positions
    and lengths are pixels of the 224 crop, whatever the resolution of the image.
"""

import tensorflow as tf

from tf_facerecon.datasets import compositing
from tf_facerecon.photos import face_alignment


def cluttered_background(batch_size: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Smooth colour noise at three scales around a random mean colour: `[B, size, size, 3]`."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    image = muted_colours(batch_size, seeds[0])[:, None, None, :]
    for cells, strength, scale_seed in ((3, 0.25, 1), (9, 0.15, 2), (28, 0.10, 3)):
        noise = tf.random.stateless_uniform(
            (batch_size, cells, cells, 3), seeds[scale_seed], -strength, strength
        )
        image = image + tf.image.resize(noise, (size, size), method="bilinear")
    return tf.clip_by_value(image, 0.0, 1.0)


def draw_hair_and_shoulders(
    background: tf.Tensor,
    skin: tf.Tensor,
    seed: tf.Tensor,
    window: float = face_alignment.CROP_SIZE,
) -> tf.Tensor:
    """Draws neck, shoulders and hair, over which the rendered face is composited afterwards.

    Args:
        background: `[B, H, W, 3]`.
        skin: `[B, 3]` mean colour of the shaded face.
        seed: Integer tensor `[2]`.
        window: See `compositing.pixel_grid`.
    """
    batch_size, size = background.shape[0], background.shape[1]
    seeds = tf.unstack(tf.random.split(seed, 4))
    column, row = compositing.pixel_grid(size, window)
    jitter = tf.random.stateless_normal((batch_size, 6), seeds[0])[:, :, None, None]
    half_width = 42.0 + 6.0 * jitter[:, 0]
    shoulders = row - (225.0 + 12 * jitter[:, 1]) + 0.6 * tf.abs(column - 112.0)
    cloth = muted_colours(batch_size, seeds[1])
    image = compositing.alpha_blend(
        background, cloth, compositing.antialiased_step(30.0 + shoulders)
    )
    neck = compositing.antialiased_step(
        half_width - tf.abs(column - 112.0)
    ) * compositing.antialiased_step(row - 130.0)
    image = compositing.alpha_blend(image, 0.85 * skin, neck)
    has_hair = tf.random.stateless_uniform((batch_size, 1, 1), seeds[2]) < 0.8
    radius_x, radius_y = 88.0 + 8 * jitter[:, 2], 108.0 + 12 * jitter[:, 3]
    centre_x, centre_y = 112.0 + 5 * jitter[:, 4], 95.0 + 8 * jitter[:, 5]
    distance = ((column - centre_x) / radius_x) ** 2 + ((row - centre_y) / radius_y) ** 2
    hair = compositing.antialiased_step(40.0 * (1 - distance)) * tf.cast(has_hair, tf.float32)
    return compositing.alpha_blend(image, hair_colours(batch_size, seeds[3]), hair)


def hair_colours(batch_size: int, seed: tf.Tensor) -> tf.Tensor:
    """Random hair colours `[B, 3]` from black to brown to blond."""
    seeds = tf.unstack(tf.random.split(seed, 2))
    lightness = tf.random.stateless_uniform((batch_size, 1), seeds[0]) ** 2
    tone = tf.constant([[0.06, 0.045, 0.04]]) + lightness * tf.constant([[0.65, 0.52, 0.36]])
    return tone * tf.random.stateless_uniform((batch_size, 1), seeds[1], 0.7, 1.2)


def muted_colours(batch_size: int, seed: tf.Tensor) -> tf.Tensor:
    """Random colours `[B, 3]` of low saturation, from black to white."""
    seeds = tf.unstack(tf.random.split(seed, 2))
    grey = tf.random.stateless_uniform((batch_size, 1), seeds[0])
    colour = tf.random.stateless_uniform((batch_size, 3), seeds[1])
    return 0.6 * grey + 0.4 * colour
