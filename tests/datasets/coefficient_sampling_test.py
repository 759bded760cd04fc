import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.morphable_models.made_up_models import made_up_model
from tests.toy_face import build_toy_face_model
from tf_facerecon.datasets import coefficient_sampling
from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.photos import face_alignment

SEED = tf.constant([1, 2])


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder("procedural-4000")


def test_sampled_faces_are_framed_as_the_aligner_frames_photographs(decoder):
    calm = FaceDistribution(point_noise=0.0)
    coefficients = coefficient_sampling.sample_coefficients(decoder, 8, SEED, calm)
    for points in decoder(coefficients, render=False)["five_points"].numpy():
        transform = face_alignment.fit_crop_transform(points, 224, 224)
        assert transform.scale == pytest.approx(1, abs=2e-3)
        assert (transform.left, transform.top) == pytest.approx((0, 0), abs=1)


def test_point_noise_moves_the_frame(decoder):
    noisy = FaceDistribution(point_noise=4.0)
    calm = FaceDistribution(point_noise=0.0)
    first, second = (
        decoder.layout.split(coefficient_sampling.sample_coefficients(decoder, 32, SEED, d).numpy())
        for d in (calm, noisy)
    )
    moved = np.abs(first["translation"] - second["translation"]).mean()
    assert 0.005 < moved < 0.5
    np.testing.assert_array_equal(first["identity"], second["identity"])


def test_distributions_have_the_stated_widths():
    wide = FaceDistribution(max_yaw=40.0, pitch=10.0, roll=5.0)
    angles = np.degrees(coefficient_sampling.sample_rotation(4000, SEED, wide).numpy())
    assert np.abs(angles[:, 1]).max() <= 40
    np.testing.assert_allclose(angles[:, 0].std(), 10, rtol=0.05)
    np.testing.assert_allclose(angles[:, 2].std(), 5, rtol=0.05)
    assert np.abs(angles.mean(axis=0)).max() < 1


def test_stated_share_smiles_and_the_others_stay_as_they_were(decoder):
    calm, smiling = FaceDistribution(), FaceDistribution(smiling=0.4)
    before, after = (
        coefficient_sampling.sample_groups(decoder, 400, SEED, d) for d in (calm, smiling)
    )
    for name in ("identity", "texture", "rotation", "lighting"):
        np.testing.assert_array_equal(before[name], after[name])
    change = (after["expression"] - before["expression"]).numpy()
    assert np.abs(change).max(axis=1).astype(bool).mean() == pytest.approx(0.4, abs=0.07)
    basis = decoder.face_model.expression_basis[decoder.face_model.landmarks]
    widening = 100 * change @ (basis[54, 0] - basis[48, 0])  # Of the mouth, mm.
    assert widening.max() == pytest.approx(22, abs=5)
    assert widening.min() > -2


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_distribution_exception_raised(share):
    with pytest.raises(ValueError, match="`smiling` must lie in"):
        FaceDistribution(smiling=share)


def test_smiles_stay_in_the_range_of_their_modes():
    model = made_up_model()
    ranges = np.tile(np.float32([0.0, 1.0]), (model.expression_basis.shape[-1], 1))
    bounded = dataclasses.replace(model, expression_range=ranges)
    start = tf.fill((64, len(ranges)), 0.5)
    smiling = FaceDistribution(smiling=1.0)
    drawn = coefficient_sampling.add_smiles(bounded, start, SEED, smiling).numpy()
    assert drawn.min() >= 0 and drawn.max() <= 1
    assert np.abs(drawn - 0.5).max() > 0.01


@pytest.mark.parametrize("width", [9, 27])
def test_lighting_is_white_but_for_its_tint(width):
    untinted = FaceDistribution(tint=0.0)
    light = coefficient_sampling.sample_lighting(500, width, SEED, untinted).numpy()
    assert light.shape == (500, width)
    bands = light.reshape(500, -1, 9)
    np.testing.assert_allclose(bands, bands[:, :1].repeat(width // 9, axis=1), atol=1e-5)
    assert abs(bands[..., 0].mean()) < 0.05


def test_sample_expression_without_ranges_is_normal_as_in_training(decoder):
    """The dataset that networks were trained on, number for number."""
    shares = tf.constant([[0.25], [1.0]])
    drawn = coefficient_sampling.sample_expression(
        decoder.face_model, shares, SEED, FaceDistribution(expression=0.5)
    )
    expected = 0.5 * shares * tf.random.stateless_normal((2, 64), SEED)
    np.testing.assert_array_equal(drawn, expected)


def test_sample_expression_stays_in_range():
    ranges = np.tile([[0.0, 1.0], [-0.5, 0.25]], (32, 1))
    requires = np.full(64, -1)
    requires[7] = 20
    model = made_up_model(expression_range=ranges, expression_requires=requires)
    shares = tf.constant(np.linspace(0, 1, 5000)[:, None], tf.float32)
    drawn = coefficient_sampling.sample_expression(model, shares, SEED, FaceDistribution()).numpy()
    assert (drawn >= ranges[:, 0]).all() and (drawn <= ranges[:, 1]).all()
    assert (drawn[:, 7] <= drawn[:, 20]).all() and (drawn[:, 7] > 0).any()
    assert not drawn[0].any()
    free = np.delete(drawn, 7, axis=1)
    # Uniform in the range where a mode moves; 6 % of the modes do on the average, at most 12 %.
    np.testing.assert_allclose((free != 0).mean(), 0.06, atol=0.005)
    np.testing.assert_allclose((free[-1000:] != 0).mean(), 0.108, atol=0.01)
    first, second = drawn[:, 0], drawn[:, 1]
    np.testing.assert_allclose(first[first != 0].mean(), 0.5, atol=0.05)
    np.testing.assert_allclose(second[second != 0].mean(), -0.125, atol=0.05)
    wild = FaceDistribution(expression=3.0)
    drawn = coefficient_sampling.sample_expression(model, shares, SEED, wild).numpy()
    assert (drawn >= ranges[:, 0]).all() and (drawn <= ranges[:, 1]).all()


def test_bounded_faces_are_sampled_in_their_range():
    model = build_toy_face_model()
    ranges = np.tile([0.0, 1.0], (4, 1))
    bounded = FaceDecoder(dataclasses.replace(model, expression_range=ranges))
    coefficients = coefficient_sampling.sample_coefficients(bounded, 16, SEED, FaceDistribution())
    expression = bounded.layout.split(coefficients.numpy())["expression"]
    assert expression.min() == 0 and 0 < expression.max() <= 1
