"""Compositing of synthetic images: pixel coordinates, anti-aliased masks, alpha blending.

Convention:
    Positions and lengths are pixels of the 224 crop, whatever the resolution of the image.
"""

import tensorflow as tf

from tf_facerecon.photos import face_alignment


def alpha_blend(image: tf.Tensor, colour: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Blends `colour` `[B, 3]` over `image` `[B, H, W, 3]` with opacity `alpha` `[B, H, W]`."""
    alpha = alpha[..., None]
    return image * (1 - alpha) + colour[:, None, None, :] * alpha


def antialiased_step(distance: tf.Tensor) -> tf.Tensor:
    """Opacity of an edge: rises from 0 to 1 over one unit of signed `distance` around zero."""
    return tf.clip_by_value(distance + 0.5, 0.0, 1.0)


def pixel_grid(size: int, window: float = face_alignment.CROP_SIZE) -> tuple[tf.Tensor, tf.Tensor]:
    """Columns `[1, 1, size]` and rows `[1, size, 1]` of pixel centres, in pixels of the crop.

    Args:
        size: Height and width of the image.
        window: Side of the square that the image shows, centred on the crop, in pixels of the crop.
    """
    step = window / size
    start = 0.5 * (face_alignment.CROP_SIZE - window)
    axis = (tf.range(size, dtype=tf.float32) + 0.5) * step - 0.5 + start
    return axis[None, None, :], axis[None, :, None]
