"""How sure a mean over people is: percentile bootstrap (Efron and Tibshirani 1993, Section 13)."""

import dataclasses

import numpy as np

from tf_facerecon.core import checks

NUM_RESAMPLES = 4000
CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Interval:
    """A number with its 95 per cent confidence interval.

    Attributes:
        value: The estimate.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def mean_interval(values: np.ndarray, seed: int = 0) -> Interval:
    """Mean of one number per person.

    Args:
        values: `[P]`.
        seed: Of the resampling: the same values give the same interval.

    Raises:
        ValueError: If the shape differs, there is nobody, or a value is not finite.
    """
    values = _checked("values", values, (None,))
    return _interval(values.mean(), _resampled_means(values[:, np.newaxis], seed)[:, 0])


def ratio_interval(numerator: np.ndarray, denominator: np.ndarray, seed: int = 0) -> Interval:
    """Ratio of two means over the same people, who are drawn in pairs.

    What makes a person hard makes both numbers large, so that the ratio is surer than the means.

    Args:
        numerator: `[P]`.
        denominator: `[P]`, its mean positive in every resample.
        seed: Of the resampling.

    Raises:
        ValueError: If a shape differs, there is nobody, a value is not finite or a denominator not
            positive.
    """
    numerator = _checked("numerator", numerator, (None,))
    denominator = _checked("denominator", denominator, numerator.shape)
    if not (denominator > 0).all():
        raise ValueError(f"`denominator` must be positive. Received: {denominator.min()}.")
    means = _resampled_means(np.stack([numerator, denominator], axis=-1), seed)
    return _interval(numerator.mean() / denominator.mean(), means[:, 0] / means[:, 1])


def _checked(name, values, expected):
    values = np.asarray(values, np.float64)
    checks.check_shape(name, values, expected)
    if not values.size or not np.isfinite(values).all():
        raise ValueError(
            f"`{name}` must hold at least one number, all finite. Received: {values.size} numbers, "
            f"{np.sum(~np.isfinite(values))} not finite."
        )
    return values


def _resampled_means(values, seed):
    """Means `[R, M]` of people drawn with replacement from `values` `[P, M]`."""
    people = np.random.default_rng(seed).integers(len(values), size=(NUM_RESAMPLES, len(values)))
    return values[people].mean(axis=1)


def _interval(value, resampled):
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(resampled, [tail, 100.0 - tail])
    return Interval(float(value), float(low), float(high))
