"""What surrounds and covers a synthetic face: background, hair, neck, occluders, camera faults.

A network that only ever saw a face on black takes the first photograph's hair for forehead. These
pictures need not look real; they must be so varied that nothing but the face is worth relying on.

Convention:
    Images `[B, H, W, 3]` RGB in [0, 1]; everything is drawn from `tf.random.stateless_*`. Places
    and lengths are pixels of the 224 crop, whatever the resolution of the image.
"""

import tensorflow as tf

from tf_facerecon.photos import face_alignment


def cluttered_background(batch_size: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Smooth random colours at three scales around a random mean: `[B, size, size, 3]`."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    image = muted_colours(batch_size, seeds[0])[:, None, None, :]
    for cells, strength, scale_seed in ((3, 0.25, 1), (9, 0.15, 2), (28, 0.10, 3)):
        noise = tf.random.stateless_uniform(
            (batch_size, cells, cells, 3), seeds[scale_seed], -strength, strength
        )
        image = image + tf.image.resize(noise, (size, size), method="bilinear")
    return tf.clip_by_value(image, 0.0, 1.0)


def draw_head_behind(
    background: tf.Tensor,
    skin: tf.Tensor,
    seed: tf.Tensor,
    window: float = face_alignment.CROP_SIZE,
) -> tf.Tensor:
    """Paints neck, shoulders and hair where the rendered face mask will lie on top.

    Args:
        background: `[B, H, W, 3]`.
        skin: `[B, 3]` mean colour of the lit face.
        seed: Integer tensor `[2]`.
        window: Side of what the picture shows, in pixels of the crop, about the crop's middle.
    """
    batch_size, size = background.shape[0], background.shape[1]
    seeds = tf.unstack(tf.random.split(seed, 4))
    column, row = pixel_grid(size, window)
    jitter = tf.random.stateless_normal((batch_size, 6), seeds[0])[:, :, None, None]
    half_width = 42.0 + 6.0 * jitter[:, 0]
    shoulders = row - (225.0 + 12 * jitter[:, 1]) + 0.6 * tf.abs(column - 112.0)
    cloth = muted_colours(batch_size, seeds[1])
    image = blend(background, cloth, soft_step(30.0 + shoulders))
    neck = soft_step(half_width - tf.abs(column - 112.0)) * soft_step(row - 130.0)
    image = blend(image, 0.85 * skin, neck)
    has_hair = tf.random.stateless_uniform((batch_size, 1, 1), seeds[2]) < 0.8
    radius_x, radius_y = 88.0 + 8 * jitter[:, 2], 108.0 + 12 * jitter[:, 3]
    centre_x, centre_y = 112.0 + 5 * jitter[:, 4], 95.0 + 8 * jitter[:, 5]
    distance = ((column - centre_x) / radius_x) ** 2 + ((row - centre_y) / radius_y) ** 2
    hair = soft_step(40.0 * (1 - distance)) * tf.cast(has_hair, tf.float32)
    return blend(image, hair_colours(batch_size, seeds[3]), hair)


def occluder_mask(batch_size: int, size: int, brow_row: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Where hair over the forehead or a thing in front of the face covers it: `[B, H, W, 1]`.

    Args:
        batch_size: B.
        size: Height and width.
        brow_row: `[B]`, row of the eyebrows; fringes end above it.
        seed: Integer tensor `[2]`.
    """
    seeds = tf.unstack(tf.random.split(seed, 5))
    column, row = pixel_grid(size)
    height = tf.random.stateless_uniform((batch_size, 1, 1), seeds[0], 2.0, 60.0)
    tilt = tf.random.stateless_uniform((batch_size, 1, 1), seeds[1], -0.25, 0.25)
    bend = tf.random.stateless_uniform((batch_size, 1, 1), seeds[2], -0.004, 0.008)
    offset = column - 112.0
    hairline = brow_row[:, None, None] - height + tilt * offset + bend * offset**2
    fringe = soft_step((hairline - row) / 2)
    place = tf.random.stateless_uniform((batch_size, 4, 1, 1), seeds[3])
    centre_x, centre_y = 224 * place[:, 0], 224 * place[:, 1]
    radius_x, radius_y = 10 + 35 * place[:, 2], 10 + 35 * place[:, 3]
    distance = ((column - centre_x) / radius_x) ** 2 + ((row - centre_y) / radius_y) ** 2
    choice = tf.random.stateless_uniform((batch_size, 2, 1, 1), seeds[4])
    has_fringe = tf.cast(choice[:, 0] < 0.6, tf.float32)
    has_thing = tf.cast(choice[:, 1] < 0.15, tf.float32)
    thing = soft_step(20.0 * (1 - distance))
    return tf.maximum(has_fringe * fringe, has_thing * thing)[..., None]


def camera_faults(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blur of one random width per batch, exposure, and sensor noise; clipped to [0, 1]."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    sigma = tf.random.stateless_uniform((), seeds[0], 0.35, 1.6)
    images = gaussian_blur(images, sigma * (images.shape[1] / face_alignment.CROP_SIZE))
    batch_size = images.shape[0]
    exposure = tf.random.stateless_normal((batch_size, 1, 1, 1), seeds[1], stddev=0.06)
    noise_level = tf.random.stateless_uniform((batch_size, 1, 1, 1), seeds[2], 0.0, 0.03)
    noise = noise_level * tf.random.stateless_normal(images.shape, seeds[3])
    return tf.clip_by_value(images * (1 + exposure) + noise, 0.0, 1.0)


def gaussian_blur(images: tf.Tensor, sigma: tf.Tensor, radius: int = 4) -> tf.Tensor:
    """Separable Gaussian of standard deviation `sigma` pixels, cut at `radius`."""
    offsets = tf.range(-radius, radius + 1, dtype=images.dtype)
    kernel = tf.nn.softmax(-(offsets**2) / (2 * sigma**2))
    channels = images.shape[-1]
    padding = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
    images = tf.pad(images, padding, mode="SYMMETRIC")
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        taps = tf.tile(tf.reshape(kernel, shape), (1, 1, channels, 1))
        images = tf.nn.depthwise_conv2d(images, taps, (1, 1, 1, 1), "VALID")
    return images


def hair_colours(batch_size: int, seed: tf.Tensor) -> tf.Tensor:
    """From black over brown to fair: `[B, 3]`."""
    seeds = tf.unstack(tf.random.split(seed, 2))
    lightness = tf.random.stateless_uniform((batch_size, 1), seeds[0]) ** 2
    tone = tf.constant([[0.06, 0.045, 0.04]]) + lightness * tf.constant([[0.65, 0.52, 0.36]])
    return tone * tf.random.stateless_uniform((batch_size, 1), seeds[1], 0.7, 1.2)


def muted_colours(batch_size: int, seed: tf.Tensor) -> tf.Tensor:
    """From black to white with some colour, as rooms and clothes have: `[B, 3]`."""
    seeds = tf.unstack(tf.random.split(seed, 2))
    grey = tf.random.stateless_uniform((batch_size, 1), seeds[0])
    colour = tf.random.stateless_uniform((batch_size, 3), seeds[1])
    return 0.6 * grey + 0.4 * colour


def blend(image: tf.Tensor, colour: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """`colour` `[B, 3]` over `image` `[B, H, W, 3]` with opacity `alpha` `[B, H, W]`."""
    alpha = alpha[..., None]
    return image * (1 - alpha) + colour[:, None, None, :] * alpha


def soft_step(distance: tf.Tensor) -> tf.Tensor:
    """0 to 1 over one pixel around zero."""
    return tf.clip_by_value(distance + 0.5, 0.0, 1.0)


def pixel_grid(size: int, window: float = face_alignment.CROP_SIZE) -> tuple[tf.Tensor, tf.Tensor]:
    """Columns `[1, 1, size]` and rows `[1, size, 1]` of pixel centres, in pixels of the crop.

    Args:
        size: Height and width of the picture.
        window: Side of what it shows, in pixels of the crop, about the crop's middle.
    """
    step = window / size
    start = 0.5 * (face_alignment.CROP_SIZE - window)
    axis = (tf.range(size, dtype=tf.float32) + 0.5) * step - 0.5 + start
    return axis[None, None, :], axis[None, :, None]
