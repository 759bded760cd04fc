"""`inference.face_selection`: faces detected or given by landmarks, checked and aligned."""

import warnings

import numpy as np
import pytest

from tests import toy_reconstruction as toy
from tf_facerecon.inference import face_selection
from tf_facerecon.photos import face_detection


def test_detect_faces_preset():
    detector = toy.FixedDetector(toy.detected_face(), toy.detected_face((0.0, 70.0), 0.5))
    every = face_selection.detect_faces(detector, toy.toy_photo(), "me.jpg", all_faces=True)
    assert [face.box[2] for face in every] == [42.0, 21.0]
    (largest,) = face_selection.detect_faces(detector, toy.toy_photo(), "me.jpg", all_faces=False)
    np.testing.assert_array_equal(largest.points, toy.FIVE_POINTS)
    assert largest.confidence == 0.99


def test_face_from_landmarks_preset():
    face = face_selection.face_from_landmarks(toy.FIVE_POINTS.tolist(), "me.jpg")
    np.testing.assert_array_equal(face.box, [90.0, 90.0, 42.0, 48.0])
    assert face.confidence is None


@pytest.mark.parametrize("order", [[1, 0, 2, 3, 4], [0, 1, 2, 4, 3], [3, 4, 2, 0, 1]])
def test_face_from_landmarks_exception_raised(order):
    with pytest.raises(ValueError, match="me.jpg: `landmarks` must stand in this order"):
        face_selection.face_from_landmarks(toy.FIVE_POINTS[order], "me.jpg")


def face_location(points):
    return face_selection.FaceLocation(points, np.array([1.0, 2.0, 30.0, 40.0]), 0.9)


def test_align_faces_warns_about_each_skipped_face():
    good, outside, line = (
        face_location(toy.FIVE_POINTS),
        face_location(toy.FIVE_POINTS + 5000),
        face_location(np.eye(5, 2)),
    )
    with pytest.warns(UserWarning, match="me.jpg: skipped .* 30 x 40 pixels") as caught:
        ((face, aligned),) = face_selection.align_faces(
            toy.toy_photo(), [outside, good, line], "me.jpg"
        )
    assert len(caught) == 2
    assert face is good and aligned.image.shape == (224, 224, 3)


def test_align_faces_does_not_warn_if_all_can_be_aligned():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            len(face_selection.align_faces(toy.toy_photo(), [face_location(toy.FIVE_POINTS)], "me"))
            == 1
        )


def test_align_faces_exception_raised():
    with pytest.raises(ValueError, match="^me.jpg: "):
        face_selection.align_faces(
            toy.toy_photo(), [face_location(toy.FIVE_POINTS + 5000)], "me.jpg"
        )


class TurningDetector:
    """Detects a face if the bright half of the photo is on top, with less confidence otherwise."""

    def __init__(self, upright, other):
        self.upright, self.other, self.calls = upright, other, 0

    def detect(self, image):
        self.calls += 1
        height = len(image) // 2
        is_upright = image[:height].mean() > 1.5 * image[height:].mean()
        confidence = self.upright if is_upright else self.other
        known = toy.detected_face()
        if confidence is None:
            return []
        return [face_detection.DetectedFace(known.box, confidence, known.five_points)]


def bright_top():
    photo = toy.toy_photo(240, 240)
    photo[120:] //= 4
    return photo


@pytest.mark.parametrize("other", [0.9756, None])
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_read_faces_turns_photos_upright(turn, other):
    detector = TurningDetector(0.9976, other)
    found = face_selection.read_faces(detector, np.rot90(bright_top(), turn))
    assert found.photo_rotation == (360 - 90 * turn) % 360
    np.testing.assert_array_equal(found.photo, bright_top())
    assert found.faces[0][0].confidence == 0.9976
    assert detector.calls == (1 if turn == 0 else 4)  # The usual case costs nothing.


def test_read_faces_keeps_photos_without_a_surer_orientation():
    found = face_selection.read_faces(TurningDetector(0.9, 0.9), np.rot90(bright_top(), 2))
    assert found.photo_rotation == 0
