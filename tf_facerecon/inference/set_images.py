"""The photographs of a set one by one: names, copies, constant weights, what to warn of."""

import dataclasses
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from tf_facerecon.photos.face_alignment import CropTransform


@dataclasses.dataclass(frozen=True, eq=False)
class SetImage:
    """One photograph of a set; a set of hundreds fits in memory because only the crop is kept.

    Attributes:
        name: Its name in files and tables, unlike that of every other photograph of the set.
        source: File name, or what the caller called it.
        source_path: Its file; `None` for an array.
        photo_size: Width and height, pixels.
        photo_sha256: Checksum (hex) of the photo's pixels.
        box: `[4]` x, y, width, height of the face in the photo, pixels.
        detection_confidence: Of the detector, 0 to 1.
        found_points: `[5, 2]` points of the detector, photo pixels `(column, row)`.
        crop: `[224, 224, 3]` uint8, what the networks saw.
        crop_transform: Between pixels of photo and crop.
        coefficients: Named groups of this photograph alone, its own identity among them.
        confidence: `[K]` weight of each identity coefficient, before normalisation.
        embedding: `[D]` of the identity network; `None` without one.
        duplicate_of: Name of an earlier photograph with the same pixels; such a one has no say in
            the identity, or whoever copies a file would change the face.
        embedding_distance: Median distance of the identity embedding to the other photographs;
            `None` if nobody could be compared.
    """

    name: str
    source: str
    source_path: pathlib.Path | None
    photo_size: tuple[int, int]
    photo_sha256: str
    box: np.ndarray
    detection_confidence: float
    found_points: np.ndarray
    crop: np.ndarray
    crop_transform: CropTransform
    coefficients: dict[str, np.ndarray]
    confidence: np.ndarray
    embedding: np.ndarray | None = None
    duplicate_of: str | None = None
    embedding_distance: float | None = None


def name_images(images: Iterable[SetImage]) -> list[SetImage]:
    """Gives every photograph a name of its own and marks copies of earlier ones."""
    named, taken, first_of = [], set(), {}
    for image in images:
        name, number = image.name, 2
        while name.lower() in taken:
            name, number = f"{image.name}_{number}", number + 1
        taken.add(name.lower())
        original = first_of.setdefault(image.photo_sha256, name)
        copied = None if original == name else original
        named.append(dataclasses.replace(image, name=name, duplicate_of=copied))
    return named


def with_constant_confidence(images: Sequence[SetImage], aggregate: str) -> list[SetImage]:
    """Gives confidences that make the aggregate a plain mean, or the choice of one photograph.

    Args:
        images: At least one.
        aggregate: "mean", or "best": the photograph of which the detector is surest.
    """
    best = max(images, key=_quality)
    return [
        dataclasses.replace(
            image,
            confidence=np.full_like(image.confidence, aggregate == "mean" or image is best),
        )
        for image in images
    ]


def _quality(image: SetImage) -> tuple:
    """Size, then checksum decide between equals: never the order of the photographs.

    Copies have the quality of their original, which `max` meets first.
    """
    return image.detection_confidence, float(image.box[2] * image.box[3]), image.photo_sha256


def set_warnings(images: Sequence[SetImage], max_embedding_distance: float) -> list[str]:
    """What the owner of a set should know of its photographs, in sentences.

    Args:
        images: The photographs with a face.
        max_embedding_distance: Beyond it a photograph seems to show somebody else.
    """
    copies = [image for image in images if image.duplicate_of is not None]
    notes = [
        f"{image.name} is the same picture as {image.duplicate_of}: it has no second say."
        for image in copies
    ]
    if len(images) - len(copies) == 1:
        notes.append("Only one photograph counts: the face is that photograph's alone.")
    strangers = [
        f"{image.name} ({image.embedding_distance:.2f})"
        for image in images
        if (image.embedding_distance or 0.0) > max_embedding_distance
    ]
    if strangers:
        notes.append(
            f"Perhaps another person than in the other photographs: {', '.join(strangers)}; "
            f"identity distance above {max_embedding_distance:g}. They count all the same; "
            "remove the files if you agree."
        )
    return notes
