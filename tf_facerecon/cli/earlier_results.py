"""Results of an earlier run, found before anything is computed (`--skip-existing`)."""

import glob
import json
import os
import pathlib
from collections.abc import Iterable, Mapping


def check_source(summary: pathlib.Path, photos: Iterable[pathlib.Path]) -> None:
    """Raises `FileExistsError` if results of the same name are those of other photographs.

    Args:
        summary: JSON file of the results; if it does not exist or is not readable, nothing is
            known of them and nothing is raised.
        photos: Photographs whose results they should be.
    """
    sources = _sources(summary)
    wanted = {os.fspath(photo) for photo in photos}
    same_files = {os.path.realpath(path) for path in wanted}
    if sources and not any(s in wanted or os.path.realpath(s) in same_files for s in sources):
        raise FileExistsError(
            f"{summary} exists already and is of another photograph, {sources[0]}. Choose another "
            "folder for --out."
        )


def find_each(
    folder: pathlib.Path, stem: str, suffixes: Iterable[str]
) -> list[pathlib.Path | None]:
    """The first file for each of `suffixes` after `stem`, `None` where there is none.

    `*` in a suffix is any text: of the files of single photos of a set, one stands for all, since
    sets are written whole or not at all.
    """
    return [min(folder.glob(glob.escape(stem) + suffix), default=None) for suffix in suffixes]


def _sources(summary: pathlib.Path) -> list[str]:
    """The photographs that a summary names."""
    try:
        content = json.loads(summary.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(content, Mapping):
        return []
    images = content.get("images", [content])
    return [image["source"] for image in images if isinstance(image, Mapping) and "source" in image]
