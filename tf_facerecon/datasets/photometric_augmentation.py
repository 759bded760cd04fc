"""What cameras, films and editors do to the tones of a picture; faces stay where they are.

Renderings all have the same contrast, saturation and sharpness; photographs do not. Shown the same
face with many (photometric augmentation), a network looks at shapes rather than at tones (domain
randomisation, Tobin et al. 2017).

Convention:
    Sharpening looks at the pixels given: of a picture of half the size it reaches twice as far.
"""

import tensorflow as tf

from tf_facerecon.datasets import backgrounds

_SATURATION = (0.5, 1.6)
_LOG_GAMMA = (-0.5, 0.5)
_CONTRAST = (0.7, 1.4)
_SHARPENING = (0.0, 1.5)
_BLUR = 0.8493  # Standard deviation, pixels, of what is sharpened: weights 1, 2, 1.
_UNEVEN_LIGHT = 0.12  # Standard deviation of the logarithm of a factor that varies slowly.
_LIGHT_CELLS = 4


def vary_tones(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes saturation, gamma, contrast, sharpness and evenness of light of each picture.

    Args:
        images: `[B, H, W, 3]` RGB in [0, 1], with a static shape.
        seed: Integer tensor `[2]`.

    Returns:
        Pictures of the same shape, in [0, 1].
    """
    batch_size, height, width, _ = images.shape
    seeds = tf.unstack(tf.random.split(seed, 5))

    def draw(index: int, limits: tuple[float, float]) -> tf.Tensor:
        return tf.random.stateless_uniform((batch_size, 1, 1, 1), seeds[index], *limits)

    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = grey + (images - grey) * draw(0, _SATURATION)
    # A power of the negative values that high saturation can make would be no number.
    images = tf.clip_by_value(images, 0.0, 1.0) ** tf.exp(draw(1, _LOG_GAMMA))
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (images - mean) * draw(2, _CONTRAST)
    blurred = backgrounds.gaussian_blur(images, tf.constant(_BLUR), radius=1)
    images = images + (images - blurred) * draw(3, _SHARPENING)
    cells = tf.random.stateless_normal((batch_size, _LIGHT_CELLS, _LIGHT_CELLS, 1), seeds[4])
    uneven = tf.image.resize(cells, (height, width), method="bicubic")
    return tf.clip_by_value(images * tf.exp(_UNEVEN_LIGHT * uneven), 0.0, 1.0)
