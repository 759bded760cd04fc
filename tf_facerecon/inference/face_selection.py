"""Selection and alignment of the faces of a photo, detected or given by landmarks."""

import dataclasses
import os
import pathlib
import warnings
from collections.abc import Sequence

import numpy as np

from tf_facerecon.io import image_files
from tf_facerecon.photos import face_alignment, face_detection

# Confidence of the detector above which a photo is taken to be upright: 93 of 100 upright photos
# have more, and turned faces that are detected nevertheless had less.
SURE_CONFIDENCE = 0.99


@dataclasses.dataclass(frozen=True, eq=False)
class FaceLocation:
    """Position of one face in a photo.

    Attributes:
        points: `[5, 2]` or `[68, 2]` float64 landmarks, photo pixels `(column, row)`.
        box: `[4]` x, y, width, height of the bounding box, photo pixels.
        confidence: Detection confidence, 0 to 1; `None` if the caller gave the landmarks.
    """

    points: np.ndarray
    box: np.ndarray
    confidence: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoFaces:
    """A photo and its aligned faces.

    Attributes:
        source: Name of the photo in messages and files: its path as given, unless named otherwise.
        source_path: File of the photo; `None` for an array.
        photo: `[height, width, 3]` uint8 RGB, turned by `photo_rotation`.
        faces: Position and aligned crop of each face, largest first; at least one.
        photo_rotation: Degrees by which the photo was turned counter-clockwise so that its faces
            are upright: 0, 90, 180 or 270.
    """

    source: str
    source_path: pathlib.Path | None
    photo: np.ndarray
    faces: list[tuple[FaceLocation, face_alignment.AlignedFace]]
    photo_rotation: int = 0


def read_faces(
    detector: face_detection.FaceDetector,
    image: str | os.PathLike | np.ndarray,
    *,
    all_faces: bool = False,
    landmarks: np.ndarray | None = None,
    source: str | None = None,
) -> PhotoFaces:
    """Reads a photo, turns it upright if necessary, detects its faces and aligns them.

    Args:
        detector: Face detector; not used if `landmarks` are given.
        image: See `FaceReconstructor.reconstruct`, as for all that follow.
        all_faces: Whether to return all faces instead of the largest.
        landmarks: `[5, 2]` or `[68, 2]` landmarks of the face, photo pixels.
        source: Name of the photo; by default its path as given.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If `image` is not a valid image, no face is detected, or `landmarks` are not
            those of a face.
    """
    if isinstance(image, str | os.PathLike):
        path = pathlib.Path(image).absolute()
        source = source or os.fspath(image)
        photo = image_files.read_image(image)
    else:
        path = None
        source = source or "image"
        photo = image_files.photo_from_array(image, source)
    if landmarks is None:
        faces, rotation = detect_upright_faces(detector, photo, source, all_faces)
        photo = np.ascontiguousarray(np.rot90(photo, rotation // 90))
    else:
        faces, rotation = [face_from_landmarks(landmarks, source)], 0
    return PhotoFaces(source, path, photo, align_faces(photo, faces, source), rotation)


def detect_upright_faces(
    detector: face_detection.FaceDetector, photo: np.ndarray, source: str, all_faces: bool
) -> tuple[list[FaceLocation], int]:
    """`detect_faces` in the orientation in which the detector is most confident.

    Photos without EXIF orientation may be upside down or on their side. The other orientations are
    only looked at if no face is detected with `SURE_CONFIDENCE`.

    Returns:
        The faces in the turned photo, and the degrees by which it is turned counter-clockwise.

    Raises:
        ValueError: If no face is detected in any orientation.
    """
    best, rotation = [], 0
    for turn in range(4):
        faces = detector.detect(np.rot90(photo, turn))
        if faces and (not best or _confidence(faces) > _confidence(best)):
            best, rotation = faces, 90 * turn
        if turn == 0 and best and _confidence(best) >= SURE_CONFIDENCE:
            break
    return _locations(best, source, all_faces), rotation


def _confidence(faces: Sequence[face_detection.DetectedFace]) -> float:
    """Confidence of the largest face."""
    return max(faces, key=lambda face: face.area).confidence


def detect_faces(
    detector: face_detection.FaceDetector, photo: np.ndarray, source: str, all_faces: bool
) -> list[FaceLocation]:
    """Detects the largest face of a photo, or all faces, largest first.

    Args:
        detector: Face detector.
        photo: `[height, width, 3]` uint8 RGB.
        source: Name of the photo in messages.
        all_faces: Whether to return all faces.

    Raises:
        ValueError: If no face is detected.
    """
    return _locations(detector.detect(photo), source, all_faces)


def _locations(
    detected: Sequence[face_detection.DetectedFace], source: str, all_faces: bool
) -> list[FaceLocation]:
    largest = face_detection.largest_face(detected, source)
    return [
        FaceLocation(face.five_points, np.asarray(face.box, np.float64), float(face.confidence))
        for face in (detected if all_faces else [largest])
    ]


def face_from_landmarks(landmarks: np.ndarray, source: str) -> FaceLocation:
    """The face with the given landmarks; its box is their bounding box.

    Args:
        landmarks: `[5, 2]` or `[68, 2]`, see `FaceReconstructor.reconstruct`.
        source: Name of the photo in messages.

    Raises:
        ValueError: If the shape is wrong, a coordinate is not finite, or the landmarks are not in
            the order of an upright face (for instance left and right swapped).
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
    return FaceLocation(points, np.concatenate([low, high - low]), None)


def align_faces(
    photo: np.ndarray, faces: list[FaceLocation], source: str
) -> list[tuple[FaceLocation, face_alignment.AlignedFace]]:
    """Aligns and crops every face; warns about those that cannot be aligned and skips them.

    Args:
        photo: `[height, width, 3]` uint8 RGB.
        faces: At least one.
        source: Name of the photo in messages.

    Returns:
        Each face with its aligned crop; at least one.

    Raises:
        ValueError: If no face can be aligned.
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
            f"{source}: skipped the face of {width:.0f} x {height:.0f} pixels at column {x:.0f}, "
            f"row {y:.0f}: {error}",
            stacklevel=3,
        )
    return aligned
