"""The loop of every training run: from the last checkpoint to the last step, epoch by epoch.

A run that was stopped continues exactly: with the same batches, the same running means and the same
history. The model and the data are the caller's.
"""

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.training import callbacks as run_callbacks
from tf_facerecon.training import learning_rate
from tf_facerecon.training.checkpoints import CheckpointFolder
from tf_facerecon.training.epochs import EpochSegment, epoch_segments
from tf_facerecon.training.fused_adam import FusedAdam
from tf_facerecon.training.interruption import SignalRequest


@dataclasses.dataclass(frozen=True)
class FitReport:
    """What one process did for a run.

    Attributes:
        first_step: Steps that earlier processes had done.
        seconds: Time of this process' training.
        rows: The run's history, a row of losses and `step` for each epoch.
    """

    first_step: int
    seconds: float
    rows: Sequence[Mapping[str, float]]


def seed_process(seed: int, deterministic: bool) -> None:
    """Sets the process' random seeds and, if wanted, its determinism switch.

    Args:
        seed: Of Python, NumPy and TensorFlow.
        deterministic: Whether operations without a reproducible order are refused.
    """
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def compile_with_adam(
    model: keras.Model,
    total_steps: int,
    *,
    clip_norm: float | None,
    accumulation_steps: int = 1,
    epsilon: float = 1e-8,
    **schedule,
) -> None:
    """Compiles `model` with Adam, its variables made so that a checkpoint can fill them.

    Args:
        model: Built.
        total_steps: Length of the run.
        clip_norm: Largest norm of the whole gradient; none for no limit.
        accumulation_steps: Batches whose mean gradient makes one step of the optimizer.
        epsilon: Of Adam.
        **schedule: Further arguments of `learning_rate.build_schedule`.
    """
    # Under accumulation Keras evaluates schedules at the number of batches, not of steps.
    in_batches = {"total_steps": total_steps, **schedule}
    for name in ("total_steps", "warmup_steps", "decay_steps"):
        if name in in_batches:
            in_batches[name] *= accumulation_steps
    optimizer = FusedAdam(
        learning_rate.build_schedule(**in_batches),
        epsilon=epsilon,
        global_clipnorm=clip_norm,
        gradient_accumulation_steps=accumulation_steps if accumulation_steps > 1 else None,
    )
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer)


def fit(
    model: keras.Model,
    build_dataset: Callable[[int], tf.data.Dataset],
    *,
    state: Callable[[], Mapping[str, list[keras.Variable]]],
    checkpoints: CheckpointFolder,
    history_path: str | os.PathLike,
    steps: int,
    steps_per_epoch: int,
    every_steps: int,
    every_seconds: float,
    callbacks: Callable[[], Sequence[keras.callbacks.Callback]] = tuple,
    validation_data: tf.data.Dataset | None = None,
    progress: bool = True,
) -> FitReport:
    """Trains from the newest checkpoint, or the beginning, to the last step.

    A step is one of the optimizer; with gradient accumulation it takes several batches.

    Args:
        model: Compiled by `compile_with_adam`.
        build_dataset: Endless batches from the number of a batch on.
        state: Gives all variables that a killed run needs to continue, by name of group.
        checkpoints: Where they are kept.
        history_path: CSV file of losses.
        steps: The last step.
        steps_per_epoch: Steps after which the losses are recorded.
        every_steps: Save at multiples of this; 0 for never.
        every_seconds: Save when so much time went by; 0 for never.
        callbacks: Makes further callbacks, after the checkpoint was read.
        validation_data: Batches to measure on after each epoch.
        progress: Whether to draw a progress bar.

    Raises:
        ValueError: If the checkpoints are unreadable or of another run.
        FloatingPointError: If the loss or a weight stops being finite.
        TrainingInterrupted: If SIGTERM or SIGINT came; the state is saved.
    """
    first_step = checkpoints.restore(state())
    started = time.perf_counter()
    history = run_callbacks.History(history_path, first_step)
    with SignalRequest() as request:
        save = run_callbacks.SaveCheckpoints(
            checkpoints, state, every_steps, every_seconds, steps, lambda: request.number
        )
        # Checks first, checkpoints last: a checkpoint is never ahead of the history.
        in_order = [run_callbacks.StopOnNonFinite(), history, *callbacks(), save]
        partial = [value.numpy() for value in model.metrics_variables]
        for segment in epoch_segments(first_step, steps, steps_per_epoch):
            _fit_segment(
                model, build_dataset, segment, partial, in_order, validation_data, progress
            )
    return FitReport(first_step, time.perf_counter() - started, history.rows)


def _fit_segment(
    model: keras.Model,
    build_dataset: Callable[[int], tf.data.Dataset],
    segment: EpochSegment,
    partial: Sequence[np.ndarray],
    callbacks: Sequence[keras.callbacks.Callback],
    validation_data: tf.data.Dataset | None,
    progress: bool,
) -> None:
    """One call of `model.fit`; `partial` are the running means of an interrupted epoch."""
    continued = [run_callbacks.ContinueMetrics(partial)] if segment.is_continued else []
    batches_per_step = run_callbacks.batches_per_step(model)
    model.fit(
        build_dataset(segment.first_step * batches_per_step),
        initial_epoch=segment.first_epoch,
        epochs=segment.first_epoch + segment.num_epochs,
        steps_per_epoch=segment.steps_per_epoch * batches_per_step,
        shuffle=False,  # The stream is already in its order.
        validation_data=validation_data,
        callbacks=[*continued, *callbacks],
        verbose=1 if progress else 0,
    )
