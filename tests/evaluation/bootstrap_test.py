"""Confidence intervals: of known normal means, of ratios, reproducible."""

import numpy as np
import pytest

from tf_facerecon.evaluation import bootstrap


def test_mean_interval_of_equal_values():
    assert bootstrap.mean_interval([3.0, 3.0, 3.0]) == bootstrap.Interval(3.0, 3.0, 3.0)


def test_mean_interval_of_normal_values(rng):
    values = rng.normal(5.0, 2.0, size=400)
    found = bootstrap.mean_interval(values)
    assert found.value == pytest.approx(values.mean())
    # 1.96 standard errors to either side.
    half = 1.96 * values.std() / 20
    np.testing.assert_allclose([found.low, found.high], values.mean() + [-half, half], atol=0.04)
    assert bootstrap.mean_interval(values) == found
    assert bootstrap.mean_interval(values, seed=1) != found


def test_ratio_interval_resamples_people_in_pairs(rng):
    hard = rng.uniform(1.0, 9.0, size=50)
    found = bootstrap.ratio_interval(0.5 * hard, hard)
    np.testing.assert_allclose([found.value, found.low, found.high], 0.5)


def test_interval_of_one_person_is_its_value():
    assert bootstrap.mean_interval([3.0]) == bootstrap.Interval(3.0, 3.0, 3.0)


@pytest.mark.parametrize("bad", [[], [np.nan, 1.0], [[1.0]]])
def test_mean_interval_exception_raised(bad):
    with pytest.raises(ValueError, match="`values` must"):
        bootstrap.mean_interval(bad)


def test_ratio_interval_exception_raised():
    with pytest.raises(ValueError, match="`denominator` must have shape"):
        bootstrap.ratio_interval([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="`denominator` must be positive"):
        bootstrap.ratio_interval([1.0, 2.0], [1.0, 0.0])
