"""Groups of files, written all or none; input photographs are never replaced.

Home-made: `os.replace` is atomic for one file only, and the standard library has nothing for
several.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable

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
    """Writes several files into a temporary folder, then moves all of them to `folder`.

    Args:
        folder: Target folder; created if it does not exist.
        stem: Common start of the file names.
        names: Names of the files that `write` creates.
        write: Callback that writes the files into the temporary folder it receives.
        overwrite: Whether existing files may be replaced.
        keep: Files that are never replaced, whatever `overwrite` says: input photographs.

    Returns:
        The paths that were written.

    Raises:
        FileExistsError: If a file exists and `overwrite` is false, or the file is in `keep`.
        ValueError: If `stem` is not a plain file name.
        OSError: If the folder cannot be written.
    """
    folder = pathlib.Path(folder)
    if not stem or pathlib.Path(stem).name != stem:
        raise ValueError(f"`stem` must be a plain file name. Received: {stem!r}.")
    targets, kept = [folder / name for name in names], list(keep)
    check_free(targets, kept, overwrite)
    is_new = not folder.exists()
    atomic_files.make_folder(folder)
    try:
        # The files refer to one another by name, so they are completed in a temporary folder.
        with tempfile.TemporaryDirectory(prefix=f".{stem}-", dir=folder) as temporary:
            write(pathlib.Path(temporary))
            # Check again: writing takes seconds, and another process may have been faster.
            check_free(targets, kept, overwrite)
            return _move_all(pathlib.Path(temporary), folder)
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):  # Another process may have written there.
                folder.rmdir()
        raise


def check_free(
    targets: Iterable[pathlib.Path], kept: Iterable[str | os.PathLike], overwrite: bool
) -> None:
    """Raises `FileExistsError` if one of `targets` must not be written.

    Args:
        targets: Files to be written.
        kept: Files that are never replaced, whatever `overwrite` says.
        overwrite: Whether existing files may be replaced.
    """
    existing = [target for target in targets if os.path.lexists(target)]
    kept = [path for path in kept if os.path.exists(path)]
    for target in existing:
        if target.exists() and any(target.samefile(path) for path in kept):
            raise FileExistsError(
                f"{target} is an input photograph and is never overwritten. Choose another folder "
                "or name."
            )
    if existing and not overwrite:
        raise FileExistsError(
            f"{existing[0]} exists already. Choose another name, overwrite it (`overwrite=True`, "
            "--overwrite) or keep it (--skip-existing)."
        )


def _move_all(temporary: pathlib.Path, folder: pathlib.Path) -> list[pathlib.Path]:
    """Moves finished files into `folder`; rolls back if interrupted."""
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
        # The state on disk decides; a list of completed steps could miss an interrupted one.
        for name in names:
            if not (temporary / name).exists():
                os.replace(folder / name, temporary / name)
            if os.path.lexists(replaced / name):
                os.replace(replaced / name, folder / name)
        replaced.rmdir()
        raise
    shutil.rmtree(replaced, ignore_errors=True)
    return [folder / name for name in names]
