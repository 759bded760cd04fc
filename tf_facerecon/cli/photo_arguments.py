"""Photographs given on the command line: listing them, naming their results, reporting failures."""

import collections
import contextlib
import dataclasses
import os
import pathlib
import re
import sys
from collections.abc import Iterable, Mapping

from tf_facerecon.io import image_formats
from tf_facerecon.photos import point_files

# Values of `--format`: names of `deep3d_files`.
DEEP3D_FLAVOURS = {"deep3d": "pytorch", "deep3d-tf1": "tensorflow"}
_MAX_LISTED = 10  # Names in one message.


@dataclasses.dataclass(frozen=True)
class PhotoArguments:
    """The photographs that arguments refer to.

    Attributes:
        photos: Files, each once.
        failures: The error of each argument that contributes none.
        not_read: Names of everything else inside each folder, folders with a final slash.
    """

    photos: list[pathlib.Path]
    failures: dict[pathlib.Path, Exception]
    not_read: dict[pathlib.Path, list[str]]


def list_photos(path: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
    """The given file, or the photographs directly inside a folder, and names of what else is there.

    Hidden files are neither.

    Raises:
        ValueError: If a folder holds no photographs.
    """
    if not path.is_dir():
        return [path], []
    inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    photos = [p for p in inside if image_formats.is_photo_name(p) and not p.is_dir()]
    others = [f"{p.name}/" if p.is_dir() else p.name for p in inside if p not in set(photos)]
    if not photos:
        found = f" Found: {_listed(others)}." if others else ""
        raise ValueError(f"{path} contains no images of a format that is read.{found}")
    return photos, others


def each_once(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """`paths` without those that resolve to the same file as an earlier one."""
    first = {}
    for path in paths:
        first.setdefault(os.path.realpath(path), path)
    return list(first.values())


def list_all_photos(paths: Iterable[pathlib.Path]) -> PhotoArguments:
    """`list_photos` of all `paths`, each photograph once.

    Raises:
        ValueError: If no path contains a photograph.
    """
    photos, failures, not_read = [], {}, {}
    for path in paths:
        try:
            inside, others = list_photos(path)
        except (OSError, ValueError) as error:
            failures[path] = error
            continue
        photos.extend(inside)
        if others:
            not_read[path] = others
    if not photos:
        raise next(iter(failures.values()))
    return PhotoArguments(each_once(photos), failures, not_read)


def report_not_read(not_read: Mapping[pathlib.Path, list[str]]) -> None:
    """Prints what inside the folders was not taken for a photograph."""
    for folder, names in not_read.items():
        print(f"not read: {len(names)} in {folder}: {_listed(names)}", file=sys.stderr)


def find_points(
    photos: Iterable[pathlib.Path], folder: pathlib.Path | None
) -> dict[pathlib.Path, pathlib.Path]:
    """The file of `--points` of each photograph that has one; warns about files that fit none.

    Raises:
        ValueError: If a file fits several photographs; the message names them.
        OSError: If the folder cannot be listed.
    """
    if folder is None:
        return {}
    try:
        matched, unused = point_files.match_points(photos, folder)
    except ValueError as error:
        raise ValueError(f"--points: {error}") from error
    names = _listed([path.name for path in unused])
    if unused:
        print(
            f"warning: --points {folder}: {len(unused)} file(s) fit no photograph: {names}",
            file=sys.stderr,
        )
    elif not matched:
        print(
            f"warning: --points {folder} holds no file for any of the photographs; the points of "
            "photo.jpg are photo.txt, photo.pts or photo.jpg.txt",
            file=sys.stderr,
        )
    return matched


def _listed(names: list[str]) -> str:
    """The first names, separated by commas, and how many more there are."""
    more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


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


def report_names(photos: Iterable[pathlib.Path], stems: Iterable[str]) -> None:
    """Prints the names of results that are not those of their photographs."""
    for photo, stem in zip(photos, stems, strict=True):
        if stem != _stem(photo):
            print(f"{stem}: from {os.fsencode(photo).decode('utf-8', 'replace')}")


def remove_if_empty(folder: pathlib.Path) -> None:
    """Removes the output folder if nothing was written to it."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def report_failures(failures: dict) -> int:
    """Prints every failure with its cause; returns the exit code."""
    for source, error in failures.items():
        print(f"failed: {source}: {str(error) or type(error).__name__}", file=sys.stderr)
    return 1 if failures else 0
