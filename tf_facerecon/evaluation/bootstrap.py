"""Confidence intervals of means, ratios and ROC areas, by SciPy's percentile bootstrap.

Source: Efron and Tibshirani 1993, Section 13.
"""

import dataclasses

import numpy as np

from tf_facerecon.core import checks

NUM_RESAMPLES = 4000
CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate with its 95 per cent confidence interval.

    Attributes:
        value: The estimate.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def mean_interval(values: np.ndarray, seed: int = 0) -> Interval:
    """Mean of one value per person, with its confidence interval.

    Args:
        values: `[P]`.
        seed: Of the resampling: the same values and seed give the same interval.

    Raises:
        ValueError: If the shape differs, the array is empty, or a value is not finite.
    """
    values = _checked("values", values, (None,))
    return _bootstrap(np.mean, (values,), seed)


def ratio_interval(
    numerator: np.ndarray, denominator: np.ndarray, seed: int = 0, *, paired: bool = True
) -> Interval:
    """Ratio of two means, with its confidence interval.

    Over the same people, these are resampled in pairs: a difficult person has large errors in both,
    so that the ratio is known more precisely than either mean.

    Args:
        numerator: `[P]`.
        denominator: `[P]`, positive; `[Q]` unless `paired`.
        seed: Of the resampling.
        paired: Whether both are of the same people; otherwise each is resampled for itself.

    Raises:
        ValueError: If a shape differs, an array is empty, a value is not finite or a denominator is
            not positive.
    """
    numerator = _checked("numerator", numerator, (None,))
    expected = numerator.shape if paired else (None,)
    denominator = _checked("denominator", denominator, expected)
    if not (denominator > 0).all():
        raise ValueError(f"`denominator` must be positive. Received: {denominator.min()}.")
    return _bootstrap(_ratio_of_means, (numerator, denominator), seed, paired=paired)


def area_under_curve_interval(
    positive: np.ndarray, negative: np.ndarray, seed: int = 0
) -> Interval:
    """Area under the ROC curve, with its confidence interval.

    The share of all combinations in which the positive has the higher score; ties count one half.

    Args:
        positive: `[P]`, scores that should be high.
        negative: `[Q]`, scores that should be low.
        seed: Of the resampling, of each for itself.

    Raises:
        ValueError: If an array is not one-dimensional or empty, or a value is not finite.
    """
    positive = _checked("positive", positive, (None,))
    negative = _checked("negative", negative, (None,))
    return _bootstrap(_area_under_curve, (positive, negative), seed, paired=False)


def _checked(name, values, expected):
    values = np.asarray(values, np.float64)
    checks.check_shape(name, values, expected)
    if not values.size or not np.isfinite(values).all():
        raise ValueError(
            f"`{name}` must hold at least one number, all finite. Received: {values.size} numbers, "
            f"{np.sum(~np.isfinite(values))} not finite."
        )
    return values


def _ratio_of_means(numerator, denominator, axis=-1):
    return np.mean(numerator, axis=axis) / np.mean(denominator, axis=axis)


def _area_under_curve(positive, negative, axis=-1):
    """By the rank sum of Mann and Whitney, along the last axis."""
    from scipy import stats

    count, others = positive.shape[axis], negative.shape[axis]
    ranks = stats.rankdata(np.concatenate([positive, negative], axis=axis), axis=axis)
    rank_sum = np.sum(ranks[..., :count], axis=axis)
    return (rank_sum - count * (count + 1) / 2) / (count * others)


def _bootstrap(statistic, samples, seed, paired=True) -> Interval:
    """`statistic` of `samples` `[P]` with its percentile interval."""
    from scipy import stats

    value = float(statistic(*samples, axis=-1))
    if min(map(len, samples)) == 1:  # A single person cannot be resampled, which SciPy refuses.
        return Interval(value, value, value)
    interval = stats.bootstrap(
        samples,
        statistic,
        n_resamples=NUM_RESAMPLES,
        paired=paired,
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(value, float(interval.low), float(interval.high))
