"""Preparation of photographs for training: one aligned crop per photograph, with its labels.

Layout of the photographs (searched recursively):
    any/photo.jpg                 `.jpg`, `.jpeg` or `.png`
    any/landmarks/photo.txt       optional, 68 rows `column row`, pixels of the photograph
    any/detections/photo.txt      optional, 5 rows `column row`, likewise

Points come from the landmarks, else from the detections, else from a face detector (largest face).
Folders named `mask`, `vis` or `remove`, which other packages create, are ignored, and so are
prepared folders of any name. `prepared_photos` describes the files that are written.
"""

import collections
import concurrent.futures
import itertools
import os
import pathlib
import threading
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import prepared_photos
from tf_facerecon.datasets.prepared_photos import PreparedPhotos
from tf_facerecon.io import image_files
from tf_facerecon.photos import face_alignment, face_detection, point_files
from tf_facerecon.photos.skin_probability import SkinModel

PREPARED_NAME = "tf_facerecon_prepared"
_SUFFIXES = (".jpg", ".jpeg", ".png")
_IGNORED_FOLDERS = {"mask", "vis", "remove"}
_SECONDS_BETWEEN_INDEX_WRITES = 20.0
_WAITING_PER_WORKER = 4  # Photographs handed to each thread ahead of time.


def prepare_photos(
    folder: str | os.PathLike,
    prepared_folder: str | os.PathLike | None = None,
    *,
    detector: face_detection.FaceDetector | None = None,
    skin_model: SkinModel | None = None,
    landmarks_y_up: bool = False,
    progress: bool = True,
) -> PreparedPhotos:
    """Detects and aligns the faces of a folder; results of earlier runs are reused.

    A photograph is processed again if it, its landmarks or its detections changed, or its crop is
    missing (to exclude a photograph, remove the photograph itself); all are if `skin_model` or
    `landmarks_y_up` changed. Photographs without a usable face are not tried again; those that
    could not be read or written, or for which memory ran out, are. A run that is killed loses only
    seconds of work. Photographs are prepared in one thread per core, detected one at a time.

    Args:
        folder: Photographs, see above.
        prepared_folder: Output folder; by default `tf_facerecon_prepared` inside `folder`.
        detector: By default `FaceDetector()`, if a photograph without points is to be prepared.
        skin_model: By default the published one.
        landmarks_y_up: Whether rows in landmark files count upwards from the last row of the
            photograph, as Deep3DFaceRecon_pytorch writes them.
        progress: Whether to show a progress bar.

    Raises:
        FileNotFoundError: If `folder` is not a folder, or the weights of the detector are missing.
        ValueError: If it holds no photographs, or `prepared_folder` holds something else.
    """
    folder = pathlib.Path(folder)
    prepared_folder = pathlib.Path(prepared_folder or folder / PREPARED_NAME)
    skin_model = skin_model or SkinModel.default()
    settings = {"landmarks_y_up": landmarks_y_up, "skin_model": skin_model.fingerprint}
    done = prepared_photos.read_index(prepared_folder, settings)
    photos = _list_photos(folder, prepared_folder)
    states = {name: _file_states(path) for name, path in photos.items()}
    entries = {
        name: done[name]
        for name in photos
        if done.get(name, {}).get("files") == states[name]
        and ("skipped" in done[name] or prepared_photos.has_crop(prepared_folder, name))
    }
    missing = [name for name in photos if name not in entries]
    if detector is None and not all(_has_points(photos[name]) for name in missing):
        detector = face_detection.FaceDetector()
    detector = _OneAtATime(detector) if detector else None

    def prepare(name: str) -> dict:
        try:
            labels = _prepare_photo(photos[name], detector, skin_model, landmarks_y_up)
            prepared_photos.write_crop(prepared_folder, name, labels)
        except ValueError as error:
            return {"files": states[name], "skipped": str(error)}
        except (OSError, MemoryError, tf.errors.OpError) as error:
            # Not the fault of the photograph: without the states of its files it is tried again.
            return {"skipped": str(error) or type(error).__name__}
        return {"files": states[name]}

    _prepare_missing(missing, prepare, entries, settings, prepared_folder, progress)
    return prepared_photos.write_skipped(prepared_folder, {name: entries[name] for name in photos})


def _list_photos(folder: pathlib.Path, prepared_folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Photographs below `folder` by their relative names, sorted."""
    if not folder.is_dir():
        raise FileNotFoundError(f"No folder of photographs {folder}.")
    paths = sorted(folder.rglob("*"))
    prepared = {path.parent.resolve() for path in paths if prepared_photos.is_index(path)}
    prepared.add(prepared_folder.resolve())
    photos = {}
    for path in paths:
        relative = path.relative_to(folder)
        is_prepared = not prepared.isdisjoint((folder.resolve() / relative).parents)
        is_ignored = bool(_IGNORED_FOLDERS & set(relative.parts[:-1]))
        is_hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() in _SUFFIXES and not (is_prepared or is_ignored or is_hidden):
            photos[relative.as_posix()] = path
    if not photos:
        raise ValueError(f"{folder} holds no photographs ({', '.join(_SUFFIXES)}).")
    return photos


class _OneAtATime:
    """A face detector that several threads may call; it uses all cores itself."""

    def __init__(self, detector: face_detection.FaceDetector):
        self._detector = detector
        self._lock = threading.Lock()

    def detect(self, image: np.ndarray) -> list[face_detection.DetectedFace]:
        with self._lock:
            return self._detector.detect(image)


def _prepare_missing(
    names: list[str],
    prepare: Callable[[str], dict],
    entries: dict[str, dict],
    settings: dict,
    folder: pathlib.Path,
    progress: bool,
) -> None:
    """Adds an entry for each name; writes the index at intervals and at the end."""
    from tqdm import tqdm

    written = -np.inf  # Written first: it marks the folder as a prepared one.
    # Threads, not processes, which would have to import TensorFlow or be forked from it: decoding,
    # NumPy and the compression of the results release the interpreter's lock.
    workers = os.cpu_count() or 1
    waiting: collections.deque = collections.deque()
    pool = concurrent.futures.ThreadPoolExecutor(workers, "prepare_photos")
    try:
        bar = tqdm(names, "prepare photos", unit="photo", disable=not (progress and names))
        remaining = iter(names)
        for _ in bar:
            if time.monotonic() - written > _SECONDS_BETWEEN_INDEX_WRITES:
                prepared_photos.write_index(folder, settings, entries)
                written = time.monotonic()
            room = workers * _WAITING_PER_WORKER - len(waiting)
            for name in itertools.islice(remaining, room):
                waiting.append((name, pool.submit(prepare, name)))
            name, future = waiting[0]
            entries[name] = future.result()
            waiting.popleft()
    finally:
        pool.shutdown(cancel_futures=True)
        for name, future in waiting:  # After an interrupt: what the threads finished meanwhile.
            if not future.cancelled() and future.exception() is None:
                entries[name] = future.result()
        prepared_photos.write_index(folder, settings, entries)


def _prepare_photo(
    path: pathlib.Path,
    detector: face_detection.FaceDetector | None,
    skin_model: SkinModel,
    landmarks_y_up: bool,
) -> dict[str, np.ndarray]:
    """Crop and labels of one photograph; the detector may be `None` if it has points."""
    image = image_files.read_image(path)
    landmarks = None
    if _landmarks_path(path).is_file():
        landmarks = points = point_files.read_points(_landmarks_path(path), 68)
        if landmarks_y_up:
            points[:, 1] = image.shape[0] - 1 - points[:, 1]
        five_points = face_alignment.five_points_from_68(landmarks)
        hint = " (for rows that count upwards: landmarks_y_up, --landmarks-y-up)"
        face_alignment.check_face_order(f"{_landmarks_path(path)}: the points", five_points, hint)
    elif _detections_path(path).is_file():
        five_points = points = point_files.read_points(_detections_path(path), 5)
        face_alignment.check_face_order(f"{_detections_path(path)}: the points", five_points)
    else:
        detected = face_detection.largest_face(detector.detect(image), path)
        five_points = points = detected.five_points
    try:
        aligned = face_alignment.align_face(image, points)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    to_crop = aligned.transform.to_crop
    skin = image_files.to_uint8(skin_model.probability(aligned.image))
    no_landmarks = np.zeros([68, 2], np.float32)
    return {
        "image": aligned.image,
        "skin": skin[..., np.newaxis],
        "landmarks": no_landmarks if landmarks is None else to_crop(landmarks).astype(np.float32),
        "landmark_weights": np.full(68, landmarks is not None, np.float32),
        "five_points": to_crop(five_points).astype(np.float32),
    }


def _has_points(photo: pathlib.Path) -> bool:
    """Whether there is a file of landmarks or detections."""
    return _landmarks_path(photo).is_file() or _detections_path(photo).is_file()


def _landmarks_path(photo: pathlib.Path) -> pathlib.Path:
    return point_files.points_path(photo, photo.parent / "landmarks")


def _detections_path(photo: pathlib.Path) -> pathlib.Path:
    return point_files.points_path(photo, photo.parent / "detections")


def _file_states(photo: pathlib.Path) -> list:
    """Sizes and times of a photograph and its point files; `None` for those that are missing."""
    states = []
    for path in (photo, _landmarks_path(photo), _detections_path(photo)):
        status = path.stat() if path.is_file() else None
        states.append([status.st_size, status.st_mtime_ns] if status else None)
    return states
