"""Keras callbacks of a training run: history, TensorBoard, image panels, checkpoints, checks.

Keras has callbacks of these kinds, which count epochs or batches from 0 in every process
(`TensorBoard`, `CSVLogger`, `BackupAndRestore`). These count optimizer steps, so that a resumed run
continues where it stopped. Their order matters: checks first, checkpoints last, so that a
checkpoint is never ahead of the history.
"""

import csv
import io
import math
import os
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.io import atomic_files
from tf_facerecon.training.checkpoints import CheckpointFolder
from tf_facerecon.training.interruption import TrainingInterrupted


def batches_per_step(model: keras.Model) -> int:
    """How many batches a step of the model's optimizer takes: 1 without gradient accumulation."""
    return model.optimizer.gradient_accumulation_steps or 1


class _StepCallback(keras.callbacks.Callback):
    """Counts optimizer steps."""

    @property
    def step(self) -> int:
        """Optimizer steps done since the run began, resumed ones included."""
        return int(self.model.optimizer.iterations)

    def is_last_batch(self, batch: int) -> bool:
        """Whether `on_epoch_end` follows at once."""
        return batch + 1 >= self.params["steps"]


class StopOnNonFinite(_StepCallback):
    """Ends the run with an error when a term of the loss is not a finite number.

    Raises:
        FloatingPointError: Naming the step and the terms.
    """

    def on_train_batch_end(self, batch, logs=None):
        broken = sorted(name for name, value in (logs or {}).items() if not np.isfinite(value))
        if broken:
            raise FloatingPointError(
                f"Not finite at step {self.step}: {', '.join(broken)}. The last checkpoint is from "
                "before; a lower learning rate or gradient clipping may help."
            )


class ContinueMetrics(_StepCallback):
    """Restores the running means of an interrupted epoch; `fit` begins by resetting them.

    Args:
        values: Value of each of `model.metrics_variables`.
    """

    def __init__(self, values: Sequence[np.ndarray]):
        super().__init__()
        self.values = values

    def on_epoch_begin(self, epoch, logs=None):
        for variable, value in zip(self.model.metrics_variables, self.values, strict=True):
            variable.assign(value)


class History(_StepCallback):
    """One row of losses per epoch in a CSV file, rewritten whole.

    Args:
        path: The file; rows after the resumed step are dropped.
        first_step: Steps already done when this process began.
    """

    def __init__(self, path: str | os.PathLike, first_step: int = 0):
        super().__init__()
        self.path = pathlib.Path(path)
        rows = []
        if first_step and self.path.is_file():
            with open(self.path, newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= first_step]
        self.rows = rows

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"step": self.step, **(logs or {})})
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        atomic_files.write_text(self.path, text.getvalue())


class Scalars(_StepCallback):
    """Losses, learning rate and speed for TensorBoard, once per epoch.

    `keras.callbacks.TensorBoard` counts epochs and batches from 0 again in a resumed run.

    Args:
        writer: A `tf.summary` writer.
    """

    def __init__(self, writer: tf.summary.SummaryWriter):
        super().__init__()
        self.writer = writer

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()
        self._first_step = self.step

    def on_epoch_end(self, epoch, logs=None):
        step = self.step
        seconds = time.perf_counter() - self._started
        scalars = {
            **(logs or {}),
            "learning_rate": float(self.model.optimizer.learning_rate),
            "steps_per_second": (step - self._first_step) / seconds,
        }
        with self.writer.as_default(step=step):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)
        self.writer.flush()


class FacePanel(_StepCallback):
    """Draws photo, overlay and shape of the same few faces, for TensorBoard and as a PNG file.

    Args:
        draw: Renders the panel, an image `[H, W, 3]` uint8, with the current weights.
        writer: A `tf.summary` writer.
        folder: Where to put `step_<number>.png`.
        every_epochs: Draw at the end of every so many epochs.
    """

    def __init__(
        self,
        draw: Callable[[], np.ndarray],
        writer: tf.summary.SummaryWriter,
        folder: str | os.PathLike,
        every_epochs: int,
    ):
        super().__init__()
        self.draw, self.writer, self.every_epochs = draw, writer, every_epochs
        self.folder = pathlib.Path(folder)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every_epochs:
            return
        panel, step = self.draw(), self.step
        with self.writer.as_default(step=step):
            tf.summary.image("faces", panel[None])
        self.writer.flush()
        with atomic_files.atomic_path(self.folder / f"step_{step:08d}.png") as temporary:
            keras.utils.save_img(temporary, panel, scale=False)


class SaveCheckpoints(_StepCallback):
    """Saves the whole state by steps, by time, at the end, and when a signal asks to stop.

    Args:
        checkpoints: Where.
        groups: Gives the variables to save, by name of group.
        every_steps: Save at multiples of this; 0 for never.
        every_seconds: Save when so much time went by since the last; 0 for never.
        total_steps: The last step, which is always saved.
        requested_signal: Gives the number of a signal that asked to stop, or `None`.

    Raises:
        TrainingInterrupted: After saving, when a signal asked to stop.
    """

    def __init__(
        self,
        checkpoints: CheckpointFolder,
        groups: Callable[[], Mapping[str, list[keras.Variable]]],
        every_steps: int,
        every_seconds: float,
        total_steps: int,
        requested_signal: Callable[[], int | None],
    ):
        super().__init__()
        self.checkpoints, self.groups = checkpoints, groups
        self.every_steps = every_steps or math.inf
        self.every_seconds = every_seconds or math.inf
        self.total_steps = total_steps
        self.requested_signal = requested_signal
        self._saved_at = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        # Not amid a step of several batches; the epoch's last step is saved once its row of the
        # history is written.
        if (batch + 1) % batches_per_step(self.model) == 0 and not self.is_last_batch(batch):
            self._save_if_due()

    def on_epoch_end(self, epoch, logs=None):
        self._save_if_due()

    def _save_if_due(self):
        step, signal_number = self.step, self.requested_signal()
        elapsed = time.monotonic() - self._saved_at
        by_step = step % self.every_steps == 0 or step == self.total_steps
        if by_step or elapsed >= self.every_seconds or signal_number is not None:
            self.checkpoints.save(step, self.groups())
            self._saved_at = time.monotonic()
        if signal_number is not None:
            raise TrainingInterrupted(signal_number, step)
