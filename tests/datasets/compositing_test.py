import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import compositing


def test_alpha_blend_preset():
    image = tf.zeros((1, 1, 2, 3))
    alpha = tf.constant([[[0.25, 1.0]]])
    mixed = compositing.alpha_blend(image, tf.constant([[1.0, 0.5, 0.0]]), alpha)
    np.testing.assert_allclose(mixed[0, 0], [[0.25, 0.125, 0], [1, 0.5, 0]])


def test_pixel_grid_of_a_wider_window_is_concentric_with_the_crop():
    column, row = compositing.pixel_grid(4, window=448.0)
    np.testing.assert_allclose(column[0, 0], [-56.5, 55.5, 167.5, 279.5])
    np.testing.assert_allclose(row[0, :, 0], column[0, 0])
