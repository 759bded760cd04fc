"""Reading the files of ICT-FaceKit from a folder or an untrusted archive.

Archives are not extracted: members are read one after the other in memory. Names that lead out of
the archive, links and excessive sizes are refused.
"""

import contextlib
import os
import pathlib
import re
import zipfile
from collections.abc import Iterator
from typing import IO

from tf_facerecon.io import bounded_tar

INDEX_FILE = "vertex_indices.json"
NEUTRAL_FILE = "generic_neutral_mesh.obj"
REPOSITORY = "https://github.com/ICT-VGL/ICT-FaceKit"
# The files are 2.6 MB each, 400 MB in all.
MAX_FILE_BYTES = 32 * 2**20
MAX_TOTAL_BYTES = 2 * 2**30
MAX_MEMBERS = bounded_tar.MAX_MEMBERS
_FOLDER = "FaceXModel"
_DAMAGE = (
    *bounded_tar.DAMAGE,
    zipfile.BadZipFile,
    MemoryError,
    RuntimeError,  # Encrypted or unsupported compression in a zip archive.
)
_WANTED = re.compile(r"[A-Za-z0-9_]+\.obj|" + re.escape(INDEX_FILE))


def read_files(source: str | os.PathLike) -> Iterator[tuple[str, bytes]]:
    """Yields name and content of each mesh and of the index file, in no particular order.

    Args:
        source: Folder of the repository or its `FaceXModel` folder, or a tar or zip archive of
            either; tar may be compressed by gzip, bzip2 or xz.

    Yields:
        File name without folders, and content.

    Raises:
        FileNotFoundError: If `source` does not exist or does not contain ICT-FaceKit.
        ValueError: If the archive is damaged or truncated, or contains an unsafe member.
    """
    path = pathlib.Path(source)
    if not path.exists():
        raise FileNotFoundError(
            f"`source` {str(path)!r} does not exist. Expected ICT-FaceKit ({REPOSITORY}), as a "
            "folder or an archive."
        )
    seen: set[str] = set()
    for name, content in _folder_files(path) if path.is_dir() else _archive_files(path):
        if name in seen:
            raise ValueError(f"{str(path)!r} holds {name} twice: expected one ICT-FaceKit.")
        seen.add(name)
        yield name, content
    missing = sorted({INDEX_FILE, NEUTRAL_FILE} - seen)
    if missing:
        raise FileNotFoundError(
            f"{str(path)!r} lacks {' and '.join(missing)}. Expected the {_FOLDER} folder of "
            f"ICT-FaceKit ({REPOSITORY})."
        )


def _folder_files(folder: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    candidates = [folder, folder / _FOLDER, *sorted(folder.glob(f"*/{_FOLDER}"))]
    found = next((path for path in candidates if (path / NEUTRAL_FILE).is_file()), folder)
    for path in sorted(found.iterdir()):
        if _WANTED.fullmatch(path.name) and path.is_file():
            _check_size(str(path), path.stat().st_size, MAX_FILE_BYTES)
            yield path.name, path.read_bytes()


def _archive_files(path: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    try:
        if zipfile.is_zipfile(path):
            yield from _zip_files(path)
        else:
            yield from _tar_files(path)
    except _DAMAGE as error:
        raise ValueError(
            f"{str(path)!r} is not a readable tar or zip archive (damaged or truncated?): {error}"
        ) from error


def _tar_files(path: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    members = bounded_tar.members(path, max_bytes=MAX_TOTAL_BYTES, max_members=MAX_MEMBERS)
    with contextlib.closing(members):
        for member, stream in members:
            _check_name(path, member.name)
            name = pathlib.PurePosixPath(member.name).name
            if not _WANTED.fullmatch(name):
                continue
            if stream is None:
                raise ValueError(f"{member.name} in {str(path)!r} is not a regular file.")
            _check_size(f"{member.name} in {str(path)!r}", member.size, MAX_FILE_BYTES)
            yield name, _content(stream)


def _content(stream: IO[bytes]) -> bytes:
    return b"".join(iter(lambda: stream.read(bounded_tar.MAX_READ_BYTES), b""))


def _zip_files(path: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    with zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > MAX_MEMBERS:
            raise ValueError(f"{str(path)!r} holds more than {MAX_MEMBERS} files.")
        for member in archive.infolist():
            _check_name(path, member.filename)
            total += member.file_size
            _check_size(str(path), total, MAX_TOTAL_BYTES)
            name = pathlib.PurePosixPath(member.filename).name
            if member.is_dir() or not _WANTED.fullmatch(name):
                continue
            _check_size(f"{member.filename} in {str(path)!r}", member.file_size, MAX_FILE_BYTES)
            with archive.open(member) as file:
                # `file_size` comes from the archive: never read beyond it.
                yield name, file.read(member.file_size)


def _check_name(path: pathlib.Path, name: str) -> None:
    parts = pathlib.PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match(r"[A-Za-z]:", name):
        raise ValueError(f"{str(path)!r} holds the unsafe member name {name!r}: refused.")


def _check_size(what: str, size: int, limit: int) -> None:
    if size > limit:
        raise ValueError(f"{what} holds {size} bytes or more; expected at most {limit}.")
