import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.losses import shape_consistency_loss


def test_shape_consistency_loss_by_hand():
    # Mean squared differences: 0-1: 2, 0-2: 0.5, 1-2: 0.5; images 0 and 1 show one person.
    identity = [[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]]
    loss = shape_consistency_loss(tf.constant(identity), tf.constant([4.0, 4.0, 7.0]), margin=0.25)
    np.testing.assert_allclose(loss, [2 - 0.5 + 0.25, 2 - 0.5 + 0.25, 0])


def test_shape_consistency_loss_by_loops():
    generator = np.random.default_rng(0)
    identity = generator.normal(size=(7, 5))
    person = np.array([0, 0, 0, 1, 1, 2, -1])
    distance = np.square(identity[:, None] - identity[None]).mean(axis=-1)
    expected = []
    for i in range(7):
        hinges = [
            max(0.0, distance[i, j] - distance[i, k] + 0.5)
            for j in range(7)
            for k in range(7)
            if j != i and person[j] == person[i] != person[k]
        ]
        expected.append(np.mean(hinges) if hinges else 0.0)
    assert 0 < min(expected[:5]) and expected[5:] == [0, 0]
    loss = shape_consistency_loss(tf.constant(identity), tf.constant(person))
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


def test_shape_consistency_loss_of_people_far_apart():
    identity = tf.constant([[0.0], [0.1], [5.0], [5.1]])
    loss = shape_consistency_loss(identity, tf.constant([0, 0, 1, 1]))
    np.testing.assert_array_equal(loss, np.zeros(4))


def test_shape_consistency_loss_of_one_person():
    loss = shape_consistency_loss(tf.random.normal((3, 4)), tf.zeros(3))
    np.testing.assert_array_equal(loss, np.zeros(3))


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((3, 4), (3, 1)), ((3, 4), (2,))])
def test_shape_consistency_loss_exception_raised(shapes):
    with pytest.raises(ValueError, match="must have the shape|must be|shape"):
        shape_consistency_loss(tf.zeros(shapes[0]), tf.zeros(shapes[1]))
