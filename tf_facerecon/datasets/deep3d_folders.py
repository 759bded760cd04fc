"""Training data as the two Deep3D repositories prepare them: which files belong to a photograph.

Layout of microsoft/Deep3DFaceReconstruction (`preprocess_img.py`), every crop aligned already:
    folder/name.png               the crop, `[224, 224, 3]`
    folder/lm_bin/name.bin        136 little-endian float64: x, y of 68 landmarks in the crop
    folder/lm/name.txt            the same as text; read where there is no folder `lm_bin`
    folder/mask/name.png          skin probability of the crop, 0 to 255

Layout of sicxu/Deep3DFaceRecon_pytorch (`data_preparation.py`), photographs as they are:
    folder/datalist/train/masks.txt            one path of a mask per line, relative to `folder`
    folder/datasets/some/mask/name.jpg         skin probability of the photograph, 0 to 255
    folder/datasets/some/name.jpg              the photograph
    folder/datasets/some/landmarks/name.txt    68 rows x, y, pixels of the photograph

In both, y counts upwards: `row = height - 1 - y`. EXIF orientations are ignored, as they are there.
"""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from tf_facerecon.io import image_files, text_files
from tf_facerecon.photos import face_alignment, point_files
from tf_facerecon.photos.face_alignment import CROP_SIZE

TRAINING_LIST = "datalist/train/masks.txt"
VALIDATION_LIST = "datalist/val/masks.txt"
_HINT = " (in these files, y counts upwards)"


@dataclasses.dataclass(frozen=True)
class Deep3DFiles:
    """Files of one photograph.

    Attributes:
        image: The photograph, or its crop.
        landmarks: Its 68 landmarks.
        mask: Its skin probability.
        is_aligned: Whether it is a crop already.
    """

    image: pathlib.Path
    landmarks: pathlib.Path
    mask: pathlib.Path
    is_aligned: bool

    def load(self, reference_quirks: bool = False) -> dict[str, np.ndarray]:
        """The aligned crop and its labels.

        Args:
            reference_quirks: Whether the landmarks ignore that photographs are resized and cut at
                whole pixels, as there, see `CropTransform.reference_matrix`.

        Returns:
            `image` `uint8 [224, 224, 3]`, `skin` `uint8 [224, 224, 1]`, float32 `landmarks`
            `[68, 2]` and `five_points` `[5, 2]` (column, row; pixels of the crop) and
            `landmark_weights` `[68]` (ones).

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If one is damaged, or they do not fit each other; the message names it.
        """
        image = image_files.read_image(self.image, upright=False)
        skin = image_files.read_image(self.mask, upright=False)[..., 0]
        size = (CROP_SIZE, CROP_SIZE) if self.is_aligned else image.shape[:2]
        for path, found in ((self.image, image.shape[:2]), (self.mask, skin.shape)):
            if found != size:
                raise ValueError(
                    f"{path} must have {size[1]} x {size[0]} pixels, "
                    f"{'as aligned crops' if self.is_aligned else f'as {self.image}'}. "
                    f"Received: {found[1]} x {found[0]}."
                )
        landmarks = _read_landmarks(self.landmarks)
        landmarks[:, 1] = size[0] - 1 - landmarks[:, 1]
        five_points = face_alignment.five_points_from_68(landmarks)
        face_alignment.check_face_order(f"{self.landmarks}: the points", five_points, _HINT)
        if not self.is_aligned:
            try:
                aligned = face_alignment.align_face(image, landmarks, mask=skin)
            except ValueError as error:
                raise ValueError(f"{self.landmarks}: {error}") from error
            image, skin = aligned.image, aligned.mask
            transform = aligned.transform
            to_crop = transform.to_reference_crop if reference_quirks else transform.to_crop
            landmarks, five_points = to_crop(landmarks), to_crop(five_points)
        return {
            "image": image,
            "skin": skin[..., np.newaxis],
            "landmarks": landmarks.astype(np.float32),
            "landmark_weights": np.ones(68, np.float32),
            "five_points": five_points.astype(np.float32),
        }


def find_tensorflow_files(folder: str | os.PathLike) -> list[Deep3DFiles]:
    """The crops of a folder in the layout of microsoft/Deep3DFaceReconstruction, sorted by name.

    Raises:
        FileNotFoundError: If there is no such folder, or a crop has no landmarks or no mask.
        ValueError: If the folder holds no crops.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder of aligned crops {folder}.")
    is_binary = (folder / "lm_bin").is_dir()
    landmarks = (folder / "lm_bin", ".bin") if is_binary else (folder / "lm", ".txt")
    images = sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))
    if not images:
        raise ValueError(f"{folder} must hold aligned crops (*.png). Received: none.")
    files = [
        Deep3DFiles(
            image=path,
            landmarks=landmarks[0] / f"{path.stem}{landmarks[1]}",
            mask=folder / "mask" / path.name,
            is_aligned=True,
        )
        for path in images
    ]
    _check_files(files)
    return files


def find_pytorch_files(
    folder: str | os.PathLike, list_file: str | os.PathLike = TRAINING_LIST
) -> list[Deep3DFiles]:
    """The photographs of a list of masks of sicxu/Deep3DFaceRecon_pytorch, in the list's order.

    Args:
        folder: What the paths in the list are relative to: the checkout of that repository.
        list_file: The list of masks, relative to `folder`.

    Raises:
        FileNotFoundError: If there is no such list, or a file of a photograph is missing.
        ValueError: If the list is empty, or a line is no path of a file in a folder `mask`.
    """
    folder = pathlib.Path(folder)
    list_path = folder / list_file
    if not list_path.is_file():
        raise FileNotFoundError(f"There is no list of masks {list_path}.")
    files = []
    for number, line in enumerate(text_files.read_text(list_path).split("\n"), start=1):
        # Lists that were written on Windows have backslashes.
        mask = pathlib.PurePosixPath(line.strip().replace("\\", "/"))
        if not mask.name:
            continue
        if "mask" not in mask.parent.parts:
            raise ValueError(
                f"{list_path}, line {number}: expected the path of a file in a folder `mask`. "
                f"Received: {line.strip()!r}."
            )
        parts = list(mask.parts)
        index = len(parts) - 2 - parts[-2::-1].index("mask")
        photo = pathlib.PurePosixPath(*parts[:index], *parts[index + 1 :])
        landmarks = pathlib.PurePosixPath(*parts[:index], "landmarks", *parts[index + 1 :])
        files.append(
            Deep3DFiles(
                image=folder / photo,
                landmarks=folder / landmarks.with_suffix(".txt"),
                mask=folder / mask,
                is_aligned=False,
            )
        )
    if not files:
        raise ValueError(f"{list_path} must name masks, one per line. Received: none.")
    _check_files(files)
    return files


def _check_files(files: Sequence[Deep3DFiles]) -> None:
    """Raises `FileNotFoundError` if one is missing: better now than after hours of training."""
    every = [path for entry in files for path in (entry.image, entry.landmarks, entry.mask)]
    missing = [path for path in every if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of the {len(every)} files of {len(files)} photographs are missing, "
            f"the first being {missing[0]}."
        )


def _read_landmarks(path: pathlib.Path) -> np.ndarray:
    """float64 `[68, 2]`, y up.

    Raises:
        ValueError: If the file holds something else.
    """
    if path.suffix != ".bin":
        return point_files.read_points(path, 68)
    data = path.read_bytes()
    if len(data) != 68 * 2 * 8:
        raise ValueError(
            f"{path} must hold 136 float64 numbers, 1088 bytes. Received: {len(data)} bytes."
        )
    points = np.frombuffer(data, "<f8").reshape(68, 2).copy()
    if not np.isfinite(points).all():
        raise ValueError(f"{path} must hold finite numbers. Received: NaN or infinite ones.")
    return points
