import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.datasets import identity_dataset

SEED = tf.constant([4, 2], tf.int64)


@pytest.fixture(scope="module")
def renderer() -> identity_dataset.PersonRenderer:
    return identity_dataset.PersonRenderer(toy_face.build_toy_face_model(), image_size=112)


def test_sample_views_share_the_person_and_nothing_else(renderer):
    coefficients = renderer.sample_views(3, 2, SEED)
    for name, group in renderer.decoder.layout.split(coefficients).items():
        first, second = group.numpy()[::2], group.numpy()[1::2]
        if name in ("identity", "texture"):
            np.testing.assert_array_equal(first, second)
        else:
            assert np.abs(first - second).max(axis=-1).min() > 1e-3, name
        assert np.abs(first[0] - first[1]).max() > 1e-3, name


def test_sample_views_are_framed_like_aligned_photographs(renderer):
    """Eyes, nose and mouth lie about the middle of the crop."""
    coefficients = renderer.sample_views(8, 2, SEED)
    points = renderer.decoder(coefficients, render=False)["five_points"].numpy()
    assert np.abs(points.mean(axis=(0, 1)) - 112).max() < 15


def test_small_image_is_the_large_one_at_half_size(renderer):
    coefficients = renderer.sample_views(2, 2, SEED)
    large = renderer.decoder(coefficients)["image"].numpy()
    small = renderer.small_decoder(coefficients)["image"].numpy()
    halved = large.reshape(4, 112, 2, 112, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - halved).mean() < 0.01


def test_build_identity_dataset_depends_on_seed_and_index_only(renderer):
    def batches(**arguments):
        dataset = identity_dataset.build_identity_dataset(renderer, 2, 2, **arguments)
        return [images.numpy() for images, _ in dataset]

    first, second = batches(seed=1, num_batches=2)
    np.testing.assert_array_equal(batches(seed=1, first_batch=1, num_batches=1)[0], second)
    assert np.abs(first - second).max() > 0.1
    assert np.abs(batches(seed=2, num_batches=1)[0] - first).max() > 0.1
    assert first.shape == (4, 112, 112, 3) and first.min() >= 0 and first.max() <= 1


def test_build_identity_dataset_labels_the_people(renderer):
    dataset = identity_dataset.build_identity_dataset(renderer, 3, 2, seed=0, num_batches=1)
    _, truth = next(iter(dataset))
    assert truth["people"].numpy().tolist() == [0, 0, 1, 1, 2, 2]
    traits = truth["traits"].numpy()
    assert traits.shape == (6, 6 + 5)  # identity and texture modes of the toy face
    np.testing.assert_array_equal(traits[::2], traits[1::2])


def test_squared_traits_are_fractions_of_the_variance(renderer):
    """One error of every mode's standard deviation is all of the shape and all of the albedo."""
    layout, model = renderer.decoder.layout, renderer.decoder.face_model
    ones = renderer.traits(tf.ones((1, layout.total))).numpy()[0]
    sizes = layout.sizes
    np.testing.assert_allclose(np.sum(ones[: sizes["identity"]] ** 2), 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.sum(ones[sizes["identity"] :] ** 2), 1.0, rtol=1e-5)
    power = (model.identity_basis[..., 0] ** 2).sum() / (model.identity_basis**2).sum()
    np.testing.assert_allclose(ones[0] ** 2, power, rtol=1e-4)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_people": 1}, "must be at least 2"),
        ({"num_views": 1}, "must be at least 2"),
        ({"first_batch": -1}, "`first_batch` must not be negative"),
    ],
)
def test_build_identity_dataset_exception_raised(renderer, arguments, message):
    arguments = {"num_people": 2, "num_views": 2, "seed": 0, **arguments}
    with pytest.raises(ValueError, match=message):
        identity_dataset.build_identity_dataset(renderer, **arguments)
