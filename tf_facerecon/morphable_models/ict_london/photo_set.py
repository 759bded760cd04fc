"""Photographs with hand-set points, from a folder or an archive."""

import contextlib
import dataclasses
import io
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from tf_facerecon.io import array_archive, bounded_tar, image_files
from tf_facerecon.morphable_models.ict_london import london_points

SUFFIXES = (".jpg", ".jpeg", ".png")
WHERE_FROM = (
    "Face Research Lab London Set, https://doi.org/10.6084/m9.figshare.5047666, with the points of "
    "its template files as an .npz"
)
_MAX_POINT_BYTES = 256 * 2**20
_MAX_PHOTO_BYTES = 64 * 2**20
_MAX_ARCHIVE_BYTES = 4 * 2**30


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoSet:
    """Photographs of different people, neutral and from the front.

    Attributes:
        names: P file names, sorted.
        images: P arrays `[H, W, 3]` uint8 RGB.
        points: `[P, 189, 2]` (column, row), index of the first pixel 0.
    """

    names: tuple[str, ...]
    images: tuple[np.ndarray, ...]
    points: np.ndarray


def read_photo_set(photos: str | os.PathLike, points: str | os.PathLike) -> PhotoSet:
    """Reads photographs and points.

    Args:
        photos: Folder, or tar archive (plain, gzip, bzip2 or xz), of JPEG or PNG files; files in
            subfolders count, and each is known by its file name.
        points: `.npz` with `names` `[N]`, file names with or without folders, and `points`
            `[N, 189, 2]`; a photograph whose points are all NaN is left out (a person smiling,
            say).

    Raises:
        FileNotFoundError: If `photos` or `points` does not exist, or a photograph that has points
            is missing.
        ValueError: If a file is damaged, a photograph has no row of points, only some of its points
            are known, or a point lies outside the photograph.
    """
    rows = _read_points(points)
    images: dict[str, np.ndarray] = {}
    unknown = []
    for name, content in _photo_files(pathlib.Path(photos)):
        if name in images:
            raise ValueError(f"{os.fspath(photos)!r} holds two photographs called {name}.")
        if name not in rows:
            unknown.append(name)
            continue
        if rows[name] is not None:
            images[name] = image_files.photo_from_array(_decoded(name, content), name)
            _check_inside(name, images[name], rows[name])
    if unknown:
        raise ValueError(
            f"{len(unknown)} photographs of {os.fspath(photos)!r} have no points in "
            f"{os.fspath(points)!r}: {', '.join(unknown[:5])}{' ...' if len(unknown) > 5 else ''}."
        )
    missing = [name for name, row in rows.items() if row is not None and name not in images]
    if missing:
        raise FileNotFoundError(
            f"{os.fspath(photos)!r} lacks {len(missing)} photographs that have points in "
            f"{os.fspath(points)!r}: {', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}."
        )
    names = tuple(sorted(images))
    return PhotoSet(
        names, tuple(images[name] for name in names), np.stack([rows[name] for name in names])
    )


def _read_points(path: str | os.PathLike) -> dict[str, np.ndarray | None]:
    """Points by file name, `None` for a photograph without them."""
    label = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file of points {label!r}. Expected: {WHERE_FROM}.")
    try:
        members = array_archive.read_archive(path, max_bytes=_MAX_POINT_BYTES)
    except ValueError as error:
        raise ValueError(f"{label!r} is not a readable file of points (.npz): {error}") from error
    names, points = members.get("names"), members.get("points")
    shape = (None if names is None else len(names), london_points.NUM_POINTS, 2)
    if names is None or names.ndim != 1 or names.dtype.kind != "U":
        raise ValueError(f"{label!r} must hold `names`, one text for each photograph.")
    if points is None or points.shape != shape or points.dtype.kind != "f":
        received = "none" if points is None else f"{points.dtype} {points.shape}"
        raise ValueError(f"{label!r} must hold `points` of shape {shape}. Received: {received}.")
    rows: dict[str, np.ndarray | None] = {}
    for name, row in zip(names.tolist(), points.astype(np.float64), strict=True):
        name = pathlib.PurePosixPath(name).name
        if name in rows:
            raise ValueError(f"{label!r} holds two rows of points for {name}.")
        unknown = ~np.isfinite(row).all(axis=1)
        if unknown.any() and not unknown.all():
            raise ValueError(
                f"{label!r}: {name} has {np.count_nonzero(unknown)} points that are not numbers, "
                f"point {int(np.argmax(unknown))} for one. Expected all or none."
            )
        rows[name] = None if unknown.all() else row
    if all(row is None for row in rows.values()):
        raise ValueError(f"{label!r} holds no points of any photograph.")
    return rows


def _photo_files(path: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    if not path.exists():
        raise FileNotFoundError(f"There are no photographs {str(path)!r}. Expected: {WHERE_FROM}.")
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in SUFFIXES and file.is_file():
                yield file.name, file.read_bytes()
        return
    try:
        members = bounded_tar.members(path, max_bytes=_MAX_ARCHIVE_BYTES)
        with contextlib.closing(members):
            for member, stream in members:
                name = pathlib.PurePosixPath(member.name)
                if stream is None or name.suffix.lower() not in SUFFIXES:
                    continue
                if member.size > _MAX_PHOTO_BYTES:
                    raise ValueError(f"{member.name} in {str(path)!r} is too large.")
                blocks = iter(lambda: stream.read(bounded_tar.MAX_READ_BYTES), b"")  # noqa: B023
                yield name.name, b"".join(blocks)
    except bounded_tar.DAMAGE as error:
        raise ValueError(
            f"{str(path)!r} is not a readable tar archive (damaged or truncated?): {error}"
        ) from error


def _decoded(name: str, content: bytes) -> np.ndarray:
    import PIL.Image

    try:
        with PIL.Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise ValueError(f"{name} is not a readable photograph: {error}") from error


def _check_inside(name: str, image: np.ndarray, points: np.ndarray) -> None:
    height, width = image.shape[:2]
    outside = ((points < 0) | (points > [width - 1, height - 1])).any(axis=1)
    if outside.any():
        number = int(np.argmax(outside))
        raise ValueError(
            f"{name}: point {number} lies at {points[number].tolist()} (column, row), outside the "
            f"photograph of {width} x {height} pixels."
        )
