"""Text files with the landmarks of a face in a photograph, and which photograph they belong to.

Formats:
    `.txt`: one line `column row` per point, pixels, top-left pixel (0, 0); `#` begins a comment.
    `.pts`, as of 300-W (ibug.doc.ic.ac.uk/resources/300-W): `version: 1`, `n_points: 68`, then one
    line `column row` per point between braces. Its top-left pixel is (1, 1), so 1 is subtracted.
"""

import collections
import pathlib
import re
from collections.abc import Iterable

import numpy as np

from tf_facerecon.io import text_files

SUFFIXES = (".txt", ".pts")
ORDERS = {
    5: "5 (eye on the image's left, eye on its right, nose tip, mouth corner on the left, on the "
    "right)",
    68: "68 (iBUG order)",
}
_PTS = re.compile(r"(?P<header>[^{}]*)\{(?P<rows>[^{}]*)\}\s*")
_PTS_COUNT = re.compile(r"^\s*n_points\s*:\s*(\d+)\s*$", re.MULTILINE)


def points_path(photo: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Path of the point file of `photo` in `folder`.

    Returns:
        The first that exists of `<photo>.jpg.txt`, `<photo>.jpg.pts`, `<photo>.txt` and
        `<photo>.pts`; `<photo>.txt` if none does.
    """
    candidates = (
        folder / f"{name}{suffix}" for name in (photo.name, photo.stem) for suffix in SUFFIXES
    )
    return next(filter(pathlib.Path.is_file, candidates), folder / f"{photo.stem}.txt")


def match_points(
    photos: Iterable[pathlib.Path], folder: pathlib.Path
) -> tuple[dict[pathlib.Path, pathlib.Path], list[pathlib.Path]]:
    """Assigns the point files of a folder to photographs.

    `me.jpg.txt` (or `.pts`) belongs to `me.jpg`; `me.txt` to the only photograph `me` that has no
    file of its full name.

    Args:
        photos: All photographs.
        folder: Point files, `SUFFIXES`; hidden files and others are ignored.

    Returns:
        The point file of each photograph that has one, and the files that belong to none.

    Raises:
        ValueError: If a file fits several photographs, or several files fit one.
        OSError: If the folder cannot be listed.
    """
    by_name = collections.defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            by_name[path.stem].append(path)
    photos = list(photos)
    fitting = {p: by_name[p.name] if p.name in by_name else by_name.get(p.stem, []) for p in photos}
    owners = collections.defaultdict(list)
    for photo, files in fitting.items():
        if len(files) > 1:
            raise ValueError(f"{files[0]} and {files[1]} both fit {photo}; remove one of them.")
        for path in files:
            owners[path].append(photo)
    for path, several in owners.items():
        if len(several) > 1:
            raise ValueError(
                f"{path} fits several photographs, {several[0]} and {several[1]}. Name it after "
                f"the whole name of one, {several[0].name}{path.suffix}, or reconstruct "
                "photographs of the same name in separate runs."
            )
    unused = [path for paths in by_name.values() for path in paths if path not in owners]
    return {photo: files[0] for photo, files in fitting.items() if files}, sorted(unused)


def read_points(path: pathlib.Path, *counts: int) -> np.ndarray:
    """Reads points from a text file.

    Args:
        path: The file, in the format of its suffix; another one than `.pts` means that of `.txt`.
        *counts: Allowed numbers of points, of 5 and 68.

    Returns:
        float64 `[count, 2]`, finite, pixels `(column, row)`, top-left pixel (0, 0).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not hold that many rows of two finite numbers; the message names the
            file and the expected order.
    """
    expected = f"{' or '.join(map(str, counts))} rows of two finite numbers `column row`"
    order = f"the points are {' or '.join(ORDERS[count] for count in counts)}"
    text, is_pts = text_files.read_text(path), path.suffix.lower() == ".pts"
    if is_pts:
        text, expected = _between_braces(path, text), f"{expected} between braces"
    rows = [row for row in (line.split("#")[0].split() for line in text.split("\n")) if row]
    if not rows:
        raise ValueError(f"{path} must hold {expected}; {order}. Received: an empty file.")
    try:
        points = np.array([[float(word) for word in row] for row in rows])
    except ValueError as error:
        raise ValueError(
            f"{path} does not hold rows of numbers: {error}. Expected: {expected}; {order}."
        ) from error
    if points.shape not in [(count, 2) for count in counts] or not np.isfinite(points).all():
        raise ValueError(
            f"{path} must hold {expected}; {order}. Received: shape {list(points.shape)}, "
            f"{np.isfinite(points).sum()} of them finite."
        )
    return points - 1.0 if is_pts else points


def _between_braces(path: pathlib.Path, text: str) -> str:
    """The rows of a `.pts` file.

    Raises:
        ValueError: If the file is not in this format, or has not as many rows as it says.
    """
    parts = _PTS.fullmatch(text)
    if parts is None:
        raise ValueError(
            f"{path} is not a .pts file: expected `version: 1`, `n_points: 68`, then the rows "
            "between braces."
        )
    count = _PTS_COUNT.search(parts["header"])
    num_rows = sum(bool(line.strip()) for line in parts["rows"].split("\n"))
    if count and int(count[1]) != num_rows:
        raise ValueError(
            f"{path} must hold as many rows as `n_points`. Received: {num_rows} and {count[1]}."
        )
    return parts["rows"]
