import keras
import numpy as np
import pytest

from tf_facerecon.training import learning_rate


def values(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_build_schedule_step_preset():
    # The released training: 1e-4, a fifth of it after 100,000 steps.
    schedule = learning_rate.build_schedule(
        1e-4, "step", 200_000, decay_steps=100_000, decay_factor=0.2
    )
    np.testing.assert_allclose(
        values(schedule, [0, 99_999, 100_000, 199_999]), [1e-4, 1e-4, 2e-5, 2e-5], rtol=1e-5
    )


def test_build_schedule_cosine_preset():
    schedule = learning_rate.build_schedule(1.0, "cosine", 110, warmup_steps=10)
    np.testing.assert_allclose(
        values(schedule, [0, 5, 10, 60, 110]), [0.0, 0.5, 1.0, 0.5, 0.0], atol=1e-6
    )
    assert values(learning_rate.build_schedule(1.0, "cosine", 100), [0]) == [1.0]


def test_build_schedule_constant_preset():
    schedule = learning_rate.build_schedule(0.5, "constant", 100, warmup_steps=4)
    np.testing.assert_allclose(values(schedule, [0, 2, 4, 99]), [0, 0.25, 0.5, 0.5], rtol=1e-6)


def test_build_schedule_exception_raised():
    with pytest.raises(ValueError, match="'cosine', 'step' or 'constant'. Received: 'linear'"):
        learning_rate.build_schedule(1.0, "linear", 10)


def test_step_decay_config_round_trip():
    schedule = learning_rate.StepDecay(0.1, 7, 0.5, 3)
    saved = keras.saving.serialize_keras_object(schedule)
    revived = keras.saving.deserialize_keras_object(saved)
    assert revived.get_config() == schedule.get_config()
