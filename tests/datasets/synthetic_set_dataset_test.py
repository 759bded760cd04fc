import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.datasets import synthetic_dataset, synthetic_set_dataset
from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.datasets.corruptions import CORRUPTIONS
from tf_facerecon.layers.face_decoder import FaceDecoder

pytestmark = pytest.mark.usefixtures("shared_renderers")


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder(toy_face.build_toy_face_model(), camera={"image_size": 64, "focal": 290.0})


def build(decoder, batch_size=2, set_size=4, **arguments):
    return synthetic_set_dataset.build_synthetic_set_dataset(
        decoder, batch_size, set_size, **{"seed": 3, **arguments}
    )


def take(dataset, count):
    return [tf.nest.map_structure(np.asarray, batch) for batch in itertools.islice(dataset, count)]


@pytest.fixture(scope="module")
def batches(decoder, shared_renderers):
    return take(build(decoder), 3)


@pytest.fixture(scope="module")
def all_bad(decoder, shared_renderers):
    return take(build(decoder, seed=5, bad_frames=(4, 4), num_batches=4), 4)


def test_element(decoder, batches):
    single = next(iter(synthetic_dataset.build_synthetic_dataset(decoder, 1, seed=0)))
    batch = batches[0]
    assert batch.keys() == {*single.keys(), "image_mask", "corruption"}
    for name, value in single.items():
        assert batch[name].shape == (2, 4, *value.shape[1:])
        assert batch[name].dtype == value.numpy().dtype
        assert np.isfinite(batch[name]).all()
    np.testing.assert_array_equal(batch["image_mask"], np.ones((2, 4)))
    assert 0 <= batch["image"].min() and batch["image"].max() <= 1


def test_a_set_is_one_person(decoder, batches):
    groups = decoder.layout.split(batches[0]["coefficients"])
    for name, values in groups.items():
        same = np.abs(values - values[:, :1]).max() == 0
        assert same == (name in ("identity", "texture")), name
    assert np.abs(groups["identity"][0] - groups["identity"][1]).max() > 0.1


def test_elements_agree_with_the_decoder(decoder, batches):
    for name in ("landmarks", "five_points"):
        flat = batches[1]["coefficients"].reshape(8, -1)
        expected = decoder(flat, render=False)[name]
        np.testing.assert_allclose(batches[1][name].reshape(expected.shape), expected, atol=1e-2)


def test_bad_frames_are_as_many_as_requested(decoder, batches):
    for batch in batches:
        assert set((batch["corruption"] > 0).sum(axis=1)) <= {1, 2, 3}
    (clean,) = take(build(decoder, bad_frames=(0, 0)), 1)
    assert (clean["corruption"] == 0).all()


def test_corrupted_poses_are_near_profiles(decoder, all_bad):
    corruption = np.stack([batch["corruption"] for batch in all_bad])
    rotation = [decoder.layout.split(batch["coefficients"])["rotation"] for batch in all_bad]
    yaw = np.abs(np.stack(rotation)[..., 1])
    is_turned = corruption == CORRUPTIONS.index("pose")
    assert is_turned.any() and (corruption > 0).all()
    assert (yaw[is_turned] > np.radians(54)).all() and (yaw[~is_turned] < np.radians(46)).all()


def test_faces_are_framed_whatever_the_corruption(decoder, all_bad):
    for batch in all_bad:
        centre = batch["five_points"].mean(axis=-2) / decoder.camera.image_size
        assert np.abs(centre - 0.5).max() < 0.25


def test_dataset_resumes_at_any_batch(decoder, batches):
    (later,) = take(build(decoder, first_batch=2), 1)
    for name, value in later.items():
        np.testing.assert_array_equal(value, batches[2][name], err_msg=name)


def test_seeds_and_batches_differ(decoder, batches):
    (other,) = take(build(decoder, seed=4), 1)
    for name in ("image", "coefficients"):
        assert np.abs(batches[0][name] - batches[1][name]).max() > 1e-3
        assert np.abs(batches[0][name] - other[name]).max() > 1e-3


def test_pool_and_pixel_step(decoder):
    pooled = build(decoder, first_batch=3, pool_batches=2, num_batches=3, pixel_step=2)
    first, second, third = take(pooled, 9)
    (fresh,) = take(build(decoder, first_batch=1, pixel_step=2), 1)
    for name, value in first.items():
        np.testing.assert_array_equal(value, fresh[name])
        np.testing.assert_array_equal(value, third[name])
    assert np.abs(second["image"] - first["image"]).max() > 0.1
    np.testing.assert_array_equal(first["image"][:, :, ::2, ::2], first["image"][:, :, 1::2, 1::2])


def test_sample_people_views_share_the_person(decoder):
    coefficients = synthetic_set_dataset.sample_views_of_people(
        decoder, 2, 3, tf.constant([1, 2]), FaceDistribution()
    )
    groups = decoder.layout.split(np.reshape(coefficients, (2, 3, -1)))
    assert np.ptp(groups["identity"], axis=1).max() == 0
    assert np.ptp(groups["rotation"], axis=1).min() > 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"set_size": 0}, "`set_size` must be at least 1"),
        ({"bad_frames": (2, 5)}, "`bad_frames` must be two increasing numbers"),
        ({"pixel_step": 3}, "`pixel_step` must divide"),
    ],
)
def test_build_exception_raised(decoder, wrong, message):
    with pytest.raises(ValueError, match=message):
        build(decoder, **wrong)
