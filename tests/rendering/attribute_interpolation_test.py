import numpy as np
import tensorflow as tf

from tf_facerecon.rendering import attribute_interpolation


def test_interpolate_image_preset():
    # One triangle, seen at one of three pixels, whose centre is that of the image's right third.
    clip = tf.constant([[-1, -1, 0, 1], [1, -1, 0, 1], [1, 1, 0, 1]], tf.float32)
    ids, triangles = tf.constant([[-1, -1, 0]]), tf.constant([[0, 1, 2]])
    values, weights = attribute_interpolation.interpolate_image(clip, clip[:, :2], ids, triangles)
    np.testing.assert_allclose(values, [[[0, 0], [0, 0], [2 / 3, 0]]], atol=1e-6)
    np.testing.assert_allclose(weights[0, 2], [1 / 6, 1 / 3, 1 / 2], atol=1e-6)
