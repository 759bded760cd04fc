"""Photographs with hand-set points, from a folder or an archive."""

import dataclasses
import os
import pathlib

import numpy as np

from tf_facerecon.io import array_archive, photo_archive
from tf_facerecon.morphable_models.ict_london import london_points

WHERE_FROM = (
    "Face Research Lab London Set, https://doi.org/10.6084/m9.figshare.5047666, with the points of "
    "its template files as an .npz"
)
_MAX_POINT_BYTES = 256 * 2**20


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
    if not os.path.exists(photos):
        raise FileNotFoundError(
            f"There are no photographs {os.fspath(photos)!r}. Expected: {WHERE_FROM}."
        )
    for path, content in photo_archive.photo_files(photos):
        name = path.name
        if name in images:
            raise ValueError(f"{os.fspath(photos)!r} holds two photographs called {name}.")
        if name not in rows:
            unknown.append(name)
            continue
        if rows[name] is not None:
            images[name] = photo_archive.decode_photo(name, content)
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


def _check_inside(name: str, image: np.ndarray, points: np.ndarray) -> None:
    height, width = image.shape[:2]
    outside = ((points < 0) | (points > [width - 1, height - 1])).any(axis=1)
    if outside.any():
        number = int(np.argmax(outside))
        raise ValueError(
            f"{name}: point {number} lies at {points[number].tolist()} (column, row), outside the "
            f"photograph of {width} x {height} pixels."
        )
