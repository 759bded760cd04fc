import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.lighting import spherical_harmonics

# Recorded from the reference implementation.
REFERENCE_NORMAL = np.array([0.36, 0.48, 0.8])
REFERENCE_BANDS = np.array(
    [
        *(0.88622693, -0.85077785, 1.41796308, -0.63808339, 0.41939120),
        *(-0.93198044, 0.64457399, -0.69898533, -0.12232243),
    ]
)


def test_basis_preset():
    bands = spherical_harmonics.basis(REFERENCE_NORMAL)
    np.testing.assert_allclose(bands, REFERENCE_BANDS, atol=5e-9)


@pytest.mark.parametrize(
    ("normal", "band", "value"),
    [
        ([0.0, 0.0, 1.0], 0, 0.8862269254527579),
        ([0.0, 1.0, 0.0], 1, -1.772453850905516),
        ([0.0, 0.0, 1.0], 2, 1.772453850905516),
        ([1.0, 0.0, 0.0], 3, -1.772453850905516),
        ([0.6, 0.8, 0.0], 4, 2.4270323906946243 * 0.48),
        ([0.0, 0.6, 0.8], 5, -2.4270323906946243 * 0.48),
        ([0.0, 0.0, 1.0], 6, 2 * 0.7006239020497412),
        ([0.6, 0.0, 0.8], 7, -2.4270323906946243 * 0.48),
        ([1.0, 0.0, 0.0], 8, 1.2135161953473121),
        ([0.0, 1.0, 0.0], 8, -1.2135161953473121),
    ],
)
def test_basis_of_each_band_preset(normal, band, value):
    bands = spherical_harmonics.basis(np.array(normal))
    assert bands[band].numpy() == pytest.approx(value, rel=1e-14)


def test_band_values_are_the_columns_of_the_basis(rng):
    normals = rng.normal(size=(2, 4, 3))
    values = spherical_harmonics.band_values(normals)
    assert [tuple(value.shape) for value in values] == [(2, 4, 1)] * 9
    np.testing.assert_array_equal(tf.concat(values, -1), spherical_harmonics.basis(normals))


def test_basis_is_orthogonal_over_the_sphere():
    # Exact quadrature: Gauss-Legendre along z, even steps around it.
    z, weights = np.polynomial.legendre.leggauss(8)
    turn = 2 * np.pi * np.arange(16) / 16
    radius = np.sqrt(1 - z**2)[:, None]
    normals = np.stack(
        [radius * np.cos(turn), radius * np.sin(turn), np.repeat(z[:, None], 16, axis=1)], axis=-1
    )
    bands = spherical_harmonics.basis(normals).numpy()
    products = np.einsum("i,ijb,ijc->bc", weights * 2 * np.pi / 16, bands, bands)
    factors = np.array([np.pi, 2 * np.pi / np.sqrt(3), 2 * np.pi / np.sqrt(8)])
    expected = np.diag(np.repeat(factors**2, [1, 3, 5]))
    np.testing.assert_allclose(products, expected, atol=1e-12)


def test_basis_follows_dtype_and_leading_axes():
    bands = spherical_harmonics.basis(tf.zeros([2, 5, 3], tf.float32))
    assert (bands.shape, bands.dtype) == ((2, 5, 9), tf.float32)


def test_basis_exception_raised():
    with pytest.raises(ValueError, match="`normals` must have shape"):
        spherical_harmonics.basis(tf.zeros([5, 2]))


def test_basis_jacobian(rng):
    jacobian.assert_jacobian_correct(spherical_harmonics.basis, rng.normal(size=(2, 2, 3)))
