"""Which faces of a photograph to reconstruct: detected or given by points, and aligned."""

import dataclasses
import os
import pathlib
import warnings

import numpy as np

from tf_facerecon.io import image_files
from tf_facerecon.photos import face_alignment, face_detection


@dataclasses.dataclass(frozen=True, eq=False)
class FoundFace:
    """Where a face is.

    Attributes:
        points: `[5, 2]` or `[68, 2]` float64, photo pixels `(column, row)`.
        box: `[4]` x, y, width, height, photo pixels.
        confidence: Of the detector, 0 to 1; `None` when the caller gave the points.
    """

    points: np.ndarray
    box: np.ndarray
    confidence: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoFaces:
    """A photograph and its faces, cut out.

    Attributes:
        source: What to call the photograph.
        source_path: Its file; `None` for an array.
        photo: `[height, width, 3]` uint8.
        faces: Faces with their crops, largest first; at least one.
    """

    source: str
    source_path: pathlib.Path | None
    photo: np.ndarray
    faces: list[tuple[FoundFace, face_alignment.AlignedFace]]


def read_faces(
    detector: face_detection.FaceDetector,
    image: str | os.PathLike | np.ndarray,
    *,
    all_faces: bool = False,
    landmarks: np.ndarray | None = None,
    source: str | None = None,
) -> PhotoFaces:
    """Reads a photograph, finds its faces and aligns them; see `FaceReconstructor.reconstruct`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no picture, no face is found, or `landmarks` do not describe one.
    """
    if isinstance(image, str | os.PathLike):
        path = pathlib.Path(image).absolute()
        source = source or path.name
        photo = image_files.read_image(image)
    else:
        path = None
        source = source or "image"
        photo = image_files.photo_from_array(image, source)
    if landmarks is None:
        faces = detect_faces(detector, photo, source, all_faces)
    else:
        faces = [face_from_landmarks(landmarks, source)]
    return PhotoFaces(source, path, photo, align_faces(photo, faces, source))


def detect_faces(
    detector: face_detection.FaceDetector, photo: np.ndarray, source: str, all_faces: bool
) -> list[FoundFace]:
    """The largest face of a photograph, or all of them, largest first.

    Args:
        detector: Finds faces.
        photo: `[height, width, 3]` uint8.
        source: What to call the photograph in messages.
        all_faces: Whether to give every face.

    Raises:
        ValueError: If there is no face.
    """
    detected = detector.detect(photo)
    largest = face_detection.largest_face(detected, source)
    return [
        FoundFace(face.five_points, np.asarray(face.box, np.float64), float(face.confidence))
        for face in (detected if all_faces else [largest])
    ]


def face_from_landmarks(landmarks: np.ndarray, source: str) -> FoundFace:
    """A face where the caller says; its box is that of the points.

    Args:
        landmarks: `[5, 2]` or `[68, 2]`, see `FaceReconstructor.reconstruct`.
        source: What to call the photograph in messages.

    Raises:
        ValueError: If the shape is another, a number is not finite, or the order is not that of a
            face seen from the front.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape not in ((5, 2), (68, 2)) or not np.isfinite(points).all():
        raise ValueError(
            f"{source}: `landmarks` must be [5, 2] or [68, 2] finite numbers. "
            f"Received: shape {points.shape}, {np.sum(~np.isfinite(points))} not finite."
        )
    five = points if len(points) == 5 else face_alignment.five_points_from_68(points)
    face_alignment.check_face_order(f"{source}: `landmarks`", five)
    low, high = points.min(axis=0), points.max(axis=0)
    return FoundFace(points, np.concatenate([low, high - low]), None)


def align_faces(
    photo: np.ndarray, faces: list[FoundFace], source: str
) -> list[tuple[FoundFace, face_alignment.AlignedFace]]:
    """Cuts the crop of every face; warns of those that cannot be cut, and leaves them out.

    Args:
        photo: `[height, width, 3]` uint8.
        faces: At least one.
        source: What to call the photograph in messages.

    Returns:
        Faces with their crops, at least one.

    Raises:
        ValueError: If not one face can be aligned.
    """
    aligned, failures = [], []
    for face in faces:
        try:
            aligned.append((face, face_alignment.align_face(photo, face.points)))
        except ValueError as error:
            failures.append((face, error))
    if not aligned:
        _, error = failures[0]
        raise ValueError(f"{source}: {error}") from error
    for face, error in failures:
        x, y, width, height = face.box
        warnings.warn(
            f"{source}: left out the face of {width:.0f} x {height:.0f} pixels at column {x:.0f}, "
            f"row {y:.0f}: {error}",
            stacklevel=3,
        )
    return aligned
