"""Named arrays in one file: a `.npz` without pickle that can be memory-mapped.

`numpy.load` ignores `mmap_mode` for `.npz` files, and `numpy.savez` writes neither aligned nor
reproducible ones. Files are untrusted: nothing is unpickled, no array may be larger than its
member, no archive larger than a limit. Damaged and malicious files raise `ValueError`.
"""

import io
import lzma
import math
import mmap
import os
import pathlib
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from tf_facerecon.io import atomic_files

# Against decompression bombs.
MAX_BYTES = 2**32

_ALIGNMENT = 64
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
# What a damaged or malicious archive makes the standard library and NumPy raise.
UNREADABLE = (
    ValueError, TypeError, OSError, EOFError, KeyError, OverflowError, NotImplementedError,
    RuntimeError, MemoryError, struct.error, zipfile.BadZipFile, lzma.LZMAError, zlib.error,
    tokenize.TokenError, SyntaxError,  # NumPy parses a header it cannot read as Python 2's.
)  # fmt: skip


def write_archive(
    path: str | os.PathLike, members: Mapping[str, np.ndarray], *, compress: bool = False
) -> None:
    """Writes arrays for `numpy.load` and `read_archive`; equal arrays give identical files.

    Args:
        path: The file; written atomically.
        members: Arrays of numbers or text by name.
        compress: Whether to deflate them; they cannot be memory-mapped then.
    """
    with (
        atomic_files.atomic_path(path) as temporary,
        open(temporary, "wb") as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for name, array in members.items():
            _write_member(archive, name, np.asarray(array, order="C"), compress)


def read_archive(
    path: str | os.PathLike, *, mapped: bool = False, max_bytes: int | None = None
) -> dict[str, np.ndarray]:
    """Reads an archive of arrays.

    Args:
        path: The file.
        mapped: Whether to memory-map uncompressed arrays: processes share one copy, and pages are
            loaded on first use. The file must not be changed in place.
        max_bytes: Largest accepted decompressed size; 4 GiB by default.

    Returns:
        Read-only arrays by name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read; the message does not name the file.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if mapped else None
            return _read_members(archive, mapping, MAX_BYTES if max_bytes is None else max_bytes)
    except UNREADABLE as error:
        raise ValueError(str(error) or type(error).__name__) from error


def array_bytes(array: np.ndarray) -> memoryview:
    """The raw bytes of an array in C order, without a copy if it is contiguous."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.uint8).data


def _write_member(archive: zipfile.ZipFile, name: str, array: np.ndarray, compress: bool) -> None:
    """Adds an array; without compression its data are aligned to 64 bytes in the file."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    info = zipfile.ZipInfo(f"{name}.npy")  # Default time stamp (1980): reproducible files.
    info.file_size = header.tell() + array.nbytes
    if compress:
        info.compress_type = zipfile.ZIP_DEFLATED
    else:
        start = archive.fp.tell() + _LOCAL_HEADER.size + len(info.filename) + 4 + header.tell()
        padding = -start % _ALIGNMENT
        # Padding as a zip extra field, which readers skip: private tag, length, zeros.
        info.extra = struct.pack("<HH", 0xFAC3, padding) + bytes(padding)
    with archive.open(info, "w") as member:
        member.write(header.getvalue())
        member.write(array_bytes(array))


def _read_members(
    archive: zipfile.ZipFile, mapping: mmap.mmap | None, max_bytes: int
) -> dict[str, np.ndarray]:
    """All arrays of an archive, by the names of its members."""
    infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    names = [info.filename.removesuffix(".npy") for info in infos]
    if len(set(names)) != len(names):
        raise ValueError("two members have the same name")
    size = sum(info.file_size for info in infos)
    if size > max_bytes:
        raise ValueError(f"it holds {size} bytes, and no more than {max_bytes} are read")
    return {
        name: _read_member(archive, info, mapping) for name, info in zip(names, infos, strict=True)
    }


def _read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, mapping: mmap.mmap | None
) -> np.ndarray:
    """One array, read or memory-mapped, of exactly the size of its member."""
    with archive.open(info) as stream:
        dtype, shape, order = _read_header(info.filename, stream)
        start = stream.tell()
        size = dtype.itemsize * math.prod(shape)
        if size != info.file_size - start:
            raise ValueError(
                f"{info.filename} declares {size} bytes of {dtype} and holds "
                f"{info.file_size - start}"
            )
        if mapping is not None and info.compress_type == zipfile.ZIP_STORED:
            offset = _data_offset(mapping, info) + start
            buffer = memoryview(mapping)[offset : offset + size]
        else:
            buffer = stream.read(size)
    if len(buffer) != size:
        raise ValueError(f"{info.filename} ends after {len(buffer)} of {size} bytes")
    return np.ndarray(shape, dtype, buffer=buffer, order=order)


def _read_header(name: str, stream: io.BufferedIOBase) -> tuple[np.dtype, tuple[int, ...], str]:
    """Data type, shape and memory order from a `.npy` header; refuses objects."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"{name} has version {version} of the .npy format; 1 or 2 is read")
    if dtype.kind not in "fiubU" or dtype.shape or dtype.itemsize == 0:
        raise ValueError(f"{name} holds {dtype}, not numbers or text (nothing is unpickled)")
    if any(size < 0 for size in shape):
        raise ValueError(f"{name} declares the impossible shape {shape}")
    return dtype, shape, "F" if fortran else "C"


def _data_offset(mapping: mmap.mmap, info: zipfile.ZipInfo) -> int:
    """Offset of a member's data in the file: after its local header, whose length varies."""
    header = _LOCAL_HEADER.unpack_from(mapping, info.header_offset)
    return info.header_offset + _LOCAL_HEADER.size + header[-2] + header[-1]
