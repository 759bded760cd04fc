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


def test_ratio_interval_of_unpaired_samples(rng):
    numerator, denominator = rng.normal(2.0, 0.2, size=300), rng.normal(4.0, 0.4, size=200)
    found = bootstrap.ratio_interval(numerator, denominator, paired=False)
    assert found.value == pytest.approx(numerator.mean() / denominator.mean())
    # Relative standard errors of the two means, 0.1 each, add in squares.
    half = 1.96 * 0.5 * 0.1 * np.sqrt(1 / 300 + 1 / 200)
    np.testing.assert_allclose(
        [found.low, found.high], found.value + np.array([-half, half]), atol=0.003
    )


def test_area_under_curve_interval_is_the_share_of_ordered_combinations(rng):
    # 3 > 2, 3 > 1, 2 = 2, 2 > 1, 0 < 2, 0 < 1: 3.5 of 6.
    assert bootstrap.area_under_curve_interval([3, 2, 0], [2, 1]).value == pytest.approx(3.5 / 6)
    assert bootstrap.area_under_curve_interval([4, 3], [2, 1]) == bootstrap.Interval(1, 1, 1)
    assert bootstrap.area_under_curve_interval([0, 0], [0, 0, 0]).value == 0.5
    positive, negative = rng.normal(1.0, size=400), rng.normal(size=300)
    found = bootstrap.area_under_curve_interval(positive, negative)
    assert found.value == pytest.approx(np.mean(positive[:, None] > negative))
    # Variance of Hanley and McNeil 1982.
    area = found.value
    squares = 399 * (area / (2 - area) - area**2) + 299 * (2 * area**2 / (1 + area) - area**2)
    half = 1.96 * np.sqrt((area * (1 - area) + squares) / (400 * 300))
    np.testing.assert_allclose([found.low, found.high], area + np.array([-half, half]), atol=0.006)


def test_area_under_curve_interval_exception_raised():
    with pytest.raises(ValueError, match="`negative` must"):
        bootstrap.area_under_curve_interval([1.0], [])


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
