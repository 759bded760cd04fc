"""Photographs given on the command line: listing them, naming their results, reporting failures."""

import collections
import contextlib
import os
import pathlib
import re
import sys
from collections.abc import Iterable

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")


def list_photos(path: pathlib.Path) -> list[pathlib.Path]:
    """The given file, or the images directly inside a folder."""
    if not path.is_dir():
        return [path]
    inside = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    if not inside:
        raise ValueError(f"{path} contains no images ({', '.join(IMAGE_SUFFIXES)}).")
    return inside


def each_once(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """`paths` without those that resolve to the same file as an earlier one."""
    first = {}
    for path in paths:
        first.setdefault(os.path.realpath(path), path)
    return list(first.values())


def list_all_photos(
    paths: Iterable[pathlib.Path],
) -> tuple[list[pathlib.Path], dict[pathlib.Path, Exception]]:
    """`list_photos` of all `paths` without duplicates, and the error of each path that failed.

    Raises:
        ValueError: If no path contains a photograph.
    """
    photos, failures = [], {}
    for path in paths:
        try:
            photos.extend(list_photos(path))
        except (OSError, ValueError) as error:
            failures[path] = error
    if not photos:
        raise next(iter(failures.values()))
    return each_once(photos), failures


def check_out(out: pathlib.Path, paths: Iterable[pathlib.Path]) -> None:
    """Raises `ValueError` if results would be written among the input photographs."""
    for path in paths:
        if path.is_dir() and path.resolve() == out.resolve():
            raise ValueError(f"--out {out} is a folder of photographs; choose another folder.")


def choose_stems(photos: list[pathlib.Path]) -> list[str]:
    """One output name per photo, so that no two photos write the same file.

    Photos whose names clash get their suffix, then a number.
    """
    num_writers = collections.Counter(name for photo in photos for name in _writers(_stem(photo)))
    num_photos = collections.Counter(_stem(photo).lower() for photo in photos)
    stems, taken, reserved = [], set(), set()
    for photo in photos:
        stem = _stem(photo)
        own = stem.lower()
        clashes = num_writers[own] > 1 or any(num_photos[name] for name in _writers(stem) - {own})
        if clashes and photo.suffix:
            stem = f"{stem}_{photo.suffix.lstrip('.').lower()}"
        name, number = stem, 2
        while name.lower() in reserved or _writers(name) & taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name.lower())
        reserved |= _writers(name)
        stems.append(name)
    return stems


def _stem(photo: pathlib.Path) -> str:
    """A file name without its suffix; bytes that are not UTF-8 are replaced."""
    return os.fsencode(photo.stem).decode("utf-8", "replace")


def _writers(stem: str) -> set[str]:
    """Lower-case stems whose photos write a file that begins with `stem`: `a` for `a_face2`.

    The second face of `a.jpg` is written as `a_face2`, and its neutral mesh as `a_face2_neutral`.
    """
    stem = stem.lower()
    without_neutral = re.sub(r"_neutral$", "", stem)
    without_face = (re.sub(r"_face\d+$", "", name) for name in (stem, without_neutral))
    return {stem, without_neutral, *without_face}


def choose_set_names(folders: list[pathlib.Path]) -> list[str]:
    """One name per folder; folders of the same name are numbered."""
    names, taken = [], set()
    for folder in folders:
        own = folder.resolve().name or "set"
        name, number = own, 2
        while name.lower() in taken:
            name, number = f"{own}_{number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names


def remove_if_empty(folder: pathlib.Path) -> None:
    """Removes the output folder if nothing was written to it."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def report_failures(failures: dict) -> int:
    """Prints every failure with its cause; returns the exit code."""
    for source, error in failures.items():
        print(f"failed: {source}: {str(error) or type(error).__name__}", file=sys.stderr)
    return 1 if failures else 0
