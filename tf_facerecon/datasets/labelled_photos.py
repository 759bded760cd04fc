"""Photographs with 68 labelled landmarks: AFLW2000-3D, or LFW with detected face meshes.

Labels are an `.npz` with `names` `[N]`, paths of the photographs, and one of

- `points3d` `[N, 3, 68]` (column, row down, depth) and `yaw` `[N]` in degrees: AFLW2000-3D;
- `landmarks478` `[N, 478, 3]` and `map68` `[68]`: MediaPipe's face mesh, of which the 68 are taken.
"""

import dataclasses
import os
import pathlib
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from tf_facerecon.io import array_archive, photo_archive

# MediaPipe's zero lies left of and above the first pixel's centre: in photographs of 250 pixels and
# their mirror images, columns add up to 249.55.
_FACE_MESH_OFFSET = -0.22
_MAX_LABEL_BYTES = 2**30


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """Landmarks by photograph.

    Attributes:
        landmarks: `[68, 2]` float64 (column, row), by path in the labels.
        yaw: Degrees, by path; empty if unknown.
    """

    landmarks: dict[str, np.ndarray]
    yaw: dict[str, float]

    def select(self, names: Iterable[str]) -> "Labels":
        """The labels of some photographs."""
        names = list(names)
        yaw = {name: self.yaw[name] for name in names if name in self.yaw}
        return Labels({name: self.landmarks[name] for name in names}, yaw)

    def held_out(self) -> "Labels":
        """The labels of people that are left out of training, see `is_held_out`."""
        return self.select(filter(is_held_out, self.landmarks))


def read_labels(path: str | os.PathLike) -> Labels:
    """Reads the labels of a data set.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged or has another layout.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file of labels {os.fspath(path)!r}.")
    arrays = array_archive.read_archive(path, max_bytes=_MAX_LABEL_BYTES)
    names = arrays.get("names", np.zeros(0)).tolist()
    if "points3d" in arrays:
        points = np.moveaxis(arrays["points3d"][:, :2], 1, 2).astype(np.float64)
    elif {"landmarks478", "map68"} <= arrays.keys():
        points = arrays["landmarks478"][:, arrays["map68"], :2].astype(np.float64)
        points = points + _FACE_MESH_OFFSET
    else:
        points = np.zeros(0)
    if not names or points.shape != (len(names), 68, 2):
        raise ValueError(
            f"{os.fspath(path)!r} must hold `names` [N], and `points3d` [N, 3, 68] or "
            f"`landmarks478` [N, 478, 3] with `map68` [68]. Received: "
            f"{ {name: array.shape for name, array in arrays.items()} }."
        )
    yaw = arrays["yaw"].tolist() if "yaw" in arrays else []
    return Labels(
        dict(zip(names, points, strict=True)), dict(zip(names, yaw, strict=False)) if yaw else {}
    )


def photo_files_and_landmarks(
    photos: str | os.PathLike, labels: Labels
) -> Iterator[tuple[str, bytes, np.ndarray | None]]:
    """Iterates over photographs as files, with their landmarks.

    Args:
        photos: Folder or tar archive; paths may have further folders in front of those in `labels`.
        labels: Of `read_labels`.

    Yields:
        Path in the labels, content of the JPEG or PNG file, landmarks `[68, 2]`; of a photograph
        without labels the path in `photos`, its content, and `None`.

    Raises:
        FileNotFoundError: If `photos` does not exist, or lacks a photograph that has labels.
        ValueError: If an archive cannot be read.
    """
    missing = set(labels.landmarks)
    for path, content in photo_archive.photo_files(photos):
        ends = (str(pathlib.PurePosixPath(*path.parts[n:])) for n in range(len(path.parts)))
        name = next((end for end in ends if end in missing), None)
        if name is None:
            yield str(path), content, None
        else:
            missing.remove(name)
            yield name, content, labels.landmarks[name]
    if missing:
        raise FileNotFoundError(
            f"{os.fspath(photos)!r} lacks {len(missing)} photographs that have labels: "
            f"{', '.join(sorted(missing)[:5])}{' ...' if len(missing) > 5 else ''}."
        )


def labelled_photos(
    photos: str | os.PathLike, labels: Labels
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Iterates over the photographs that have labels.

    Args:
        photos: As for `photo_files_and_landmarks`.
        labels: Of `read_labels`.

    Yields:
        Path in the labels, photograph `[H, W, 3]` uint8, landmarks `[68, 2]`.

    Raises:
        FileNotFoundError: If `photos` does not exist, or lacks a photograph that has labels.
        ValueError: If an archive or photograph cannot be read.
    """
    for name, content, landmarks in photo_files_and_landmarks(photos, labels):
        if landmarks is not None:
            yield name, photo_archive.decode_photo(name, content), landmarks


def is_held_out(name: str, every: int = 11) -> bool:
    """Whether a person is left out of training: one person in `every`, by a checksum of the name.

    Args:
        name: Path `.../<person>/<photograph>` or the person's name.
        every: About one person in so many is left out.
    """
    parts = pathlib.PurePosixPath(name).parts
    person = parts[-2] if len(parts) > 1 else parts[-1]
    return zlib.crc32(person.encode()) % every == 0
