"""Camera artefacts of synthetic images: blur, exposure and sensor noise.

Convention:
    Images `[B, H, W, 3]` RGB in [0, 1]; everything is drawn from `tf.random.stateless_*`.
"""

import tensorflow as tf

from tf_facerecon.photos import face_alignment


def add_camera_artifacts(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blur of one random width per batch, exposure and sensor noise; clipped to [0, 1]."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    sigma = tf.random.stateless_uniform((), seeds[0], 0.35, 1.6)
    images = gaussian_blur(images, sigma * (images.shape[1] / face_alignment.CROP_SIZE))
    batch_size = images.shape[0]
    exposure = tf.random.stateless_normal((batch_size, 1, 1, 1), seeds[1], stddev=0.06)
    noise_level = tf.random.stateless_uniform((batch_size, 1, 1, 1), seeds[2], 0.0, 0.03)
    noise = noise_level * tf.random.stateless_normal(images.shape, seeds[3])
    return tf.clip_by_value(images * (1 + exposure) + noise, 0.0, 1.0)


def add_artifacts_per_image(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blur, exposure and sensor noise of a random strength for each image; clipped to [0, 1]."""
    seeds = tf.unstack(tf.random.split(seed, 2))
    shape = (images.shape[0], 3, 1, 1)
    blur, noise_level, exposure = tf.split(tf.random.stateless_uniform(shape, seeds[0]), 3, axis=1)
    images = images + blur * (binomial_blur(images) - images)
    noise = 0.03 * noise_level * tf.random.stateless_normal(images.shape, seeds[1])
    return tf.clip_by_value((0.85 + 0.3 * exposure) * images + noise, 0.0, 1.0)


def gaussian_blur(images: tf.Tensor, sigma: tf.Tensor, radius: int = 4) -> tf.Tensor:
    """Separable Gaussian blur of standard deviation `sigma` pixels, truncated at `radius`."""
    offsets = tf.range(-radius, radius + 1, dtype=images.dtype)
    kernel = tf.nn.softmax(-(offsets**2) / (2 * sigma**2))
    channels = images.shape[-1]
    padding = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
    images = tf.pad(images, padding, mode="SYMMETRIC")
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        taps = tf.tile(tf.reshape(kernel, shape), (1, 1, channels, 1))
        images = tf.nn.depthwise_conv2d(images, taps, (1, 1, 1, 1), "VALID")
    return images


def binomial_blur(images: tf.Tensor) -> tf.Tensor:
    """Binomial blur (1, 4, 6, 4, 1) / 16 along both axes of `images` `[B, H, W, C]`."""
    # Sums of shifted images: for three channels several times faster than a convolution.
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="SYMMETRIC")
    for _ in range(4):
        padded = (padded[:, 1:] + padded[:, :-1]) / 2
        padded = (padded[:, :, 1:] + padded[:, :, :-1]) / 2
    return padded
