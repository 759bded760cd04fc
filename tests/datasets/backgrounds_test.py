import numpy as np
import scipy.ndimage
import tensorflow as tf

from tf_facerecon.datasets import backgrounds

SEED = tf.constant([5, 6])


def test_gaussian_blur_equals_scipy(rng):
    image = rng.uniform(size=(1, 20, 24, 3)).astype(np.float32)
    blurred = backgrounds.gaussian_blur(tf.constant(image), tf.constant(1.2))
    expected = scipy.ndimage.gaussian_filter(image, (0, 1.2, 1.2, 0), radius=4, mode="reflect")
    np.testing.assert_allclose(blurred, expected, atol=1e-5)


def test_pictures_stay_in_range_and_repeat():
    skin = tf.fill((2, 3), 0.5)
    pictures = []
    for _ in range(2):
        scene = backgrounds.cluttered_background(2, 224, SEED)
        scene = backgrounds.draw_head_behind(scene, skin, SEED)
        pictures.append(backgrounds.camera_faults(scene, SEED).numpy())
    np.testing.assert_array_equal(*pictures)
    assert pictures[0].min() >= 0 and pictures[0].max() <= 1
    assert pictures[0].std() > 0.05


def test_fringe_ends_above_the_brows():
    brow_row = tf.fill((64,), 80.0)
    covered = backgrounds.occluder_mask(64, 224, brow_row, SEED).numpy()[..., 0]
    assert covered.min() >= 0 and covered.max() <= 1
    share_above, share_below = covered[:, :20].mean(), covered[:, 90:].mean()
    assert share_above > 0.3 > 0.05 > share_below


def test_blend_preset():
    image = tf.zeros((1, 1, 2, 3))
    alpha = tf.constant([[[0.25, 1.0]]])
    mixed = backgrounds.blend(image, tf.constant([[1.0, 0.5, 0.0]]), alpha)
    np.testing.assert_allclose(mixed[0, 0], [[0.25, 0.125, 0], [1, 0.5, 0]])


def test_pixel_grid_of_a_wider_window_is_concentric_with_the_crop():
    column, row = backgrounds.pixel_grid(4, window=448.0)
    np.testing.assert_allclose(column[0, 0], [-56.5, 55.5, 167.5, 279.5])
    np.testing.assert_allclose(row[0, :, 0], column[0, 0])
