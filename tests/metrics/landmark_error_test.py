import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from tests.toy_reconstruction import FIVE_POINTS
from tf_facerecon.metrics import landmark_error

# A box of 40 by 90 pixels: its size is 60.
CORNERS = np.array([[10.0, 20], [50, 20], [10, 110], [50, 110]])


def test_normalized_mean_error_preset():
    predicted = CORNERS.copy()
    predicted[0] += [3, 4]
    error = landmark_error.normalized_mean_error(predicted, CORNERS)
    assert error == pytest.approx(5 / 4 / 60)


def test_normalized_mean_error_of_a_batch():
    error = landmark_error.normalized_mean_error(
        np.stack([CORNERS, CORNERS + [6, 0]]), np.stack([CORNERS, CORNERS])
    )
    np.testing.assert_allclose(error, [0.0, 0.1])


@hypothesis.given(
    strategies.integers(0, 2**32 - 1), strategies.floats(1e-2, 1e2), strategies.floats(-1e3, 1e3)
)
@hypothesis.settings(deadline=None, max_examples=30)
def test_normalized_mean_error_does_not_depend_on_size_and_place(seed, scale, shift):
    predicted, true = np.random.default_rng(seed).uniform(0, 224, (2, 68, 2))
    error = landmark_error.normalized_mean_error(predicted, true)
    moved = landmark_error.normalized_mean_error(scale * predicted + shift, scale * true + shift)
    np.testing.assert_allclose(moved, error, rtol=1e-8)


@pytest.mark.parametrize(
    ("predicted", "true", "message"),
    [
        (CORNERS, CORNERS[:3], "`true` must have shape"),
        (np.zeros([4, 3]), np.zeros([4, 3]), "`predicted` must have shape"),
        (CORNERS * np.nan, CORNERS, "`predicted` must be finite"),
        (CORNERS, CORNERS + np.inf, "`true` must be finite"),
        (CORNERS, CORNERS * [1, 0], "must have an area"),
        (CORNERS[:0], CORNERS[:0], "at least two landmarks"),
    ],
)
def test_normalized_mean_error_exception_raised(predicted, true, message):
    with pytest.raises(ValueError, match=message):
        landmark_error.normalized_mean_error(predicted, true)


def test_interocular_error_preset():
    # Eyes 60 pixels apart; every point off by (3, 4), that is 5 pixels.
    points = np.array([[80.0, 90.0], [140, 90], [110, 120], [90, 150], [130, 150]])
    error = landmark_error.interocular_error(points + [3.0, 4.0], points)
    assert error == pytest.approx(5.0 / 60.0)
    assert landmark_error.interocular_error(FIVE_POINTS, FIVE_POINTS) == 0.0
