"""Epochs of a run that may have been interrupted anywhere, as calls of `model.fit`.

Keras resumes at the beginning of an epoch (`initial_epoch`, `BackupAndRestore`). An exact
continuation needs the rest of the interrupted one, which is a call of its own.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class EpochSegment:
    """Consecutive epochs of equal length: one call of `model.fit`.

    Attributes:
        first_step: Steps done before.
        first_epoch: Number of the first epoch, from 0.
        num_epochs: How many.
        steps_per_epoch: Length of each.
        is_continued: Whether the first epoch had begun before.
    """

    first_step: int
    first_epoch: int
    num_epochs: int
    steps_per_epoch: int
    is_continued: bool = False


def epoch_segments(first_step: int, last_step: int, steps_per_epoch: int) -> list[EpochSegment]:
    """Splits the steps that remain into segments whose epochs end where they always would.

    At most three: the rest of an interrupted epoch, whole epochs, and a shorter last one.
    """
    segments = []
    epoch, done = divmod(first_step, steps_per_epoch)
    step = first_step
    if done and step < last_step:
        length = min(steps_per_epoch - done, last_step - step)
        segments.append(EpochSegment(step, epoch, 1, length, is_continued=True))
        step, epoch = step + length, epoch + 1
    whole, rest = divmod(max(last_step - step, 0), steps_per_epoch)
    if whole:
        segments.append(EpochSegment(step, epoch, whole, steps_per_epoch))
        step, epoch = step + whole * steps_per_epoch, epoch + whole
    if rest:
        segments.append(EpochSegment(step, epoch, 1, rest))
    return segments
