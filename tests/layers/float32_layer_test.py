import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.layers import float32_layer


class Doubled(float32_layer.Float32Layer):
    def call(self, values):
        return 2 * values


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("dtype", ["float16", "float64", "float32"])
def test_inputs_of_every_precision_are_computed_in_float32(policy, dtype):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        layer = Doubled()
        doubled = layer(tf.ones([2, 3], dtype))
    finally:
        keras.config.set_dtype_policy(previous)
    assert doubled.dtype == "float32" and layer.dtype_policy.name == "float32"
    assert not layer.trainable


def test_constants_made_while_a_graph_is_traced_can_be_used_elsewhere():
    made = []

    @tf.function
    def trace():
        made.append(float32_layer.constant({"ones": np.ones(3)}))
        return made[0]["ones"]

    trace()
    np.testing.assert_array_equal(made[0]["ones"] + 1, [2, 2, 2])


def test_check_static_shape_exception_raised():
    float32_layer.check_static_shape("points", (None, 5, 3), (None, None, 3))
    with pytest.raises(ValueError, match="`points` must have shape"):
        float32_layer.check_static_shape("points", (None, 5, 2), (None, None, 3))
