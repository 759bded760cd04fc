"""Photometric augmentation: saturation, gamma, contrast, sharpness and illumination of images.

Rendered images all have the same contrast, saturation and sharpness; photographs do not. Varying
them makes a network rely on shape instead (domain randomisation, Tobin et al. 2017).

Convention:
    The sharpening kernel is in pixels of the given image: at half the resolution it covers twice as
    much of the face.
"""

import tensorflow as tf

from tf_facerecon.datasets import camera_artifacts

_SATURATION = (0.5, 1.6)
_LOG_GAMMA = (-0.5, 0.5)
_CONTRAST = (0.7, 1.4)
_SHARPENING = (0.0, 1.5)
_BLUR = 0.8493  # Standard deviation, pixels, of the unsharp mask: weights 1, 2, 1.
_UNEVEN_LIGHT = 0.12  # Standard deviation of the logarithm of a smooth brightness factor.
_LIGHT_CELLS = 4


def augment_photometrically(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Randomly changes saturation, gamma, contrast, sharpness and evenness of light of each image.

    Args:
        images: `[B, H, W, 3]` RGB in [0, 1], with a static shape.
        seed: Integer tensor `[2]`.

    Returns:
        Images of the same shape, in [0, 1].
    """
    batch_size, height, width, _ = images.shape
    seeds = tf.unstack(tf.random.split(seed, 5))

    def draw(index: int, limits: tuple[float, float]) -> tf.Tensor:
        return tf.random.stateless_uniform((batch_size, 1, 1, 1), seeds[index], *limits)

    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = grey + (images - grey) * draw(0, _SATURATION)
    # High saturation can make values negative, whose power would be NaN.
    images = tf.clip_by_value(images, 0.0, 1.0) ** tf.exp(draw(1, _LOG_GAMMA))
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (images - mean) * draw(2, _CONTRAST)
    blurred = camera_artifacts.gaussian_blur(images, tf.constant(_BLUR), radius=1)
    images = images + (images - blurred) * draw(3, _SHARPENING)
    cells = tf.random.stateless_normal((batch_size, _LIGHT_CELLS, _LIGHT_CELLS, 1), seeds[4])
    uneven = tf.image.resize(cells, (height, width), method="bicubic")
    return tf.clip_by_value(images * tf.exp(_UNEVEN_LIGHT * uneven), 0.0, 1.0)
