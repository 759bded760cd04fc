import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.lighting import lambertian_shading, spherical_harmonics


@pytest.fixture
def surface(rng):
    normals = rng.normal(size=(2, 5, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return rng.uniform(0, 1, (2, 5, 3)), normals


def test_shade_preset():
    # Recorded from the reference implementation.
    lighting = np.arange(27)[None] / 100
    colours = lambertian_shading.shade(
        np.ones([1, 1, 3]), np.array([[[0.36, 0.48, 0.8]]]), lighting
    )
    np.testing.assert_allclose(colours, [[[0.65982682, 0.67116734, 0.68250786]]], atol=5e-9)


@pytest.mark.parametrize("width", [9, 27])
def test_shade_without_light_is_ambient(surface, width):
    albedo, normals = surface
    colours = lambertian_shading.shade(albedo, normals, np.zeros([2, width]))
    np.testing.assert_allclose(colours, 0.70898154 * albedo, rtol=1e-8)


def test_shade_random(rng, surface):
    albedo, normals = surface
    lighting = rng.normal(size=(2, 27))
    bands = lighting.reshape(2, 3, 9) + spherical_harmonics.AMBIENT * np.eye(9)[0]
    basis = spherical_harmonics.basis(normals).numpy()
    expected = albedo * np.einsum("bvk,bck->bvc", basis, bands)
    np.testing.assert_allclose(lambertian_shading.shade(albedo, normals, lighting), expected)
    assert expected.min() < 0  # Dark sides go below 0: nothing is clamped.


def test_shade_of_white_light_is_that_of_three_equal_colours(rng, surface):
    white = rng.normal(size=(2, 9))
    np.testing.assert_allclose(
        lambertian_shading.shade(*surface, white),
        lambertian_shading.shade(*surface, np.tile(white, 3)),
    )


@pytest.mark.parametrize("width", [9, 27])
def test_shade_traces_with_unknown_batch(width):
    spec = [tf.TensorSpec([None, 4, 3])] * 2 + [tf.TensorSpec([None, width])]
    traced = tf.function(lambertian_shading.shade, input_signature=spec)
    assert traced(tf.ones([2, 4, 3]), tf.ones([2, 4, 3]), tf.ones([2, width])).shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("albedo", "normals", "lighting", "message"),
    [
        ((2, 5, 4), (2, 5, 3), (2, 27), "`albedo` must have shape"),
        ((2, 5, 3), (2, 5, 2), (2, 27), "`normals` must have shape"),
        ((2, 5, 3), (2, 5, 3), (2, 10), r"must be 9 \(white light\) or 27 \(RGB light\)"),
    ],
)
def test_shade_exception_raised(albedo, normals, lighting, message):
    with pytest.raises(ValueError, match=message):
        lambertian_shading.shade(tf.zeros(albedo), tf.zeros(normals), tf.zeros(lighting))


@pytest.mark.parametrize("width", [9, 27])
def test_shade_jacobian(rng, surface, width):
    albedo, normals = surface[0][:, :2], surface[1][:, :2]
    jacobian.assert_jacobian_correct(
        lambertian_shading.shade, albedo, normals, rng.normal(size=(2, width))
    )
