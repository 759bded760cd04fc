"""Shares against values computed by hand; their sum is always 1."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tf_facerecon.results import confidence_shares


def test_coefficient_shares_preset():
    confidence = [[1.0, 0.0, 2.0], [3.0, 0.0, 2.0], [np.nan, 5.0, 7.0]]
    shares = confidence_shares.coefficient_shares(confidence, [True, True, False])
    # The third photo is a duplicate; all confidences of the second coefficient are zero.
    np.testing.assert_allclose(shares, [[0.25, 0.5, 0.5], [0.75, 0.5, 0.5], [0, 0, 0]])


def test_vertex_shares_preset():
    basis = np.zeros((4, 3, 2))
    basis[0, :, 0] = [3.0, 0.0, 4.0]  # Moved by the first coefficient alone.
    basis[1, 1, 1] = 2.0  # By the second alone.
    basis[2, 0, :] = [1.0, 3.0]  # Variance 1 against 9.
    shares = np.array([[1.0, 0.0], [0.0, 1.0]])
    expected = [[1.0, 0.0, 0.1, 0.5], [0.0, 1.0, 0.9, 0.5]]
    np.testing.assert_allclose(confidence_shares.vertex_shares(shares, basis), expected)


def test_region_shares_preset():
    vertex_share = np.stack([np.arange(68) >= 48, np.arange(68) < 48]).astype(float)
    regions = confidence_shares.region_shares(vertex_share, np.arange(68))
    assert {name: values.tolist() for name, values in regions.items()} == {
        "jaw": [0, 1],
        "brows": [0, 1],
        "nose": [0, 1],
        "eyes": [0, 1],
        "mouth": [1, 0],
    }


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(-300, 300))
def test_shares_add_up_to_one_random(seed, count, exponent):
    rng = np.random.default_rng(seed)
    confidence = 10.0**exponent * rng.exponential(size=(count, 5))
    counted = rng.random(count) < 0.7
    counted[0] = True
    shares = confidence_shares.coefficient_shares(confidence, counted)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)
    np.testing.assert_array_equal(shares[~counted], 0.0)
    on_face = confidence_shares.vertex_shares(shares, rng.normal(size=(11, 3, 5)))
    np.testing.assert_allclose(on_face.sum(axis=0), 1.0)
    assert on_face.min() >= 0.0


def test_exception_raised():
    with pytest.raises(ValueError, match="`counted` must be true for at least one"):
        confidence_shares.coefficient_shares(np.ones((2, 3)), [False, False])
    with pytest.raises(ValueError, match="`confidence` must be finite and not negative"):
        confidence_shares.coefficient_shares([[1.0, -1.0]], [True])
    with pytest.raises(ValueError, match="`counted` must have shape"):
        confidence_shares.coefficient_shares(np.ones((2, 3)), [True])
    with pytest.raises(ValueError, match="`identity_basis` must have shape"):
        confidence_shares.vertex_shares(np.ones((2, 3)), np.ones((7, 3, 4)))
    with pytest.raises(ValueError, match="`landmarks` must have shape"):
        confidence_shares.region_shares(np.ones((2, 9)), np.arange(9))


def test_is_uniform_preset():
    assert confidence_shares.is_uniform(np.array([0.5, 0.0, 0.5001]))  # A duplicate does not count.
    assert not confidence_shares.is_uniform(np.array([0.5, 0.4, 0.1]))
    assert not confidence_shares.is_uniform(np.array([1.0]))
