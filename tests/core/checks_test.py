import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.core import checks


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((2, 3), (2, 3)),
        ((2, 3), (None, 3)),
        ((3,), (..., 3)),
        ((5, 4, 2, 3), (..., None, 3)),
        ((), ()),
        ((), (...,)),
    ],
)
def test_check_shape_preset(shape, expected):
    checks.check_shape("points", np.zeros(shape), expected)
    checks.check_shape("points", tf.zeros(shape), expected)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((2, 4), (None, 3)),
        ((3,), (None, 3)),
        ((2, 2, 3), (None, 3)),
        ((3,), (..., None, 3)),
        ((3, 2), (..., 3)),
    ],
)
def test_check_shape_exception_raised(shape, expected):
    with pytest.raises(ValueError, match="`points` must have shape"):
        checks.check_shape("points", np.zeros(shape), expected)
    with pytest.raises(ValueError, match="`points` must have shape"):
        checks.check_shape("points", tf.zeros(shape), expected)


def test_check_shape_message():
    with pytest.raises(ValueError) as error:
        checks.check_shape("points", tf.zeros([5, 4]), (..., None, 3))
    assert str(error.value) == ("`points` must have shape [..., None, 3]. Received: shape [5, 4].")


def test_check_shape_refuses_what_has_no_shape():
    with pytest.raises(ValueError, match="`points` must be an array or tensor. Received: list"):
        checks.check_shape("points", [[1.0, 2.0, 3.0]], (None, 3))


def test_check_shape_lets_unknown_sizes_through():
    checks.check_shape("image", keras.Input([224, 224, 3]), (4, 224, 224, 3))

    @tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec([None, 3])])
    def trace(of_unknown_rank, of_unknown_length):
        checks.check_shape("first", of_unknown_rank, (None, 7))
        checks.check_shape("second", of_unknown_length, (5, 3))
        checks.check_shape("second", of_unknown_length, of_unknown_rank.shape)
        with pytest.raises(ValueError, match="`second` must have shape"):
            checks.check_shape("second", of_unknown_length, (5, 4))
        return of_unknown_length

    trace(tf.zeros([2]), tf.zeros([5, 3]))
