import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.data import face_sampling
from tf_facerecon.data.face_sampling import FaceDistribution
from tf_facerecon.decoding.face_decoder import FaceDecoder
from tf_facerecon.photos import face_alignment

SEED = tf.constant([1, 2])


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder("procedural-4000")


def test_sampled_faces_are_framed_as_the_aligner_frames_photographs(decoder):
    calm = FaceDistribution(point_noise=0.0)
    coefficients = face_sampling.sample_coefficients(decoder, 8, SEED, calm)
    for points in decoder(coefficients, render=False)["five_points"].numpy():
        transform = face_alignment.fit_crop_transform(points, 224, 224)
        assert transform.scale == pytest.approx(1, abs=2e-3)
        assert (transform.left, transform.top) == pytest.approx((0, 0), abs=1)


def test_point_noise_moves_the_frame(decoder):
    noisy = FaceDistribution(point_noise=4.0)
    calm = FaceDistribution(point_noise=0.0)
    first, second = (
        decoder.layout.split(face_sampling.sample_coefficients(decoder, 32, SEED, d).numpy())
        for d in (calm, noisy)
    )
    moved = np.abs(first["translation"] - second["translation"]).mean()
    assert 0.005 < moved < 0.5
    np.testing.assert_array_equal(first["identity"], second["identity"])


def test_distributions_have_the_stated_widths():
    wide = FaceDistribution(max_yaw=40.0, pitch=10.0, roll=5.0)
    angles = np.degrees(face_sampling.sample_rotation(4000, SEED, wide).numpy())
    assert np.abs(angles[:, 1]).max() <= 40
    np.testing.assert_allclose(angles[:, 0].std(), 10, rtol=0.05)
    np.testing.assert_allclose(angles[:, 2].std(), 5, rtol=0.05)
    assert np.abs(angles.mean(axis=0)).max() < 1


@pytest.mark.parametrize("width", [9, 27])
def test_lighting_is_white_but_for_its_tint(width):
    untinted = FaceDistribution(tint=0.0)
    light = face_sampling.sample_lighting(500, width, SEED, untinted).numpy()
    assert light.shape == (500, width)
    bands = light.reshape(500, -1, 9)
    np.testing.assert_allclose(bands, bands[:, :1].repeat(width // 9, axis=1), atol=1e-5)
    assert abs(bands[..., 0].mean()) < 0.05
