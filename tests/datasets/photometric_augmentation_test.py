import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import photometric_augmentation

SEED = tf.constant([5, 6])


def vary(images, seed=SEED):
    return photometric_augmentation.augment_photometrically(
        tf.constant(images, tf.float32), seed
    ).numpy()


def test_augmented_images_stay_in_range_and_differ_between_each_other():
    images = np.repeat(np.random.default_rng(0).uniform(size=(1, 32, 32, 3)), 8, axis=0)
    varied = vary(images)
    assert varied.shape == images.shape
    assert varied.min() >= 0 and varied.max() <= 1
    means = varied.mean(axis=(1, 2, 3))
    assert means.std() > 0.03
    np.testing.assert_array_equal(varied, vary(images))
    assert np.abs(varied - vary(images, SEED + 1)).max() > 0.1


def test_grey_stays_grey():
    grey = np.repeat(np.random.default_rng(1).uniform(size=(4, 16, 16, 1)), 3, axis=-1)
    varied = vary(grey)
    np.testing.assert_allclose(varied, varied[..., :1].repeat(3, axis=-1), atol=1e-5)


def test_black_is_finite_and_dark():
    varied = vary(np.zeros((4, 16, 16, 3)))
    assert np.isfinite(varied).all() and varied.max() < 0.1


def test_edges_stay_in_place():
    step = np.full((16, 32, 32, 3), 0.3)
    step[:, :, 20:] = 0.7
    slope = np.abs(np.diff(vary(step).mean(axis=(1, 3)), axis=1))
    assert (slope.argmax(axis=1) == 19).all()


def test_sharpening_raises_fine_contrast_above_coarse():
    pixels = np.indices((64, 64)).sum(axis=0)
    fine = 0.5 + 0.1 * ((pixels % 2) * 2 - 1)
    coarse = 0.5 + 0.1 * ((pixels // 16 % 2) * 2 - 1)
    sizes = []
    for pattern in (fine, coarse):
        varied = vary(np.repeat(np.repeat(pattern[None, ..., None], 3, axis=-1), 16, axis=0))
        local = varied[:, 16:48, 16:48].mean(axis=-1)
        sizes.append(local.std(axis=(1, 2)))
    gain = sizes[0] / sizes[1]
    assert gain.max() > 1.5  # Of 1 to 2.5: sharpening by 0 to 1.5 of what a blur takes away.
    assert gain.min() > 0.85


def test_sharpening_keeps_flat_images_flat():
    varied = vary(np.full((8, 40, 40, 3), 0.5))
    # What is left is the slowly uneven light.
    assert np.abs(np.diff(varied, axis=1)).max() < 0.04
