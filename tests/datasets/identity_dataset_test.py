import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.datasets import identity_dataset

SEED = tf.constant([4, 2], tf.int64)


@pytest.fixture(scope="module")
def painter() -> identity_dataset.PersonRenderer:
    return identity_dataset.PersonRenderer(toy_face.build_toy_face_model(), image_size=112)


def test_sample_views_share_the_person_and_nothing_else(painter):
    coefficients = painter.sample_views(3, 2, SEED)
    for name, group in painter.decoder.layout.split(coefficients).items():
        first, second = group.numpy()[::2], group.numpy()[1::2]
        if name in ("identity", "texture"):
            np.testing.assert_array_equal(first, second)
        else:
            assert np.abs(first - second).max(axis=-1).min() > 1e-3, name
        assert np.abs(first[0] - first[1]).max() > 1e-3, name


def test_sample_views_are_framed_like_aligned_photographs(painter):
    """Eyes, nose and mouth lie about the middle of the crop."""
    coefficients = painter.sample_views(8, 2, SEED)
    points = painter.decoder(coefficients, render=False)["five_points"].numpy()
    assert np.abs(points.mean(axis=(0, 1)) - 112).max() < 15


def test_small_picture_is_the_large_one_at_half_size(painter):
    coefficients = painter.sample_views(2, 2, SEED)
    large = painter.decoder(coefficients)["image"].numpy()
    small = painter.small_decoder(coefficients)["image"].numpy()
    halved = large.reshape(4, 112, 2, 112, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - halved).mean() < 0.01


def test_soften_preset():
    images = np.zeros((1, 9, 9, 1), np.float32)
    images[0, 4, 4] = 256.0
    row = np.array([0, 0, 1, 4, 6, 4, 1, 0, 0])
    softened = identity_dataset.soften(tf.constant(images))
    np.testing.assert_allclose(softened[0, :, :, 0], np.outer(row, row))
    np.testing.assert_allclose(
        identity_dataset.soften(tf.ones((1, 5, 6, 3))), np.ones((1, 5, 6, 3))
    )


def test_covering_ellipse_covers_some_faces_a_little():
    covered = identity_dataset.covering_ellipse(200, 64, SEED).numpy()
    assert covered.shape == (200, 64, 64)
    assert covered.min() == 0.0 and covered.max() == 1.0
    assert 0.2 < (covered.max(axis=(1, 2)) > 0).mean() < 0.4
    assert covered.mean(axis=(1, 2)).max() < 0.2


def test_build_people_dataset_depends_on_seed_and_number_only(painter):
    def batches(**arguments):
        dataset = identity_dataset.build_identity_dataset(painter, 2, 2, **arguments)
        return [images.numpy() for images, _ in dataset]

    first, second = batches(seed=1, num_batches=2)
    np.testing.assert_array_equal(batches(seed=1, first_batch=1, num_batches=1)[0], second)
    assert np.abs(first - second).max() > 0.1
    assert np.abs(batches(seed=2, num_batches=1)[0] - first).max() > 0.1
    assert first.shape == (4, 112, 112, 3) and first.min() >= 0 and first.max() <= 1


def test_build_people_dataset_says_who_is_who(painter):
    dataset = identity_dataset.build_identity_dataset(painter, 3, 2, seed=0, num_batches=1)
    _, truth = next(iter(dataset))
    assert truth["people"].numpy().tolist() == [0, 0, 1, 1, 2, 2]
    traits = truth["traits"].numpy()
    assert traits.shape == (6, 6 + 5)  # identity and texture modes of the toy face
    np.testing.assert_array_equal(traits[::2], traits[1::2])


def test_traits_square_to_the_share_of_what_is_seen(painter):
    """One error of every mode's standard deviation is all of the shape and all of the albedo."""
    layout, model = painter.decoder.layout, painter.decoder.face_model
    ones = painter.traits(tf.ones((1, layout.total))).numpy()[0]
    sizes = layout.sizes
    np.testing.assert_allclose(np.sum(ones[: sizes["identity"]] ** 2), 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.sum(ones[sizes["identity"] :] ** 2), 1.0, rtol=1e-5)
    power = (model.identity_basis[..., 0] ** 2).sum() / (model.identity_basis**2).sum()
    np.testing.assert_allclose(ones[0] ** 2, power, rtol=1e-4)


def test_photograph_keeps_grey_and_range():
    images = tf.fill((50, 16, 16, 3), 0.5)
    photos = identity_dataset.photograph(images, SEED).numpy()
    assert photos.min() >= 0 and photos.max() <= 1
    inner = photos[:, 2:-2, 2:-2].mean(axis=(1, 2, 3))
    assert inner.min() > 0.5 * 0.84 and inner.max() < 0.5 * 1.16 and np.ptp(inner) > 0.1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_people": 1}, "must be at least 2"),
        ({"num_views": 1}, "must be at least 2"),
        ({"first_batch": -1}, "`first_batch` must not be negative"),
    ],
)
def test_build_people_dataset_exception_raised(painter, arguments, message):
    arguments = {"num_people": 2, "num_views": 2, "seed": 0, **arguments}
    with pytest.raises(ValueError, match=message):
        identity_dataset.build_identity_dataset(painter, **arguments)
