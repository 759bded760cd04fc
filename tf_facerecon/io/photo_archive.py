"""Photographs in a folder or a tar archive, one after the other."""

import contextlib
import io
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from tf_facerecon.io import bounded_tar, image_files

SUFFIXES = (".jpg", ".jpeg", ".png")
_MAX_PHOTOS = 1_000_000
_MAX_PHOTO_BYTES = 64 * 2**20
_MAX_ARCHIVE_BYTES = 64 * 2**30


def photo_files(path: str | os.PathLike) -> Iterator[tuple[pathlib.PurePosixPath, bytes]]:
    """Iterates over the JPEG and PNG files of a folder, subfolders included, or of an archive.

    Args:
        path: Folder, or tar archive (plain, gzip, bzip2 or xz).

    Yields:
        Path within the folder or archive, and content; sorted by path for a folder.

    Raises:
        FileNotFoundError: If there is neither.
        ValueError: If the archive is damaged or too large.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no folder or archive of photographs {str(path)!r}.")
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in SUFFIXES and file.is_file():
                yield pathlib.PurePosixPath(file.relative_to(path)), file.read_bytes()
        return
    try:
        members = bounded_tar.members(path, max_bytes=_MAX_ARCHIVE_BYTES, max_members=_MAX_PHOTOS)
        with contextlib.closing(members):
            for member, stream in members:
                name = pathlib.PurePosixPath(member.name)
                if stream is None or name.suffix.lower() not in SUFFIXES:
                    continue
                if member.size > _MAX_PHOTO_BYTES:
                    raise ValueError(f"{member.name} in {str(path)!r} is too large.")
                blocks = iter(lambda: stream.read(bounded_tar.MAX_READ_BYTES), b"")  # noqa: B023
                yield name, b"".join(blocks)
    except bounded_tar.DAMAGE as error:
        raise ValueError(
            f"{str(path)!r} is not a readable tar archive (damaged or truncated?): {error}"
        ) from error


def decode_photo(name: str, content: bytes) -> np.ndarray:
    """The photograph `[H, W, 3]` uint8 RGB of a JPEG or PNG file.

    Args:
        name: Name in messages.
        content: The file.

    Raises:
        ValueError: If it cannot be read.
    """
    import PIL.Image

    try:
        with PIL.Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            return image_files.photo_from_array(np.asarray(image.convert("RGB")), name)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise ValueError(f"{name} is not a readable photograph: {error}") from error
