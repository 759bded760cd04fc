"""Tar archives that nobody vouches for, read member by member without unpacking them.

`tarfile` itself sets no limits: it reads a member's long name or attributes whole, however long the
header says they are, and a small packed archive may unpack without end. Here every byte that it
reads is counted before it is asked for.
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
# Headers may ask for any number of bytes at once. Whoever reads a member asks for no more either.
MAX_READ_BYTES = 1 << 20

# What damage makes the unpackers raise.
DAMAGE = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError)

# First bytes of the ways of packing, as tar archives come.
_UNPACK = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x5d\x00\x00\x80": lzma.open,
}


def members(
    path: str | os.PathLike, *, max_bytes: int, max_members: int = MAX_MEMBERS
) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """The members of an archive, plain or packed by gzip, bzip2 or xz, in their order.

    Args:
        path: The archive; how it is packed is seen from its first bytes.
        max_bytes: Of the whole archive, unpacked.
        max_members: Number of members.

    Yields:
        What the archive says of a member, and of a plain file its bytes, to be read before the
        next member in pieces of at most `MAX_READ_BYTES`; `None` of links, folders and devices.

    Raises:
        ValueError: If a limit is passed. Damage raises one of `DAMAGE`.
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
        start = file.read(max(map(len, _UNPACK)))
    unpack = next((way for magic, way in _UNPACK.items() if start.startswith(magic)), open)
    return unpack(path, "rb")


class _Bounded:
    """What `tarfile` needs of a stream, for at most so many bytes."""

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
