import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.losses import supervised


def test_vertex_loss_preset():
    predicted = np.zeros([1, 2, 3])
    predicted[0, 0] = [0.03, 0.04, 0.0]  # 3 mm and 4 mm: 25 square millimetres.
    np.testing.assert_allclose(supervised.vertex_loss(predicted, np.zeros([1, 2, 3])), [12.5])


def test_vertex_loss_random(rng):
    predicted, true = rng.normal(size=(2, 3, 7, 3))
    expected = np.mean(np.linalg.norm(100 * (predicted - true), axis=-1) ** 2, axis=-1)
    np.testing.assert_allclose(supervised.vertex_loss(predicted, true), expected)


def test_albedo_loss_preset():
    predicted = np.zeros([1, 2, 3])
    predicted[0, 1] = [0.03, 0.0, 0.04]  # Three and four per cent of full scale.
    np.testing.assert_allclose(supervised.albedo_loss(predicted, np.zeros([1, 2, 3])), [12.5])


def test_dense_landmark_loss_preset():
    predicted = np.zeros([1, 2, 2])
    predicted[0, 0] = [3.0, 4.0]
    loss = supervised.dense_landmark_loss(predicted, np.zeros([1, 2, 2]))
    np.testing.assert_allclose(loss, [2.5], atol=0.01)


def test_dense_landmark_loss_is_flat_at_the_truth(rng):
    true = tf.constant(rng.normal(size=(2, 5, 2)))
    with tf.GradientTape() as tape:
        tape.watch(true)
        loss = supervised.dense_landmark_loss(true, tf.stop_gradient(true))
    np.testing.assert_array_equal(loss, np.zeros(2))
    np.testing.assert_array_equal(tape.gradient(loss, true), np.zeros((2, 5, 2)))


def test_coefficient_mse_preset():
    predicted = {"identity": np.array([[1.0, 3.0]]), "rotation": np.array([[0.0, 0.0, 0.3]])}
    true = {"identity": np.array([[1.0, 1.0]]), "rotation": np.zeros([1, 3])}
    distances = supervised.coefficient_mse(predicted, true)
    assert distances.keys() == predicted.keys()
    np.testing.assert_allclose(distances["identity"], [2.0])
    np.testing.assert_allclose(distances["rotation"], [0.03])


def test_supervised_exception_raised():
    with pytest.raises(ValueError, match="`true` must have shape"):
        supervised.vertex_loss(tf.zeros([2, 5, 3]), tf.zeros([2, 6, 3]))
    with pytest.raises(ValueError, match="`true` must have shape"):
        supervised.albedo_loss(tf.zeros([2, 5, 3]), tf.zeros([2, 6, 3]))
    with pytest.raises(ValueError, match="`predicted` must have shape"):
        supervised.dense_landmark_loss(tf.zeros([2, 5, 3]), tf.zeros([2, 5, 3]))
    group = tf.zeros([2, 4])
    with pytest.raises(ValueError, match="same groups"):
        supervised.coefficient_mse({"identity": group}, {"texture": group})
    with pytest.raises(ValueError, match=r"`true\[identity\]` must have shape"):
        supervised.coefficient_mse({"identity": group}, {"identity": group[:, :3]})


def test_vertex_loss_jacobian(rng):
    jacobian.assert_jacobian_correct(supervised.vertex_loss, *rng.normal(size=(2, 2, 4, 3)))
    jacobian.assert_jacobian_correct(supervised.albedo_loss, *rng.normal(size=(2, 2, 4, 3)))
    jacobian.assert_jacobian_correct(supervised.dense_landmark_loss, *rng.normal(size=(2, 2, 4, 2)))


def test_coefficient_mse_jacobian(rng):
    def distance(predicted, true):
        return supervised.coefficient_mse({"texture": predicted}, {"texture": true})["texture"]

    jacobian.assert_jacobian_correct(distance, *rng.normal(size=(2, 2, 4)))
