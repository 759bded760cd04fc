"""Warp of face crops onto the 112-pixel template of ArcFace, differentiable in the images.

Source: PyTorch code of Deng et al. 2019, after insightface. Pixel indices are coordinates, as in
OpenCV's `warpAffine`: `(column, row)` of the output is M times that of the input.
"""

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks

ARCFACE_SIZE = 112  # pixels
# Eye centres, nose tip, mouth corners in ArcFace's images, (column, row).
ARCFACE_TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)


def arcface_matrix(five_points: tf.Tensor) -> tf.Tensor:
    """Similarity transforms that bring five points closest to ArcFace's template.

    Least squares over scale, rotation and translation without reflection, Umeyama 1991; in two
    dimensions it has a closed form. Points that coincide give the identity.

    Args:
        five_points: `[B, 5, 2]` (column, row), row down: left and right eye, nose tip, left and
            right mouth corner, left and right as seen in the image.

    Returns:
        Matrices M `[B, 2, 3]`, of the dtype of the points; no gradient is stopped.

    Raises:
        ValueError: If the shape is another one.
    """
    points = tf.convert_to_tensor(five_points)
    checks.check_shape("five_points", points, (None, 5, 2))
    target = tf.constant(ARCFACE_TEMPLATE, points.dtype)
    centre, target_centre = tf.reduce_mean(points, axis=1), tf.reduce_mean(target, axis=0)
    x, y = tf.unstack(points - centre[:, None], axis=-1)
    u, v = tf.unstack(target - target_centre, axis=-1)
    # M = [[a, -b], [b, a]]: the least squares of a complex factor a + ib.
    spread = tf.reduce_sum(x * x + y * y, axis=-1)
    is_degenerate = spread <= 0
    safe_spread = tf.where(is_degenerate, tf.ones_like(spread), spread)
    a = tf.reduce_sum(x * u + y * v, axis=-1) / safe_spread
    b = tf.reduce_sum(x * v - y * u, axis=-1) / safe_spread
    linear = tf.stack([tf.stack([a, -b], axis=-1), tf.stack([b, a], axis=-1)], axis=-2)
    shift = target_centre - tf.linalg.matvec(linear, centre)
    matrices = tf.concat([linear, shift[..., None]], axis=-1)
    identity = tf.eye(2, 3, dtype=points.dtype)
    return tf.where(is_degenerate[:, None, None], identity, matrices)


def warp_by_similarity(
    images: tf.Tensor, matrices: tf.Tensor, size: int = ARCFACE_SIZE
) -> tf.Tensor:
    """Warps images by `[2, 3]` matrices of non-zero determinant; bilinear, zero outside.

    Args:
        images: `[B, H, W, C]`, floating point.
        matrices: `[B, 2, 3]`, from input `(column, row, 1)` to output `(column, row)`.
        size: Side of the output, pixels.

    Returns:
        Images `[B, size, size, C]`. Differentiable in images and matrices.

    Raises:
        ValueError: If a shape is another one.
    """
    images = tf.convert_to_tensor(images)
    matrices = tf.cast(matrices, images.dtype)
    checks.check_shape("images", images, (None, None, None, None))
    checks.check_shape("matrices", matrices, (None, 2, 3))
    grid = tf.cast(tf.stack(tf.meshgrid(tf.range(size), tf.range(size)), axis=-1), images.dtype)
    offset = tf.reshape(grid, [1, -1, 2]) - matrices[:, None, :, 2]
    (a, b), (c, d) = (tf.unstack(matrices[:, row, :2], axis=-1) for row in range(2))
    determinant = a * d - b * c
    inverse = tf.stack([tf.stack([d, -b], axis=-1), tf.stack([-c, a], axis=-1)], axis=-2)
    inverse /= determinant[:, None, None]
    source = tf.einsum("bij,bnj->bni", inverse, offset)
    values = _bilinear(images, source)
    return tf.reshape(values, [-1, size, size, images.shape[-1]])


def _bilinear(images: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Values `[B, N, C]` of images at points `[B, N, 2]` (column, row); pixels outside are zero."""
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    corner = tf.floor(points)
    fraction = points - corner
    # Far points, and those that are not finite, fall on a pixel outside.
    limit = tf.cast(tf.maximum(height, width) + 2, points.dtype)
    corner = tf.where(tf.abs(corner) < limit, corner, -2 * tf.ones_like(corner))
    column, row = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
    total = 0.0
    for step_x in (0, 1):
        for step_y in (0, 1):
            x, y = column + step_x, row + step_y
            is_inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            index = tf.clip_by_value(y, 0, height - 1), tf.clip_by_value(x, 0, width - 1)
            pixels = tf.gather_nd(images, tf.stack(index, axis=-1), batch_dims=1)
            share_x = fraction[..., 0] if step_x else 1 - fraction[..., 0]
            share_y = fraction[..., 1] if step_y else 1 - fraction[..., 1]
            share = tf.where(is_inside, share_x * share_y, tf.zeros_like(share_x))
            total += pixels * share[..., None]
    return total
