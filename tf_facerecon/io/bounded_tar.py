"""Untrusted tar archives, read member by member without extracting them to disk.

`tarfile` sets no limits (its `filter="data"` only guards the paths of extracted files): it reads a
member's long name or attributes whole, whatever length the header claims, and a small compressed
archive may expand without end. Here every read is checked against a limit first.
"""

import bz2
import contextlib
import gzip
import lzma
import os
import pathlib
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO

MAX_MEMBERS = 10_000
# Headers may claim any number of bytes. Callers must not read more than this at once either.
MAX_READ_BYTES = 1 << 20

# What damaged archives make the standard library raise.
DAMAGE = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError)

# Magic bytes of the compression formats.
_OPENERS = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x5d\x00\x00\x80": lzma.open,
}


def members(
    path: str | os.PathLike, *, max_bytes: int, max_members: int = MAX_MEMBERS
) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Iterates over the members of an archive, uncompressed or compressed by gzip, bzip2 or xz.

    Args:
        path: The archive; its compression is detected from the first bytes.
        max_bytes: Largest decompressed size of the whole archive.
        max_members: Largest number of members.

    Yields:
        Header of each member, and for a regular file the stream of its contents, which must be read
        before the next member and in blocks of at most `MAX_READ_BYTES`; `None` for links, folders
        and devices.

    Raises:
        ValueError: If a limit is exceeded. Damaged archives raise one of `DAMAGE`.
    """
    path = pathlib.Path(path)
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(_opened(path))
        bounded = _Bounded(stream, path.name, max_bytes)
        archive = stack.enter_context(tarfile.open(fileobj=bounded, mode="r:"))
        for number, member in enumerate(archive):
            if number >= max_members:
                raise ValueError(f"The archive {path.name!r} holds more than {max_members} files.")
            yield member, archive.extractfile(member) if member.isreg() else None


def _opened(path: pathlib.Path) -> IO[bytes]:
    with open(path, "rb") as file:
        start = file.read(max(map(len, _OPENERS)))
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), open)
    return opener(path, "rb")


class _Bounded:
    """The part of the stream interface that `tarfile` uses, with a limit on the bytes read."""

    def __init__(self, stream: IO[bytes], name: str, max_bytes: int):
        self._stream = stream
        self._name = name
        self._max_bytes = max_bytes

    def read(self, size: int) -> bytes:
        if size > MAX_READ_BYTES:
            raise ValueError(
                f"The archive {self._name!r} holds a header of {size} bytes; at most "
                f"{MAX_READ_BYTES} are allowed."
            )
        self._check(self._stream.tell() + size)
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, end: int) -> None:
        if end > self._max_bytes:
            raise ValueError(
                f"The archive {self._name!r} unpacks to more than is allowed "
                f"({self._max_bytes} bytes)."
            )
