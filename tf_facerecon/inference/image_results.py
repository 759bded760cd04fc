"""Results for the single photos of a set: names, duplicates, baseline confidences, warnings."""

import dataclasses
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from tf_facerecon.photos.face_alignment import CropTransform


@dataclasses.dataclass(frozen=True, eq=False)
class ImageResult:
    """Detection and network outputs for one photo of an image set.

    The crop is kept, the full photo is not: sets of hundreds of photos fit into memory.

    Attributes:
        name: Name in file names and tables, unique within the set.
        source: Path of the photo as it was given, or `image_<number>` for an array.
        source_path: File of the photo; `None` for an array.
        photo_size: Width and height, pixels.
        photo_sha256: SHA-256 of the photo's pixels, hex.
        box: `[4]` x, y, width, height of the face bounding box, photo pixels.
        detection_confidence: Detection confidence, 0 to 1.
        alignment_points: `[5, 2]` detected landmarks by which the face was aligned, photo pixels
            `(column, row)`.
        crop: `[224, 224, 3]` uint8 RGB, the aligned crop, input of the networks.
        crop_transform: Maps photo pixels to crop pixels and back.
        coefficients: R-Net's coefficients of this photo by group, its own identity included; see
            `FittedFace.coefficients`.
        confidence: `[K]` non-negative weight of each identity coefficient, not normalised.
        embedding: `[D]` identity embedding; `None` without an identity network.
        duplicate_of: Name of an earlier photo with the same pixels, else `None`. Duplicates are
            left out of the aggregation: copying a file must not change the face.
        embedding_distance: Median distance (1 - cosine) of the embedding to those of the other
            photos; `None` if there is nothing to compare with.
    """

    name: str
    source: str
    source_path: pathlib.Path | None
    photo_size: tuple[int, int]
    photo_sha256: str
    box: np.ndarray
    detection_confidence: float
    alignment_points: np.ndarray
    crop: np.ndarray
    crop_transform: CropTransform
    coefficients: dict[str, np.ndarray]
    confidence: np.ndarray
    embedding: np.ndarray | None = None
    duplicate_of: str | None = None
    embedding_distance: float | None = None

    def summary(self, share: float, mesh: str) -> dict:
        """Entry of the photo in the JSON file of its set.

        Args:
            share: Share of the photo in the identity, 0 to 1.
            mesh: File name of the mesh with the photo's expression and pose.
        """
        width, height = self.photo_size
        angles = np.degrees(np.asarray(self.coefficients["rotation"], np.float64))
        return {
            "name": self.name,
            "source": self.source,
            "mesh": mesh,
            "share": share,
            "confidence": self.confidence,
            "duplicate_of": self.duplicate_of,
            "embedding_distance": self.embedding_distance,
            "photo_size": {"width": width, "height": height},
            "box": dict(zip(("x", "y", "width", "height"), self.box, strict=True)),
            "detection_confidence": self.detection_confidence,
            "alignment_points": {"photo": self.alignment_points},
            "crop_matrix": self.crop_transform.matrix,
            "rotation_degrees": dict(zip(("pitch", "yaw", "roll"), angles, strict=True)),
            "coefficients": self.coefficients,
        }


def with_unique_names(images: Iterable[ImageResult]) -> list[ImageResult]:
    """Makes names unique, ignoring case, by numbering them; marks duplicates of earlier photos."""
    named, taken, first_of = [], set(), {}
    for image in images:
        name, number = image.name, 2
        while name.lower() in taken:
            name, number = f"{image.name}_{number}", number + 1
        taken.add(name.lower())
        original = first_of.setdefault(image.photo_sha256, name)
        duplicate_of = None if original == name else original
        named.append(dataclasses.replace(image, name=name, duplicate_of=duplicate_of))
    return named


def with_baseline_confidence(images: Sequence[ImageResult], aggregate: str) -> list[ImageResult]:
    """Replaces the confidences by those of a baseline without C-Net.

    Args:
        images: At least one.
        aggregate: "mean": 1 for all photos; "best": 1 for the photo with the highest detection
            confidence, 0 for the others.
    """
    best = max(images, key=_detection_rank)
    return [
        dataclasses.replace(
            image,
            confidence=np.full_like(image.confidence, aggregate == "mean" or image is best),
        )
        for image in images
    ]


def _detection_rank(image: ImageResult) -> tuple:
    """Sort key; ties are broken by box area, then checksum, never by the order of the photos.

    Duplicates have the same rank as their original, and `max` returns the first.
    """
    return image.detection_confidence, float(image.box[2] * image.box[3]), image.photo_sha256


def image_set_warnings(images: Sequence[ImageResult], max_embedding_distance: float) -> list[str]:
    """Messages about duplicates, a single usable photo, and photos of another person.

    Args:
        images: The photos in which a face was detected.
        max_embedding_distance: Photos with a larger `embedding_distance` are reported.
    """
    duplicates = [image for image in images if image.duplicate_of is not None]
    messages = [
        f"{image.name} is the same image as {image.duplicate_of} and is not counted twice."
        for image in duplicates
    ]
    if len(images) - len(duplicates) == 1:
        messages.append("Only one photo counts: the identity is that of this photo.")
    outliers = [
        f"{image.name} ({image.embedding_distance:.2f})"
        for image in images
        if (image.embedding_distance or 0.0) > max_embedding_distance
    ]
    if outliers:
        messages.append(
            f"Perhaps another person than in the other photos: {', '.join(outliers)}; embedding "
            f"distance above {max_embedding_distance:g}. They are used nevertheless; remove the "
            "files if they show another person."
        )
    return messages
