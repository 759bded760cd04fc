"""`inference.adam` takes the steps of Keras' optimizer."""

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.inference import adam


def test_adam_step_equals_keras(rng):
    start = rng.normal(size=(1, 5)).astype(np.float32)
    variable = keras.Variable(start)
    optimizer = keras.optimizers.Adam(0.3)
    values = tf.constant(start)
    state = adam.initial_state(values)
    for gradient in rng.normal(size=(6, 1, 5)).astype(np.float32):
        optimizer.apply([tf.constant(gradient)], [variable])
        values, state = adam.adam_step(values, gradient, state, 0.3)
        np.testing.assert_allclose(values, variable.numpy(), rtol=1e-5, atol=1e-6)
    assert float(state.step) == 6
