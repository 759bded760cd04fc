import numpy as np
import pytest

from tf_facerecon.photos import dlib_points, face_alignment

# A face of 68 landmarks by hand, (column, row): what dlib's two predictors give for it.
LEFT_EYE, RIGHT_EYE = [[70.0, 90], [94, 91]], [[130.0, 91], [155, 90]]  # Corners, left to right.
NOSE_TIP, NOSE_BASE, MOUTH = [112.0, 122], [112.0, 133], [[90.0, 152], [136, 152]]
DLIB_5 = np.array([RIGHT_EYE[1], RIGHT_EYE[0], LEFT_EYE[0], LEFT_EYE[1], NOSE_BASE])
OURS = np.array([np.mean(LEFT_EYE, axis=0), np.mean(RIGHT_EYE, axis=0), NOSE_TIP, *MOUTH])


def turned(points, degrees, scale=2.5):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return scale * points @ np.array([[cos, sin], [-sin, cos]]) + [300.0, 40.0]


@pytest.mark.parametrize("degrees", [0, 20, -35])
def test_are_dlib_points(degrees):
    assert dlib_points.are_dlib_points(turned(DLIB_5, degrees))
    assert not dlib_points.are_dlib_points(turned(OURS, degrees))
    assert not dlib_points.are_dlib_points(turned(OURS, degrees + 180))
    assert not dlib_points.are_dlib_points(turned(DLIB_5[::-1], degrees))


def test_are_dlib_points_of_no_face():
    assert not dlib_points.are_dlib_points(np.full((5, 2), 7.0))


def test_dlib_points_are_refused_by_name():
    message = "these are dlib's five points, .* The mouth is needed too"
    with pytest.raises(ValueError, match=message):
        face_alignment.fit_crop_transform(DLIB_5, 224, 224)
    with pytest.raises(ValueError, match=f"some.txt: the points: {message}"):
        face_alignment.check_face_order("some.txt: the points", DLIB_5)
    face_alignment.check_face_order("some.txt: the points", OURS)
