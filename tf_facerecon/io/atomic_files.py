"""Files that are either whole or absent: written under a temporary name, then renamed."""

import contextlib
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a temporary name beside `path`; what is written there becomes `path` on success.

    The temporary name ends in the name of `path`, so writers that look at the suffix work. An
    exception inside the `with` block, an interrupt included, removes the temporary file (or
    folder) and leaves an older `path` as it was. Missing parent folders are made.

    Args:
        path: Where the finished file shall stand. A folder may be written too, if none of that
            name exists yet.

    Yields:
        The temporary path, in the same folder; nothing exists there yet.

    Raises:
        NotADirectoryError: If a parent of `path` is a file.
        PermissionError: If the parent folder cannot be made or is not writable.
        FileNotFoundError: If the block ends without having written the temporary path.
    """
    path = pathlib.Path(path)
    _make_folder(path)
    temporary = path.with_name(f".part-{secrets.token_hex(4)}-{path.name}")
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"Nothing was written for {path}: expected {temporary}.")
        os.replace(temporary, path)
    except BaseException:
        _remove(temporary)
        raise


def _make_folder(path: pathlib.Path) -> None:
    """Makes the parent folder of `path`, or says in one sentence why it cannot be written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(
            f"Cannot write {path}: expected a folder at {path.parent}, a file stands in the way."
        ) from error
    except PermissionError as error:
        raise PermissionError(f"Cannot write {path}: no right to make {path.parent}.") from error
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"Cannot write {path}: the folder {path.parent} is not writable.")


def _remove(path: pathlib.Path) -> None:
    """Removes a file or folder if it exists."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
