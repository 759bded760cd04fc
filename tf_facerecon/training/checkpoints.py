"""Everything that a killed run needs to continue exactly, one file per checkpoint.

Each is an `.npz` without pickle, written under a temporary name and renamed: a kill at any instant
leaves whole files only. `tf.train.Checkpoint` spreads a checkpoint over several files, and
`keras.callbacks.BackupAndRestore` writes in place, without the running means of the metrics, and
restarts at the beginning of an epoch. Only the given variables are saved, so neither a face basis
nor an identity network can get into a file.
"""

import logging
import os
import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from tf_facerecon.io import array_archive, atomic_files

_PATTERN = "step_{:08d}.npz"
_STEP = "step"


class CheckpointFolder:
    """The latest few checkpoints of one run.

    Args:
        folder: Where the files are; made when the first is saved.
        keep: How many to keep. With 2, a file that a failing disk damaged costs one interval.
    """

    def __init__(self, folder: str | os.PathLike, keep: int = 2):
        if keep < 1:
            raise ValueError(f"`keep` must be at least 1. Received: {keep}.")
        self.folder = pathlib.Path(folder)
        self.keep = keep

    def paths(self) -> list[pathlib.Path]:
        """Checkpoint files, oldest first."""
        return sorted(self.folder.glob(_PATTERN.format(0).replace("0" * 8, "[0-9]" * 8)))

    def save(self, step: int, groups: Mapping[str, Sequence[keras.Variable]]) -> pathlib.Path:
        """Saves named groups of variables after `step` steps, then drops the oldest files.

        Raises:
            FloatingPointError: If a variable is not finite; older checkpoints stay.
        """
        arrays = {_STEP: np.int64(step)}
        for group, variables in groups.items():
            for index, variable in enumerate(variables):
                value = np.asarray(variable.value)
                if not np.isfinite(value).all():
                    raise FloatingPointError(
                        f"{group} variable {variable.path!r} is not finite after step {step}."
                    )
                arrays[_key(group, index)] = value
        path = self.folder / _PATTERN.format(step)
        with atomic_files.atomic_path(path) as temporary:
            np.savez(temporary, **arrays)
        for old in self.paths()[: -self.keep]:
            old.unlink()
        return path

    def restore(self, groups: Mapping[str, Sequence[keras.Variable]]) -> int:
        """Puts the newest readable checkpoint into the variables.

        Also removes what a kill in the middle of saving left behind.

        Returns:
            The step after which it was saved; 0 if there is no checkpoint.

        Raises:
            ValueError: If no checkpoint is readable, or its variables are not those of `groups`.
        """
        for leftover in self.folder.glob(".part-*"):
            leftover.unlink()
        for path in reversed(self.paths()):
            try:
                with np.load(path, allow_pickle=False) as file:
                    arrays = {name: file[name] for name in file.files}
            except MemoryError:
                raise  # The file may be whole: an older one would lose steps.
            except array_archive.UNREADABLE as error:
                logging.getLogger(__name__).warning("Skipping damaged %s: %s", path, error)
                continue
            return _assign(arrays, groups, path)
        if self.paths():
            raise ValueError(f"No checkpoint in {self.folder} is readable; the run must restart.")
        return 0


def _assign(arrays, groups, path) -> int:
    variables = {
        _key(group, index): variable
        for group, members in groups.items()
        for index, variable in enumerate(members)
    }
    expected = {name: tuple(variable.shape) for name, variable in variables.items()}
    received = {name: array.shape for name, array in arrays.items() if name != _STEP}
    if expected != received:
        raise ValueError(
            f"{path} does not hold the variables of this run: expected {len(expected)}, "
            f"found {len(received)}, or their shapes differ. Was the code changed in between?"
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])
    return int(arrays[_STEP])


def _key(group: str, index: int) -> str:
    # By position: Keras numbers its names by what else the process has built.
    return f"{group}/{index:04d}"
