"""FusedAdam is Keras' Adam: same steps, same variables, fewer operations."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.training.fused_adam import FusedAdam

SETTINGS = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3}
SHAPES = ((4, 3), (5,), ())


def train(optimizer, rng, steps=12):
    """Variables after some steps with gradients of very different sizes."""
    variables = [keras.Variable(rng.normal(size=shape)) for shape in SHAPES]
    optimizer.build(variables)

    @tf.function
    def step(gradients):
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    for scale in np.geomspace(1e-3, 10.0, steps):
        step([tf.constant(scale * rng.normal(size=shape), tf.float32) for shape in SHAPES])
    return variables, step


@pytest.mark.parametrize("clip_norm", (None, 0.5))
def test_fused_adam_same_steps_as_keras(clip_norm):
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, 8, warmup_target=0.1, warmup_steps=4, alpha=0.1
    )
    ours, theirs = (
        kind(schedule, **SETTINGS, global_clipnorm=clip_norm)
        for kind in (FusedAdam, keras.optimizers.Adam)
    )
    our_variables, _ = train(ours, np.random.default_rng(3))
    their_variables, _ = train(theirs, np.random.default_rng(3))
    for our, their in zip(
        [*our_variables, *ours.variables], [*their_variables, *theirs.variables], strict=True
    ):
        np.testing.assert_allclose(our.numpy(), their.numpy(), rtol=2e-5, atol=1e-7)


def test_fused_adam_one_operation_per_variable():
    optimizer = FusedAdam(0.1)
    _, step = train(optimizer, np.random.default_rng(3))
    gradients = [tf.zeros(shape) for shape in SHAPES]
    operations = step.get_concrete_function(gradients).graph.get_operations()
    kinds = [operation.type for operation in operations]
    assert kinds.count("ResourceApplyAdam") == len(SHAPES)
    assert kinds.count("Sqrt") == 1  # Of the bias correction, which all variables share.


def test_fused_adam_exception_raised():
    with pytest.raises(ValueError, match="amsgrad=True"):
        FusedAdam(0.1, amsgrad=True)


def test_half_precision_exception_raised():
    variable = keras.Variable(np.ones(3), dtype="bfloat16", name="kernel")
    with pytest.raises(ValueError, match="needs float32 or float64 variables"):
        FusedAdam().build([variable])


def test_keras_still_has_the_private_members_that_fused_adam_builds_on():
    """Fails with a version of Keras for which `FusedAdam` has to be looked at again."""
    update = inspect.signature(keras.optimizers.Adam._backend_update_step)
    assert list(update.parameters) == ["self", "grads", "trainable_variables", "learning_rate"]
    step = inspect.signature(keras.optimizers.Adam.update_step)
    assert list(step.parameters) == ["self", "gradient", "variable", "learning_rate"]
    optimizer = keras.optimizers.Adam()
    variables = [keras.Variable(np.ones(2)), keras.Variable(np.ones(3))]
    optimizer.build(variables)
    assert [optimizer._get_variable_index(v) for v in variables] == [0, 1]
    for moments in (optimizer._momentums, optimizer._velocities):
        assert [tuple(moment.shape) for moment in moments] == [(2,), (3,)]


def test_keras_version_is_one_that_fused_adam_was_tested_with():
    major, minor = map(int, keras.version().split(".")[:2])
    assert (3, 12) <= (major, minor) < (3, 16)
