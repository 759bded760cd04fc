import hypothesis
import hypothesis.extra.numpy
import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.core import safe_ops

VECTORS = hypothesis.extra.numpy.arrays(
    np.float64, (4, 3), elements=hypothesis.strategies.floats(-1e6, 1e6, allow_subnormal=False)
)


def test_safe_norm_preset():
    vectors = tf.constant([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(safe_ops.safe_norm(vectors), [5.0, 0.0])
    assert safe_ops.safe_norm(vectors, keepdims=True).shape == (2, 1)
    np.testing.assert_allclose(safe_ops.safe_norm(vectors, axis=0), [3.0, 4.0, 0.0])


@pytest.mark.parametrize("function", [safe_ops.safe_norm, safe_ops.safe_normalize])
def test_gradient_at_zero_is_zero(function):
    zero = tf.zeros([2, 3])
    with tf.GradientTape() as tape:
        tape.watch(zero)
        value = function(zero)
    np.testing.assert_array_equal(value, np.zeros(value.shape))
    np.testing.assert_array_equal(tape.gradient(value, zero), np.zeros([2, 3]))


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64])
def test_safe_normalize_follows_dtype(dtype):
    unit = safe_ops.safe_normalize(tf.constant([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]], dtype))
    assert unit.dtype == dtype
    np.testing.assert_array_equal(unit, [[0, 0, 0], [0, 1, 0]])


def test_safe_normalize_keeps_the_direction_of_tiny_vectors():
    # The cross product of two sides of a thousandth of a millimetre, in decimetres.
    tiny = tf.constant([[0.0, 0.0, 1e-10]])
    np.testing.assert_allclose(safe_ops.safe_normalize(tiny), [[0.0, 0.0, 1.0]], rtol=1e-6)


@hypothesis.given(VECTORS)
@hypothesis.settings(deadline=None, max_examples=50)
def test_safe_norm_random(vectors):
    # Squares of components below 1e-160 are no longer numbers.
    np.testing.assert_allclose(
        safe_ops.safe_norm(vectors), np.linalg.norm(vectors, axis=-1), atol=1e-150
    )


@hypothesis.given(VECTORS)
@hypothesis.settings(deadline=None, max_examples=50)
def test_safe_normalize_random(vectors):
    unit = safe_ops.safe_normalize(vectors).numpy()
    norms = np.linalg.norm(vectors, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=-1), norms > 1e-12, atol=1e-12)
    np.testing.assert_allclose(unit * norms[:, None], vectors, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("function", [safe_ops.safe_norm, safe_ops.safe_normalize])
def test_safe_ops_jacobian(function, rng):
    jacobian.assert_jacobian_correct(function, rng.normal(size=(4, 3)))
