import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.datasets import corruptions
from tf_facerecon.datasets.corruptions import CORRUPTIONS
from tf_facerecon.lighting.spherical_harmonics import AMBIENT

SEED = tf.constant([3, 4])
ONE_OF_EACH = tf.range(len(CORRUPTIONS))


@pytest.mark.parametrize("bad_frames", [(0, 0), (1, 3), (5, 5)])
def test_sample_corruptions_counts(bad_frames):
    corruption = corruptions.sample_corruptions(300, 5, bad_frames, SEED).numpy()
    counts = (corruption > 0).sum(axis=1)
    assert set(counts) == set(range(bad_frames[0], bad_frames[1] + 1))
    if bad_frames != (0, 0):
        assert set(corruption[corruption > 0]) == set(range(1, len(CORRUPTIONS)))
        assert (corruption > 0).mean(axis=0).std() < 0.05  # Every image is equally likely.


def test_sample_corruptions_of_photographs():
    image_mask = tf.sequence_mask([1, 2, 3, 4, 5] * 80, 5, tf.float32)
    corruption = corruptions.sample_corruptions(
        400, 5, (1, 3), SEED, names=corruptions.IMAGE_CORRUPTIONS, image_mask=image_mask
    ).numpy()
    names = {CORRUPTIONS[index] for index in corruption[corruption > 0]}
    assert names == {"occlusion", "blur", "noise"}
    assert (corruption[image_mask.numpy() == 0] == 0).all()
    counts = (corruption > 0).sum(axis=1).reshape(80, 5)
    assert [set(column) for column in counts.T] == [{0}, {1}, {1, 2}, {1, 2, 3}, {1, 2, 3}]


def test_sample_corruptions_depends_on_the_seed_alone():
    first, again, other = (
        corruptions.sample_corruptions(20, 5, (1, 3), tf.constant(seed)).numpy()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("bad_frames", [(-1, 2), (3, 2), (1, 6)])
def test_sample_corruptions_exception_raised(bad_frames):
    with pytest.raises(
        ValueError, match="`bad_frames` must be two increasing numbers from 0 to .* 5"
    ):
        corruptions.sample_corruptions(2, 5, bad_frames, SEED)


def test_corrupt_pose_random():
    corruption = tf.repeat(ONE_OF_EACH, 50)
    rotation = tf.random.stateless_normal((len(corruption), 3), SEED, stddev=0.1)
    turned = corruptions.corrupt_pose(rotation, corruption, SEED).numpy()
    is_pose = corruptions.has_corruption(corruption, "pose").numpy()
    np.testing.assert_array_equal(turned[~is_pose], rotation[~is_pose])
    yaw = np.degrees(turned[is_pose, 1])
    assert 55 <= np.abs(yaw).min() and np.abs(yaw).max() <= 80
    assert (yaw > 0).any() and (yaw < 0).any()
    assert np.abs(np.degrees(turned[is_pose][:, [0, 2]])).max() <= 24.001


@pytest.mark.parametrize("width", [9, 27])
def test_corrupt_lighting_random(width):
    corruption = tf.repeat(ONE_OF_EACH, 60)
    lighting = tf.random.stateless_normal((len(corruption), width), SEED, stddev=0.1)
    bad = corruptions.corrupt_lighting(lighting, corruption, SEED).numpy()
    is_light = corruptions.has_corruption(corruption, "light").numpy()
    np.testing.assert_array_equal(bad[~is_light], lighting[~is_light])
    bands = bad[is_light].reshape(60, -1, 9)
    np.testing.assert_array_equal(bands, np.repeat(bands[:, :1], width // 9, axis=1))  # White.
    level = 1 + bands[:, 0, 0] / AMBIENT
    side = np.abs(bands[:, 0, 3])
    is_dark, is_glaring, is_one_sided = level < 0.21, level > 1.7, side > 0.5
    assert all(kind.any() for kind in (is_dark, is_glaring, is_one_sided))
    assert (is_dark | is_glaring | is_one_sided).all()


@pytest.fixture(scope="module")
def corrupted():
    images = tf.random.stateless_uniform((len(CORRUPTIONS), 64, 64, 3), SEED)
    skin = tf.ones((len(CORRUPTIONS), 64, 64, 1))
    return images, *corruptions.corrupt_images(images, skin, ONE_OF_EACH, SEED)


def test_corrupt_images_leaves_the_others(corrupted):
    images, after, skin = corrupted
    for name in ("none", "pose", "light"):
        index = CORRUPTIONS.index(name)
        np.testing.assert_array_equal(images[index], after[index])
    assert (skin.numpy().min(axis=(1, 2, 3)) == [1, 0, 1, 1, 1, 1]).all()
    assert after.numpy().min() >= 0 and after.numpy().max() <= 1


def test_corrupt_images_covers(corrupted):
    images, after, skin = corrupted
    index = CORRUPTIONS.index("occlusion")
    covered = skin[index].numpy()[..., 0] == 0
    assert 0.15 < covered.mean() < 0.9
    assert (np.abs(images[index] - after[index]).max(axis=-1) == 0)[skin[index, ..., 0] == 1].all()
    # A smooth occluder instead of noise.
    assert np.asarray(after[index])[covered].std() < 0.8 * np.asarray(images[index])[covered].std()


def test_corrupt_images_blurs_and_adds_noise(corrupted):
    images, after, _ = corrupted
    roughness = [np.abs(np.diff(batch, axis=2)).mean(axis=(1, 2, 3)) for batch in (images, after)]
    blur, noise = CORRUPTIONS.index("blur"), CORRUPTIONS.index("noise")
    assert roughness[1][blur] < 0.3 * roughness[0][blur]
    np.testing.assert_allclose(
        np.mean(images[blur], axis=(0, 1)), np.mean(after[blur], axis=(0, 1)), atol=0.02
    )
    change = np.asarray(after[noise] - images[noise])
    assert 0.08 < change.std() < 0.45
