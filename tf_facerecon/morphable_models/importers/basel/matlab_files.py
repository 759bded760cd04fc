"""Numeric arrays from untrusted MATLAB files (version 5 to 7).

Home-made, because `scipy.io.loadmat` (1.17) crashes with a segmentation fault on some damaged
files. Sizes are checked before memory is allocated, and only numeric arrays are read.

Format ("MAT-File Level 5"): a header of 128 bytes, then elements of a tag (type and size, 4 bytes
each; or for small elements size and type in the first 4 bytes and the data in the others) and data,
padded to 8 bytes. A compressed element contains another one. A matrix consists of elements: flags,
dimensions, name, data.
"""

import os
import zlib
from collections.abc import Sequence
from typing import IO

import numpy as np

MAX_ELEMENTS = 1 << 27

_BLOCK = 1 << 20
_MAX_DIMENSIONS = 32
_MAX_NAME = 1 << 10
_MATRIX, _COMPRESSED = 14, 15
_COMPLEX_FLAG = 0x0800
# Storage types of data, and array classes, which may be stored in smaller types.
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4"}
_CLASSES |= {14: "i8", 15: "u8"}
_OTHER_CLASSES = {1: "a cell array", 2: "a structure", 3: "an object", 4: "text", 5: "sparse"}


def read_arrays(stream: IO[bytes], names: Sequence[str], label: str) -> dict[str, np.ndarray]:
    """Reads variables by name.

    Args:
        stream: The file, seekable.
        names: Required variables.
        label: Name of the file in error messages.

    Returns:
        The arrays by name, at least 2-D as in MATLAB.

    Raises:
        ValueError: If the file cannot be read, lacks a variable, or a variable is not an array of
            real, finite numbers.
    """
    file_size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    order = _byte_order(stream.read(128), label)
    arrays: dict[str, np.ndarray | None] = {}
    try:
        while tag := stream.read(8):
            kind, size = _words(tag, order)
            start = stream.tell()
            if kind in (_MATRIX, _COMPRESSED):
                if start + size > file_size:
                    raise ValueError("it ends early")
                contents = _Contents(stream, size, kind == _COMPRESSED)
                if kind == _COMPRESSED and _words(contents.read(8), order)[0] != _MATRIX:
                    raise ValueError("something else than a matrix is compressed")
                name, array = _variable(contents, order, names)
                arrays[name] = array
            stream.seek(start + size)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"{label} is damaged or holds no plain arrays: {error}.") from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(
            f"{label} lacks the variables {', '.join(missing)}. "
            f"Received: {', '.join(sorted(arrays)) or 'none'}."
        )
    for name in names:
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"`{name}` of {label} must hold finite numbers.")
    return {name: arrays[name] for name in names}


class _Contents:
    """The contents of one element, decompressed on demand and never further than requested."""

    def __init__(self, stream: IO[bytes], size: int, compressed: bool):
        self._stream = stream
        self._left = size
        self._inflate = zlib.decompressobj() if compressed else None

    def read(self, count: int) -> bytes:
        if self._inflate is None:
            data = self._packed(count)
        else:
            blocks, needed = [], count
            while needed and not self._inflate.eof:
                packed = self._inflate.unconsumed_tail or self._packed(_BLOCK)
                block = self._inflate.decompress(packed, needed)
                if not packed and not block:
                    break
                blocks.append(block)
                needed -= len(block)
            data = b"".join(blocks)
        if len(data) != count:
            raise ValueError("an array ends early")
        return data

    def _packed(self, count: int) -> bytes:
        data = self._stream.read(min(count, self._left))
        self._left -= len(data)
        return data


def _byte_order(header: bytes, label: str) -> str:
    order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
    if order and np.frombuffer(header[124:126], f"{order}u2")[0] == 0x0100:
        return order
    hint = " (7.3 is another format: save it with -v7)" if b"MATLAB 7.3" in header else ""
    raise ValueError(f"{label} is not a readable MATLAB file of version 5 to 7{hint}.")


def _variable(
    contents: _Contents, order: str, names: Sequence[str]
) -> tuple[str, np.ndarray | None]:
    """Name and array of a matrix; `None` instead of the array if it is not in `names`."""
    flags = np.frombuffer(_element(contents, order, 8)[1], f"{order}u4")
    if flags.size != 2:
        raise ValueError("a matrix has no flags")
    dimensions = np.frombuffer(_element(contents, order, 4 * _MAX_DIMENSIONS)[1], f"{order}i4")
    name = _element(contents, order, _MAX_NAME)[1].decode("latin-1")
    if name not in names:
        return name, None
    kind, shape = int(flags[0]) & 0xFF, tuple(int(size) for size in dimensions)
    count = float(np.prod(dimensions, dtype=np.float64))
    if kind not in _CLASSES or flags[0] & _COMPLEX_FLAG:
        received = (
            "complex ones" if kind in _CLASSES else _OTHER_CLASSES.get(kind, "something else")
        )
        raise ValueError(f"`{name}` must be an array of real numbers, not {received}")
    if len(shape) < 2 or min(shape) < 1 or count > MAX_ELEMENTS:
        raise ValueError(f"`{name}` has shape {shape}")
    stored, data = _element(contents, order, 8 * int(count))
    if stored not in _TYPES or len(data) != count * np.dtype(_TYPES[stored]).itemsize:
        raise ValueError(f"`{name}` has not the {count:.0f} numbers of its shape {shape}")
    array = np.frombuffer(data, f"{order}{_TYPES[stored]}").astype(_CLASSES[kind])
    return name, array.reshape(shape, order="F")


def _element(contents: _Contents, order: str, max_size: int) -> tuple[int, bytes]:
    """Type and data of the next element inside a matrix."""
    tag = contents.read(8)
    kind, size = _words(tag, order)
    if kind >> 16:  # A small element, whose data are in the tag.
        kind, size = kind & 0xFFFF, kind >> 16
        if size > 4:
            raise ValueError(f"a small element has {size} bytes")
        return kind, tag[4 : 4 + size]
    if size > max_size:
        raise ValueError(f"an element has {size} bytes, of {max_size} at most")
    data = contents.read(size)
    contents.read(-size % 8)
    return kind, data


def _words(tag: bytes, order: str) -> tuple[int, int]:
    if len(tag) != 8:
        raise ValueError("it ends early")
    first, second = np.frombuffer(tag, f"{order}u4")
    return int(first), int(second)
