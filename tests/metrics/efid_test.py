import numpy as np
import pytest
from scipy import linalg

from tf_facerecon.metrics import efid


def test_efid_against_the_definition(rng):
    mixing = rng.normal(size=(64, 64)) / 8
    real, generated = rng.normal(size=(300, 64)) @ mixing, rng.normal(0.2, 1.5, size=(200, 64))
    c_1, c_2 = np.cov(generated, rowvar=False), np.cov(real, rowvar=False)
    difference = generated.mean(axis=0) - real.mean(axis=0)
    expected = difference @ difference + np.trace(c_1 + c_2 - 2 * linalg.sqrtm(c_1 @ c_2).real)
    found = efid.expression_frechet_distance(generated, real)
    assert found == pytest.approx(expected, rel=1e-8)
    assert efid.expression_frechet_distance(real, generated) == pytest.approx(found, rel=1e-9)


def test_efid_of_one_coefficient_in_closed_form():
    """Of normal distributions on a line: squared differences of means and deviations."""
    first = np.array([[-1.0], [1.0]])  # Mean 0, unbiased variance 2.
    second = np.array([[1.0], [5.0]])  # Mean 3, unbiased variance 8.
    found = efid.frechet_distance(first, second)
    assert found == pytest.approx(9 + (np.sqrt(8) - np.sqrt(2)) ** 2)


def test_efid_of_equal_sets_is_zero_even_with_few_frames(rng):
    few = rng.normal(size=(5, 64))  # A singular covariance.
    assert efid.expression_frechet_distance(few, few[::-1]) == pytest.approx(0.0, abs=1e-10)
    assert efid.expression_frechet_distance(few, few + 0.5) == pytest.approx(16.0)


def test_efid_takes_the_expression_of_whole_vectors(rng):
    whole = rng.normal(size=(2, 40, 257))
    expected = efid.expression_frechet_distance(*whole[..., 80:144])
    assert efid.expression_frechet_distance(*whole) == pytest.approx(expected)
    focal = np.concatenate([whole, np.full((2, 40, 1), 7.0)], axis=-1)
    assert efid.expression_frechet_distance(focal[0], whole[1]) == pytest.approx(expected)


@pytest.mark.parametrize(
    "generated, message",
    [
        (np.zeros((1, 64)), "`generated` must hold finite coefficients of at least two frames"),
        (np.full((3, 64), np.nan), "`generated` must hold finite"),
        (np.zeros(64), "`generated` must have shape"),
        (np.zeros((3, 63)), "equally many expression coefficients. Received: 63 and 64"),
    ],
)
def test_efid_exception_raised(generated, message):
    with pytest.raises(ValueError, match=message):
        efid.expression_frechet_distance(generated, np.zeros((3, 64)))
