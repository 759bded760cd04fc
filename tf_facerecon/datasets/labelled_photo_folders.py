"""Folders of photographs with their landmarks, made from an archive and its labels.

Layout of the written folder:
    train/<person>/<photo>.jpg              the file of the archive, unchanged
    train/<person>/landmarks/<photo>.txt    68 rows `column row`, pixels of the photograph
    held_out/...                            likewise: people who are left out of training

`photo_preparation` reads each of the two.
"""

import collections
import io
import os
import pathlib

import numpy as np

from tf_facerecon.datasets import labelled_photos
from tf_facerecon.io import atomic_files

TRAIN = "train"
HELD_OUT = "held_out"
UNLABELLED = "unlabelled"


def write_labelled_photos(
    photos: str | os.PathLike,
    labels: labelled_photos.Labels,
    folder: str | os.PathLike,
    *,
    progress: bool = True,
) -> dict[str, int]:
    """Writes photographs and landmarks, apart for training and for people left out of it.

    Files that are there already and would become the same are left alone, so that a run that was
    killed can be repeated, and prepared crops stay valid.

    Args:
        photos: Folder or tar archive with paths `.../<person>/<photo>`.
        labels: Of `labelled_photos.read_labels`; photographs without labels are left out.
        folder: Output folder; the split is that of `labelled_photos.is_held_out`.
        progress: Whether to show a progress bar.

    Returns:
        Number of photographs by `TRAIN`, `HELD_OUT` and `UNLABELLED`, which are not written.

    Raises:
        FileNotFoundError: If `photos` does not exist, or lacks a photograph that has labels.
        ValueError: If an archive cannot be read, a path in the labels is no `<person>/<photo>`, two
            of them would become one file, or a landmark is not finite.
        OSError: If a file cannot be written.
    """
    from tqdm import tqdm

    folder = pathlib.Path(folder)
    paths = _checked_paths(labels)
    counts = dict.fromkeys((TRAIN, HELD_OUT, UNLABELLED), 0)
    files = labelled_photos.photo_files_and_landmarks(photos, labels)
    # Photographs without labels do not move the bar.
    with tqdm(total=len(paths), desc="label photos", unit="photo", disable=not progress) as bar:
        for name, content, landmarks in files:
            if landmarks is None:
                counts[UNLABELLED] += 1
                continue
            split, *path = paths[name]
            _write_photo(folder.joinpath(split, *path), content, landmarks)
            counts[split] += 1
            bar.update()
    return counts


def _write_photo(path: pathlib.Path, content: bytes, landmarks: np.ndarray) -> None:
    text = io.StringIO()
    np.savetxt(text, landmarks, fmt="%.3f")
    # First the landmarks: a photograph alone would be taken for one whose face is unknown.
    points_path = path.parent / "landmarks" / f"{path.stem}.txt"
    atomic_files.write_if_changed(points_path, text.getvalue().encode())
    atomic_files.write_if_changed(path, content)


def _checked_paths(labels: labelled_photos.Labels) -> dict[str, tuple[str, str, str]]:
    """Split, person and name of the file of each photograph, by path in the labels."""
    paths = {}
    owners = collections.defaultdict(list)
    for name, landmarks in labels.landmarks.items():
        parts = pathlib.PurePosixPath(name).parts
        # A person's folder must neither lead elsewhere nor be one that preparation passes over.
        if len(parts) < 2 or parts[-2].startswith((".", "/")) or parts[-1].startswith("."):
            raise ValueError(f"Labels must name photographs <person>/<photo>. Received: {name!r}.")
        if not np.isfinite(landmarks).all():
            raise ValueError(f"The landmarks of {name} must be finite. Received: NaN or infinity.")
        split = HELD_OUT if labelled_photos.is_held_out(name) else TRAIN
        paths[name] = (split, parts[-2], parts[-1])
        owners[parts[-2], pathlib.PurePosixPath(name).stem].append(name)
    for names in owners.values():
        if len(names) > 1:
            raise ValueError(
                f"Labels must name each photograph of a person once. Received: {names[0]!r} and "
                f"{names[1]!r}, which would have one file of landmarks."
            )
    return paths
