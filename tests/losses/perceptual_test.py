import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from tests import jacobian
from tf_facerecon.losses import perceptual


def test_perceptual_loss_preset():
    embedding = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [3.0, 4.0]])
    rendered = np.array([[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0], [4.0, 3.0]])
    loss = perceptual.perceptual_loss(embedding, rendered)
    np.testing.assert_allclose(loss, [0.0, 1.0, 2.0, 1 - 24 / 25], atol=1e-15)


@hypothesis.given(strategies.integers(0, 2**32 - 1), strategies.floats(1e-3, 1e3))
@hypothesis.settings(deadline=None, max_examples=30)
def test_perceptual_loss_random(seed, scale):
    first, second = np.random.default_rng(seed).normal(size=(2, 3, 8))
    norms = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    expected = 1 - np.sum(first * second, axis=-1) / norms
    # The length of an embedding does not count.
    np.testing.assert_allclose(perceptual.perceptual_loss(scale * first, second), expected)


def test_perceptual_loss_of_zero_embedding_has_finite_gradient():
    zero = tf.zeros([1, 4])
    with tf.GradientTape() as tape:
        tape.watch(zero)
        loss = perceptual.perceptual_loss(tf.ones([1, 4]), zero)
    np.testing.assert_array_equal(loss, [1.0])
    np.testing.assert_array_equal(tape.gradient(loss, zero), np.zeros([1, 4]))


def test_perceptual_loss_exception_raised():
    with pytest.raises(ValueError, match="`rendered_embedding` must have shape"):
        perceptual.perceptual_loss(tf.zeros([2, 4]), tf.zeros([2, 5]))
    with pytest.raises(ValueError, match="`embedding` must have shape"):
        perceptual.perceptual_loss(tf.zeros([4]), tf.zeros([4]))


def test_perceptual_loss_jacobian(rng):
    jacobian.assert_jacobian_correct(perceptual.perceptual_loss, *rng.normal(size=(2, 2, 5)))
