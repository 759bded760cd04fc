import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.losses import landmark


@pytest.fixture
def points(rng):
    return rng.uniform(0, 224, (2, 68, 2)), rng.uniform(0, 224, (2, 68, 2))


def test_landmark_weights_preset():
    weighted = [28, 29, 30, 60, 61, 62, 63, 64, 65, 66, 67]
    np.testing.assert_array_equal(np.flatnonzero(landmark.LANDMARK_WEIGHTS == 20), weighted)
    assert np.sum(landmark.LANDMARK_WEIGHTS == 1) == 68 - len(weighted)
    with pytest.raises(ValueError, match="read-only"):
        landmark.LANDMARK_WEIGHTS[0] = 2


def test_landmark_loss_preset():
    predicted = np.zeros([2, 68, 2])
    predicted[0, 8] = [3, 4]  # Chin: weight 1, 25 square pixels.
    predicted[1, 30] = [3, 4]  # Tip of the nose: weight 20.
    loss = landmark.landmark_loss(predicted, np.zeros([2, 68, 2]))
    np.testing.assert_allclose(loss, [25 / 68, 20 * 25 / 68])


def test_landmark_loss_random(points):
    squared = np.sum((points[0] - points[1]) ** 2, axis=-1)
    expected = np.sum(landmark.LANDMARK_WEIGHTS * squared, axis=-1) / 68
    np.testing.assert_allclose(landmark.landmark_loss(*points), expected)


def test_landmark_loss_does_not_depend_on_the_direction_of_rows(points):
    up = [values * [1, -1] + [0, 223] for values in points]
    np.testing.assert_allclose(landmark.landmark_loss(*up), landmark.landmark_loss(*points))


def test_landmark_loss_takes_weights_of_each_sample(points):
    weights = np.zeros([2, 68], np.float32)
    weights[0, 5] = 2.0
    loss = landmark.landmark_loss(*points, weights)
    squared = np.sum((points[0][0, 5] - points[1][0, 5]) ** 2)
    np.testing.assert_allclose(loss, [2 * squared / 68, 0])


def test_five_point_loss_preset():
    predicted = np.zeros([1, 5, 2])
    predicted[0, 2] = [3, 4]
    np.testing.assert_allclose(landmark.five_point_loss(predicted, np.zeros([1, 5, 2])), [5.0])


def test_five_point_loss_is_an_unweighted_landmark_loss(points):
    five = [values[:, :5] for values in points]
    expected = landmark.landmark_loss(*five, np.ones(5))
    np.testing.assert_allclose(landmark.five_point_loss(*five), expected)


@pytest.mark.parametrize(
    ("predicted", "target", "weights", "named"),
    [
        ((2, 68, 3), (2, 68, 3), (68,), "predicted"),
        ((2, 68, 2), (2, 5, 2), (68,), "target"),
        ((2, 68, 2), (2, 68, 2), (5,), "weights"),
        ((2, 68, 2), (2, 68, 2), (3, 68), "weights"),
        ((2, 68, 2), (2, 68, 2), (2, 68, 1), "weights"),
    ],
)
def test_landmark_loss_exception_raised(predicted, target, weights, named):
    with pytest.raises(ValueError, match=f"`{named}` must have shape"):
        landmark.landmark_loss(tf.zeros(predicted), tf.zeros(target), tf.zeros(weights))


def test_five_point_loss_exception_raised(points):
    with pytest.raises(ValueError, match="`predicted` must have shape"):
        landmark.five_point_loss(*points)


def test_landmark_loss_jacobian(points):
    jacobian.assert_jacobian_correct(landmark.landmark_loss, *(p[:1] for p in points), delta=1e-4)


def test_five_point_loss_jacobian(points):
    five = [values[:, :5] for values in points]
    jacobian.assert_jacobian_correct(landmark.five_point_loss, *five, delta=1e-4)
