"""Atomic file writes: files are written under a temporary name, then renamed.

Home-made: the standard library offers only the building block (`os.replace`), and the package
`atomicwrites` is no longer maintained.
"""

import contextlib
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path`; what is written there becomes `path` on success.

    The temporary name ends in the name of `path`, so writers that look at the suffix work. An
    exception inside the `with` block, including an interrupt, removes the temporary file (or
    folder) and leaves an existing `path` unchanged. Missing parent folders are created.

    Args:
        path: Path of the finished file. It may also be a folder, if none of that name exists yet.

    Yields:
        The temporary path, in the same folder; it does not exist yet.

    Raises:
        NotADirectoryError: If a parent of `path` is a file.
        PermissionError: If the parent folder cannot be created or is not writable.
        FileNotFoundError: If nothing was written to the temporary path.
    """
    path = pathlib.Path(path)
    make_folder(path.parent)
    temporary = path.with_name(f".part-{secrets.token_hex(4)}-{path.name}")
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"Nothing was written for {path}: expected {temporary}.")
        os.replace(temporary, path)
    except BaseException:
        _remove(temporary)
        raise


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a UTF-8 text file atomically; see `atomic_path`.

    Raises:
        OSError: If it cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_if_changed(path: str | os.PathLike, content: bytes) -> bool:
    """Writes a file atomically unless it already holds `content`; its time then stays as it is.

    Returns:
        Whether it was written.

    Raises:
        OSError: If it cannot be read or written.
    """
    path = pathlib.Path(path)
    if path.is_file() and path.read_bytes() == content:
        return False
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return True


def make_folder(folder: str | os.PathLike) -> pathlib.Path:
    """Creates a folder with its parents and checks that it is writable.

    Args:
        folder: May exist already.

    Returns:
        The folder.

    Raises:
        NotADirectoryError: If it, or a parent of it, is a file.
        PermissionError: If it cannot be created or is not writable.
        OSError: If it cannot be created for another reason, which the message states.
    """
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(
            f"Cannot write to {folder}: there is a file where a folder is needed."
        ) from error
    except PermissionError as error:
        raise PermissionError(f"Cannot write to {folder}: no permission to create it.") from error
    except OSError as error:  # A full or read-only disk, or a special file system.
        raise OSError(f"Cannot write to {folder}: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"Cannot write to {folder}: the folder is not writable.")
    return folder


def remove_empty(folder: str | os.PathLike) -> None:
    """Removes a folder if it is empty; does nothing otherwise."""
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def _remove(path: pathlib.Path) -> None:
    """Removes a file or folder if it exists."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
