import numpy as np
import scipy.ndimage
import tensorflow as tf

from tf_facerecon.datasets import camera_artifacts

SEED = tf.constant([5, 6])


def test_gaussian_blur_equals_scipy(rng):
    image = rng.uniform(size=(1, 20, 24, 3)).astype(np.float32)
    blurred = camera_artifacts.gaussian_blur(tf.constant(image), tf.constant(1.2))
    expected = scipy.ndimage.gaussian_filter(image, (0, 1.2, 1.2, 0), radius=4, mode="reflect")
    np.testing.assert_allclose(blurred, expected, atol=1e-5)


def test_binomial_blur_preset():
    images = np.zeros((1, 9, 9, 1), np.float32)
    images[0, 4, 4] = 256.0
    row = np.array([0, 0, 1, 4, 6, 4, 1, 0, 0])
    blurred = camera_artifacts.binomial_blur(tf.constant(images))
    np.testing.assert_allclose(blurred[0, :, :, 0], np.outer(row, row))
    np.testing.assert_allclose(
        camera_artifacts.binomial_blur(tf.ones((1, 5, 6, 3))), np.ones((1, 5, 6, 3))
    )


def test_artifacts_per_image_keep_grey_and_range():
    images = tf.fill((50, 16, 16, 3), 0.5)
    photos = camera_artifacts.add_artifacts_per_image(images, tf.constant([4, 2], tf.int64)).numpy()
    assert photos.min() >= 0 and photos.max() <= 1
    inner = photos[:, 2:-2, 2:-2].mean(axis=(1, 2, 3))
    assert inner.min() > 0.5 * 0.84 and inner.max() < 0.5 * 1.16 and np.ptp(inner) > 0.1
