"""Files that belong together: all of them are written or none, and no photograph is replaced."""

import contextlib
import importlib.metadata
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.io import atomic_files


def write_together(
    folder: str | os.PathLike,
    stem: str,
    names: Iterable[str],
    write: Callable[[pathlib.Path], None],
    *,
    overwrite: bool = False,
    keep: Iterable[str | os.PathLike] = (),
) -> list[pathlib.Path]:
    """Has files written in a folder of their own and moves them to where they belong.

    Args:
        folder: Made if it is not there.
        stem: Start of every file name.
        names: The files that `write` makes.
        write: Writes them into the folder that it is given.
        overwrite: Whether files of the same names may be replaced.
        keep: Files that must not be replaced whatever `overwrite` says: photographs.

    Returns:
        The paths that were written.

    Raises:
        FileExistsError: If a file exists and `overwrite` is false, or is to be kept.
        ValueError: If `stem` is not a plain file name.
        OSError: If the folder cannot be written.
    """
    folder = pathlib.Path(folder)
    if not stem or pathlib.Path(stem).name != stem:
        raise ValueError(f"`stem` must be a plain file name. Received: {stem!r}.")
    targets, kept = [folder / name for name in names], list(keep)
    _check_free(targets, kept, overwrite)
    is_new = not folder.exists()
    atomic_files.make_folder(folder)
    try:
        # Files refer to one another by name, so that they are finished in a folder of their own.
        with tempfile.TemporaryDirectory(prefix=f".{stem}-", dir=folder) as temporary:
            write(pathlib.Path(temporary))
            # Again: writing takes seconds, in which another process may have written the same.
            _check_free(targets, kept, overwrite)
            return _move_all(pathlib.Path(temporary), folder)
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):  # Others may have written there.
                folder.rmdir()
        raise


def versions() -> dict[str, str | None]:
    """Versions as the modules tell them: packages go by several names (`tensorflow-cpu`)."""
    try:
        own = importlib.metadata.version("tf_facerecon")
    except importlib.metadata.PackageNotFoundError:  # Run from a source folder.
        own = None
    return {
        "tf_facerecon": own,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _check_free(
    targets: list[pathlib.Path], kept: list[str | os.PathLike], overwrite: bool
) -> None:
    """Raises `FileExistsError` if one of `targets` must not be written."""
    existing = [target for target in targets if os.path.lexists(target)]
    kept = [path for path in kept if os.path.exists(path)]
    for target in existing:
        if target.exists() and any(target.samefile(path) for path in kept):
            raise FileExistsError(
                f"{target} is a photograph that was given, and is never overwritten. Choose "
                "another folder or name."
            )
    if existing and not overwrite:
        raise FileExistsError(
            f"{existing[0]} exists already. Choose another name, or overwrite it "
            "(`overwrite=True`, --overwrite)."
        )


def _move_all(temporary: pathlib.Path, folder: pathlib.Path) -> list[pathlib.Path]:
    """Moves finished files into `folder`; if that is cut short, everything is as it was before."""
    names = sorted(path.name for path in temporary.iterdir())
    for name in names:
        if (folder / name).is_dir():
            raise IsADirectoryError(f"Cannot write {folder / name}: a folder of that name exists.")
    replaced = pathlib.Path(tempfile.mkdtemp(prefix=".replaced-", dir=folder))
    try:
        for name in names:
            if os.path.lexists(folder / name):
                os.replace(folder / name, replaced / name)
            os.replace(temporary / name, folder / name)
    except BaseException:
        # The disk tells how far it came; a list of done steps could miss an interrupted one.
        for name in names:
            if not (temporary / name).exists():
                os.replace(folder / name, temporary / name)
            if os.path.lexists(replaced / name):
                os.replace(replaced / name, folder / name)
        replaced.rmdir()
        raise
    shutil.rmtree(replaced, ignore_errors=True)
    return [folder / name for name in names]
