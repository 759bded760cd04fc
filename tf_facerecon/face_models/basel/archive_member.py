"""One file out of an archive that nobody vouches for.

Nothing is ever unpacked by the name it has in the archive: the bytes of the wanted member go to an
unnamed temporary file, so that names with `..`, links and devices can do no harm. Sizes are limited
before and while bytes are read, because a small archive can unpack to a full disk.
"""

import contextlib
import gzip
import os
import pathlib
import posixpath
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_MEMBER_BYTES = 1 << 30
MAX_ARCHIVE_BYTES = 1 << 33  # Of all members of a tar archive, unpacked.
MAX_MEMBERS = 10_000

_MAX_READ = 1 << 24  # Headers of a tar archive may ask for any number of bytes at once.
_BLOCK = 1 << 20
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


def is_archive(path: str | os.PathLike) -> bool:
    """Whether the name of `path` is one of an archive that can be looked into."""
    return pathlib.Path(path).name.lower().endswith(ARCHIVE_SUFFIXES)


@contextlib.contextmanager
def open_member(archive: str | os.PathLike, name: str) -> Iterator[IO[bytes] | None]:
    """The first plain file called `name` in any folder of `archive`, as a seekable stream.

    Args:
        archive: Path of a `.zip`, `.tar`, `.tar.gz` or `.tgz` file.
        name: File name without folders.

    Yields:
        The bytes of the member in a temporary file that is gone afterwards; `None` if the archive
        has no such member.

    Raises:
        ValueError: If the archive is damaged or encrypted, or unpacks to more than the limits of
            this module.
    """
    archive = pathlib.Path(archive)
    with tempfile.TemporaryFile() as temporary:
        try:
            copy = _copy_from_zip if archive.name.lower().endswith(".zip") else _copy_from_tar
            found = copy(archive, name, temporary)
        except (*_BROKEN, NotImplementedError) as error:
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
    plain = archive.name.lower().endswith(".tar")
    with open(archive, "rb") if plain else gzip.open(archive) as stream:
        with tarfile.open(fileobj=_Bounded(stream, archive.name), mode="r:") as file:
            for number, member in enumerate(file):
                if number >= MAX_MEMBERS:
                    raise ValueError(
                        f"The archive {archive.name!r} holds more than {MAX_MEMBERS} files."
                    )
                if posixpath.basename(member.name) == name and member.isreg():
                    _copy(file.extractfile(member), target, f"{name} in {archive.name}")
                    return True
    return False


def _copy(stream: IO[bytes], target: IO[bytes], what: str) -> None:
    size = 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > MAX_MEMBER_BYTES:
            raise ValueError(f"{what} is larger than the {MAX_MEMBER_BYTES} bytes allowed.")
        target.write(block)


class _Bounded:
    """What `tarfile` needs of a stream, for at most so many bytes."""

    def __init__(self, stream: IO[bytes], name: str):
        self._stream = stream
        self._name = name

    def read(self, size: int) -> bytes:
        self._check(size <= _MAX_READ and self._stream.tell() + size <= MAX_ARCHIVE_BYTES)
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        self._check(position <= MAX_ARCHIVE_BYTES)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, within_limits: bool) -> None:
        if not within_limits:
            raise ValueError(f"The archive {self._name!r} unpacks to more than is allowed.")
