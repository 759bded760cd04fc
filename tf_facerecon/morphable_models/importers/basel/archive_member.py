"""Reading one file from an untrusted archive.

Nothing is extracted under its name in the archive: the member is copied to an anonymous temporary
file, so that names with `..`, links and devices are harmless. Sizes are limited before and while
bytes are read, against decompression bombs.
"""

import contextlib
import os
import pathlib
import posixpath
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO

from tf_facerecon.io import bounded_tar

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_MEMBER_BYTES = 1 << 30
MAX_ARCHIVE_BYTES = 1 << 33  # Decompressed size of a whole tar archive.
MAX_MEMBERS = bounded_tar.MAX_MEMBERS

_BROKEN = (*bounded_tar.DAMAGE, zipfile.BadZipFile, RuntimeError)


def is_archive(path: str | os.PathLike) -> bool:
    """Whether the suffix of `path` is that of a supported archive format."""
    return pathlib.Path(path).name.lower().endswith(ARCHIVE_SUFFIXES)


@contextlib.contextmanager
def open_member(archive: str | os.PathLike, name: str) -> Iterator[IO[bytes] | None]:
    """Opens the first regular file named `name` in any folder of `archive`.

    Args:
        archive: Path of a `.zip`, `.tar`, `.tar.gz` or `.tgz` file.
        name: File name without folders.

    Yields:
        A seekable temporary file with the contents, deleted afterwards; `None` if the archive has
        no such member.

    Raises:
        ValueError: If the archive is damaged or encrypted, or exceeds the size limits of this
            module.
    """
    archive = pathlib.Path(archive)
    with tempfile.TemporaryFile() as temporary:
        try:
            copy = _copy_from_zip if archive.name.lower().endswith(".zip") else _copy_from_tar
            found = copy(archive, name, temporary)
        except _BROKEN as error:
            raise ValueError(f"The archive {str(archive)!r} cannot be read: {error}") from error
        temporary.seek(0)
        yield temporary if found else None


def _copy_from_zip(archive: pathlib.Path, name: str, target: IO[bytes]) -> bool:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            link = stat.S_ISLNK(info.external_attr >> 16)
            if posixpath.basename(info.filename) == name and not link:
                with file.open(info) as stream:
                    _copy(stream, target, f"{name} in {archive.name}")
                return True
    return False


def _copy_from_tar(archive: pathlib.Path, name: str, target: IO[bytes]) -> bool:
    members = bounded_tar.members(archive, max_bytes=MAX_ARCHIVE_BYTES, max_members=MAX_MEMBERS)
    with contextlib.closing(members):
        for member, stream in members:
            if stream is not None and posixpath.basename(member.name) == name:
                _copy(stream, target, f"{name} in {archive.name}")
                return True
    return False


def _copy(stream: IO[bytes], target: IO[bytes], what: str) -> None:
    size = 0
    while block := stream.read(bounded_tar.MAX_READ_BYTES):
        size += len(block)
        if size > MAX_MEMBER_BYTES:
            raise ValueError(f"{what} is larger than the {MAX_MEMBER_BYTES} bytes allowed.")
        target.write(block)
