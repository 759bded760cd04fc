"""`inference.doubts`: what makes a reconstruction doubtful."""

import numpy as np
import pytest

from tests import toy_reconstruction as toy
from tf_facerecon.inference import doubts
from tf_facerecon.inference.reconstructor import FaceReconstructor

GOOD = {
    "disagreement": 0.05,
    "confidence": 0.999,
    "photo_points": toy.FIVE_POINTS,
    "crop_points": toy.FIVE_POINTS,
    "mask": np.ones((224, 224)),
    "skin_probability": np.full((224, 224), 0.8),
}


def half_hidden(axis):
    probability = np.full((224, 224), 0.8)
    probability[(slice(None),) * axis + (slice(115, None),)] = 0.05
    return probability


def test_find_doubts_of_a_good_face():
    assert doubts.find_doubts(**GOOD) == ()
    grey = {**GOOD, "skin_probability": half_hidden(1) * 0.2}  # No skin colour at all.
    assert doubts.find_doubts(**{**grey, "confidence": None}) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"disagreement": 0.17}, "disagree by 17% of the eye distance"),
        ({"confidence": 0.9}, "confidence is only 0.90"),
        ({"photo_points": toy.FIVE_POINTS / 5}, "only 8 pixels apart"),
        ({"skin_probability": half_hidden(0)}, "hidden"),
        ({"skin_probability": half_hidden(1)}, "hidden"),
    ],
)
def test_find_doubts_preset(change, message):
    (doubt,) = doubts.find_doubts(**{**GOOD, **change})
    assert message in doubt


def test_reconstruct_warns_of_a_mesh_off_the_detected_points(toy_reconstructor):
    points = toy.FIVE_POINTS.copy()
    points[2] += [0.0, 14.0]  # The nose, of a face that looks down.
    points[:2] -= [0.0, 12.0]
    with pytest.warns(doubts.DoubtfulFaceWarning, match="me: doubtful .* disagree"):
        (face,) = FaceReconstructor.reconstruct(
            toy_reconstructor, toy.toy_photo(), landmarks=points, source="me"
        )
    summary = face.summary()
    assert summary["point_disagreement"] == face.point_disagreement > 0.16
    assert "disagree" in summary["doubts"][0] and summary["photo_rotation"] == 0
