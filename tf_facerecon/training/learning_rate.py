"""Learning-rate schedules: linear warm-up, then cosine decay, step decay or a constant.

Cosine decay with warm-up is Keras' own. `StepDecay` exists for the warm-up, which Keras'
`ExponentialDecay(staircase=True)` does not have.
"""

import keras


@keras.saving.register_keras_serializable(package="tf_facerecon")
class StepDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`learning_rate * decay_factor ** (step // decay_steps)`, after a linear warm-up from 0.

    Args:
        learning_rate: Highest value.
        decay_steps: Steps between two decays.
        decay_factor: Factor of each decay.
        warmup_steps: Length of the warm-up.
    """

    def __init__(
        self,
        learning_rate: float,
        decay_steps: int,
        decay_factor: float,
        warmup_steps: int = 0,
    ):
        super().__init__()
        self.learning_rate = learning_rate
        self.decay_steps = decay_steps
        self.decay_factor = decay_factor
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        decays = keras.ops.floor(step / self.decay_steps)
        warmup = (
            keras.ops.minimum(step / max(self.warmup_steps, 1), 1.0) if self.warmup_steps else 1
        )
        return self.learning_rate * warmup * self.decay_factor**decays

    def get_config(self):
        return {
            "learning_rate": self.learning_rate,
            "decay_steps": self.decay_steps,
            "decay_factor": self.decay_factor,
            "warmup_steps": self.warmup_steps,
        }


def build_schedule(
    learning_rate: float,
    decay: str,
    total_steps: int,
    warmup_steps: int = 0,
    decay_steps: int = 1,
    decay_factor: float = 1.0,
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The schedule of a run.

    Args:
        learning_rate: Highest value.
        decay: "cosine" (to 0 at `total_steps`), "step" or "constant".
        total_steps: Length of the run.
        warmup_steps: Steps of the linear warm-up from 0.
        decay_steps: Steps between two decays of "step".
        decay_factor: Factor of each decay of "step".

    Raises:
        ValueError: If `decay` is unknown.
    """
    if decay == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup_steps else learning_rate,
            decay_steps=total_steps - warmup_steps,
            warmup_target=learning_rate if warmup_steps else None,
            warmup_steps=warmup_steps,
        )
    if decay == "step":
        return StepDecay(learning_rate, decay_steps, decay_factor, warmup_steps)
    if decay == "constant":
        return StepDecay(learning_rate, total_steps, 1.0, warmup_steps)
    raise ValueError(f"`decay` must be 'cosine', 'step' or 'constant'. Received: {decay!r}.")
