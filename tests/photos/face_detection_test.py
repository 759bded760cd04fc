import dataclasses
import os

import numpy as np
import PIL.Image
import pytest
import skimage.data

from tf_facerecon.photos import face_detection

# Marked by eye on the 512 x 512 photograph enlarged eight times.
ASTRONAUT_POINTS = np.array([[203, 100], [246, 103], [224, 126], [202, 138], [245, 140]])


@pytest.fixture(scope="module")
def detector():
    return face_detection.FaceDetector()


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


def mean_distance(first, second):
    return np.linalg.norm(first - second, axis=-1).mean()


def test_detect_astronaut(detector, astronaut):
    (face,) = detector.detect(astronaut)
    assert face.confidence > 0.95 and isinstance(face.confidence, float)
    assert face.five_points.dtype == np.float64 and face.five_points.shape == (5, 2)
    assert mean_distance(face.five_points, ASTRONAUT_POINTS) < 2.0
    left, top, width, height = face.box
    centre = face.five_points.mean(axis=0)
    assert left < centre[0] < left + width and top < centre[1] < top + height


def test_detect_grey(detector, astronaut):
    grey = np.asarray(PIL.Image.fromarray(astronaut).convert("L"))
    (face,) = detector.detect(grey)
    assert mean_distance(face.five_points, ASTRONAUT_POINTS) < 2.0


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_detect_follows_scale(detector, astronaut, factor):
    side = round(512 * factor)
    (face,) = detector.detect(np.asarray(PIL.Image.fromarray(astronaut).resize((side, side))))
    points = (face.five_points + 0.5) / factor - 0.5
    assert mean_distance(points, ASTRONAUT_POINTS) < 2.0


def test_detect_slightly_rotated(detector, astronaut):
    turned = PIL.Image.fromarray(astronaut).rotate(15, PIL.Image.Resampling.BICUBIC)
    (face,) = detector.detect(np.asarray(turned))
    angle = np.deg2rad(15)  # Counter-clockwise as seen, rows pointing down.
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    expected = (ASTRONAUT_POINTS - 255.5) @ turn.T + 255.5
    assert mean_distance(face.five_points, expected) < 3.0


def test_detect_two_faces_largest_first(detector, astronaut):
    small = np.asarray(PIL.Image.fromarray(astronaut).resize((300, 300)))
    both = np.zeros((512, 812, 3), np.uint8)
    both[:300, :300] = small
    both[:, 300:] = astronaut
    first, second = detector.detect(both)
    assert first.area > second.area
    assert mean_distance(first.five_points, ASTRONAUT_POINTS + [300, 0]) < 3.0
    assert second.five_points[:, 0].max() < 300
    assert face_detection.largest_face([second, first], "a.png") is first


@pytest.mark.parametrize("shape", [(300, 300, 3), (1, 1, 3), (5, 2000, 3), (20, 20)])
def test_detect_no_face(detector, shape):
    assert detector.detect(np.zeros(shape, np.uint8)) == []


def test_detect_face_lying_on_its_side_is_not_found(detector, astronaut):
    assert detector.detect(np.rot90(astronaut)) == []


@pytest.mark.parametrize(
    "image, message",
    [
        (np.zeros((32, 32, 3)), "must be uint8"),
        (np.zeros((32, 32, 4), np.uint8), r"must have shape \[None, None, 3\]"),
        (np.zeros((0, 32, 3), np.uint8), "must hold pixels"),
    ],
)
def test_detect_exception_raised(detector, image, message):
    with pytest.raises(ValueError, match=message):
        detector.detect(image)


def test_detector_ignores_weights_in_the_working_directory(tmp_path, monkeypatch):
    for name in ("pnet.lz4", "rnet.lz4", "onet.lz4"):
        (tmp_path / name).write_bytes(b"a stranger's pickle")
    monkeypatch.chdir(tmp_path)
    assert face_detection.FaceDetector().detect(np.zeros((64, 64, 3), np.uint8)) == []
    assert sorted(os.listdir(tmp_path)) == ["onet.lz4", "pnet.lz4", "rnet.lz4"]


def test_largest_face_exception_raised():
    with pytest.raises(ValueError, match=r"No face was found in holiday\.jpg"):
        face_detection.largest_face([], "holiday.jpg")


def test_detected_face_is_frozen():
    face = face_detection.DetectedFace((0.0, 0.0, 1.0, 1.0), 1.0, np.zeros((5, 2)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        face.confidence = 0.5
