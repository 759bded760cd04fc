import numpy as np
import pytest

from tf_facerecon.morphable_models import half_precision


def test_to_half_preset():
    basis = np.array([3.0, -0.75, 0.1, 0.0]).reshape(4, 1, 1) * [[[1.0, 2.0**-60, 0.0]]]
    basis = basis.astype(np.float32)
    half, scale = half_precision.to_half(basis)
    assert half.dtype == np.float16 and scale.dtype == np.float32
    # 3 = 0.75 * 2^2, and comes to lie between 2^14 and 2^15.
    np.testing.assert_array_equal(scale[:2], [2.0**-13, 2.0**-73])
    np.testing.assert_array_equal(half[:, 0, 0], half[:, 0, 1])
    np.testing.assert_array_equal(half[:2, 0, 0], [3 * 2.0**13, -0.75 * 2.0**13])
    restored = half_precision.from_half(half, scale)
    np.testing.assert_array_equal(restored[[0, 1, 3]], basis[[0, 1, 3]])
    np.testing.assert_allclose(restored, basis, rtol=2**-11)


def test_to_half_keeps_eleven_bits_random(rng):
    basis = (rng.normal(size=(50, 3, 7)) * 10.0 ** rng.uniform(-8, 3, 7)).astype(np.float32)
    basis *= 2.0 ** -rng.integers(0, 20, basis.shape)
    restored = half_precision.from_half(*half_precision.to_half(basis))
    np.testing.assert_allclose(restored, basis, rtol=2**-11)


def test_error_mm_preset():
    # One third in eleven bits is off by 2^-13 / 3 (relative 2^-13 ... ): computed by hand below.
    third = np.float32(1 / 3)
    off = abs(np.float64(np.float16(third * 2**16 / 2)) / 2**15 - np.float64(third))
    basis = np.zeros((2, 3, 1), np.float32)
    basis[1, 0] = third
    fields = {"identity_basis": basis, "expression_basis": basis}
    assert half_precision.error_mm(fields) == pytest.approx(2 * 3.0 * 100.0 * off)
    assert half_precision.error_mm(fields, 1.0) == pytest.approx(2 * 100.0 * off)
