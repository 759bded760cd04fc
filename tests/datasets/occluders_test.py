import tensorflow as tf

from tf_facerecon.datasets import occluders

SEED = tf.constant([5, 6])


def test_fringe_ends_above_the_brows():
    brow_row = tf.fill((64,), 80.0)
    covered = occluders.occluder_mask(64, 224, brow_row, SEED).numpy()[..., 0]
    assert covered.min() >= 0 and covered.max() <= 1
    share_above, share_below = covered[:, :20].mean(), covered[:, 90:].mean()
    assert share_above > 0.3 > 0.05 > share_below


def test_random_ellipse_mask_covers_some_images_partly():
    covered = occluders.random_ellipse_mask(200, 64, tf.constant([4, 2], tf.int64)).numpy()
    assert covered.shape == (200, 64, 64)
    assert covered.min() == 0.0 and covered.max() == 1.0
    assert 0.2 < (covered.max(axis=(1, 2)) > 0).mean() < 0.4
    assert covered.mean(axis=(1, 2)).max() < 0.2
