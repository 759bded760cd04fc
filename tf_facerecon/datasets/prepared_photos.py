"""Files of a prepared folder, which `photo_preparation` writes: crops, labels and an index.

Layout of the prepared folder:
    index.json                    processed photographs and their files; the next run skips them
    skipped.txt                   photographs that are not usable, each with the reason
    crops/any/photo.jpg.png       the crop, `[224, 224, 3]`
    crops/any/photo.jpg.npz       `skin` uint8 `[224, 224, 1]` (255 p), `landmarks` `[68, 2]`,
                                  `landmark_weights` `[68]` (0 without landmarks),
                                  `five_points` `[5, 2]`, pixels of the crop
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping

import numpy as np

from tf_facerecon.io import array_archive, atomic_files, image_files

_FORMAT = 2
_INDEX = "index.json"
_MAX_LABEL_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class PreparedPhotos:
    """A prepared folder.

    Attributes:
        folder: Its path.
        names: Usable photographs, relative to the folder of photographs, sorted.
        skipped: The others, with the reason by name.
    """

    folder: pathlib.Path
    names: tuple[str, ...]
    skipped: Mapping[str, str]

    def load(self, name: str) -> dict[str, np.ndarray]:
        """Crop and labels of one photograph.

        Raises:
            FileNotFoundError: If its files were removed.
            ValueError: If one is damaged; the message names it.
        """
        image_path, labels_path = _crop_paths(self.folder, name)
        try:
            labels = array_archive.read_archive(labels_path, max_bytes=_MAX_LABEL_BYTES)
        except ValueError as error:
            raise ValueError(f"{labels_path} is damaged: {error}. Remove it.") from error
        return {"image": image_files.read_image(image_path), **labels}


def write_skipped(prepared_folder: pathlib.Path, entries: Mapping[str, dict]) -> PreparedPhotos:
    """Writes `skipped.txt` and returns the usable and the skipped photographs."""
    skipped = {name: entry["skipped"] for name, entry in entries.items() if "skipped" in entry}
    lines = [f"{name}\t{' '.join(reason.split())}\n" for name, reason in skipped.items()]
    # File names need not be valid Unicode: other bytes are written as escape sequences.
    text = "".join(lines).encode("utf-8", "backslashreplace").decode("utf-8")
    atomic_files.write_text(prepared_folder / "skipped.txt", text)
    names = tuple(name for name in entries if name not in skipped)
    return PreparedPhotos(prepared_folder, names, skipped)


def _crop_paths(prepared_folder: pathlib.Path, name: str) -> tuple[pathlib.Path, pathlib.Path]:
    return tuple(prepared_folder / "crops" / f"{name}{suffix}" for suffix in (".png", ".npz"))


def has_crop(prepared_folder: pathlib.Path, name: str) -> bool:
    """Whether crop and labels of a photograph exist."""
    return all(path.is_file() for path in _crop_paths(prepared_folder, name))


def write_crop(prepared_folder: pathlib.Path, name: str, labels: Mapping[str, np.ndarray]) -> None:
    """Writes `image` and the other arrays of one photograph."""
    image_path, labels_path = _crop_paths(prepared_folder, name)
    image_files.write_image(image_path, labels["image"], compression=image_files.FAST_COMPRESSION)
    others = {key: value for key, value in labels.items() if key != "image"}
    array_archive.write_archive(labels_path, others, compress=True)


def read_index(prepared_folder: pathlib.Path, settings: dict) -> dict[str, dict]:
    """Reads the entries of an earlier run with the same settings; empty if there is none.

    Raises:
        ValueError: If the folder holds other files, or the index is damaged.
    """
    path = prepared_folder / _INDEX
    if not path.is_file():
        if prepared_folder.is_dir() and not _is_unused(prepared_folder):
            raise ValueError(f"{prepared_folder} holds other files; expected a new, empty folder.")
        return {}
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        is_same = index["format"] == _FORMAT and index["settings"] == settings
        entries = index["photos"]
        if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
            raise TypeError('"photos" does not map names to entries')
        return entries if is_same else {}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}. Remove {prepared_folder}.") from error


def is_index(path: pathlib.Path) -> bool:
    """Whether `path` is the index of a prepared folder, not another file of that name."""
    if path.name != _INDEX or not (path.parent / "crops").is_dir():
        return False
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(index, dict) and index.keys() >= {"format", "settings", "photos"}


def _is_unused(folder: pathlib.Path) -> bool:
    """Whether a folder is empty but for hidden files of a killed run or a file browser."""
    return all(path.name.startswith(".") for path in folder.iterdir())


def write_index(prepared_folder: pathlib.Path, settings: dict, entries: dict) -> None:
    """Writes settings and entries; the `skipped` of an entry gives the reason."""
    atomic_files.write_text(
        prepared_folder / _INDEX,
        json.dumps({"format": _FORMAT, "settings": settings, "photos": entries}),
    )
