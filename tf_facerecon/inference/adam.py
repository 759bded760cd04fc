"""Adam as a pure function, whose state belongs to the caller (Kingma and Ba 2015, Algorithm 1).

`keras.optimizers.Adam` keeps its state in variables, which threads that optimise different values
would share; Keras' `stateless_apply` is not available with TensorFlow.
"""

from typing import NamedTuple

import tensorflow as tf

BETA_1, BETA_2 = 0.9, 0.999
EPSILON = 1e-7


class AdamState(NamedTuple):
    """State before a step.

    Attributes:
        step: Number of steps taken, scalar float32.
        mean: Exponential moving average of the gradient.
        square: The same of the squared gradient.
    """

    step: tf.Tensor
    mean: tf.Tensor
    square: tf.Tensor


def initial_state(values: tf.Tensor) -> AdamState:
    """The state before the first step on `values`."""
    return AdamState(tf.zeros([]), tf.zeros_like(values), tf.zeros_like(values))


def adam_step(
    values: tf.Tensor, gradient: tf.Tensor, state: AdamState, learning_rate: tf.Tensor | float
) -> tuple[tf.Tensor, AdamState]:
    """Values and state after one step."""
    step = state.step + 1.0
    mean = BETA_1 * state.mean + (1.0 - BETA_1) * gradient
    square = BETA_2 * state.square + (1.0 - BETA_2) * tf.square(gradient)
    rate = learning_rate * tf.sqrt(1.0 - BETA_2**step) / (1.0 - BETA_1**step)
    return values - rate * mean / (tf.sqrt(square) + EPSILON), AdamState(step, mean, square)
