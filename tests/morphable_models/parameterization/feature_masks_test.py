import numpy as np
import pytest

from tf_facerecon.morphable_models.parameterization import face_domain, feature_masks

MASKS = [
    feature_masks.eye_opening,
    feature_masks.iris,
    feature_masks.lash_line,
    feature_masks.lid_fold,
    feature_masks.brow,
    feature_masks.lips,
    feature_masks.mouth_corner,
    feature_masks.nostril,
    feature_masks.hair,
    feature_masks.skin,
]


def domain():
    s, t = np.meshgrid(np.linspace(-1.42, 1.42, 143), np.linspace(-1.08, 1.0, 105))
    return s.ravel(), t.ravel()


@pytest.mark.parametrize("mask", MASKS, ids=lambda mask: mask.__name__)
def test_masks_lie_between_0_and_1_and_are_symmetric(mask):
    s, t = domain()
    values = mask(s, t)
    assert values.shape == s.shape and values.min() >= 0.0 and values.max() <= 1.0
    assert values.max() > 0.5 and values.min() < 0.01  # There is some of it, and not everywhere.
    np.testing.assert_allclose(mask(-s, t), values, atol=1e-12)


def test_smooth_step_preset():
    np.testing.assert_allclose(
        feature_masks.smooth_step(np.array([-1.0, 0.0, 0.5, 1.0, 3.0]), 0.0, 2.0),
        [0, 0, 0.15625, 0.5, 1],
    )
    np.testing.assert_allclose(
        feature_masks.smooth_step(np.array([0.0, 1.0, 2.0]), 2.0, 0.0), [1, 0.5, 0]
    )


def test_spot_preset():
    # One and two radii from the centre, on either side of the face.
    values = feature_masks.spot(
        np.array([0.4, -0.4, 0.5, 0.4]), np.array([0.1, 0.1, 0.1, 0.5]), 0.4, 0.1, 0.1, 0.2
    )
    np.testing.assert_allclose(values, np.exp([0, 0, -0.5, -2]))


def test_features_lie_at_their_landmarks():
    landmarks = face_domain.domain_coordinates(face_domain.landmark_template())

    def at(mask, *numbers):
        return mask(*landmarks[list(numbers)].mean(axis=0)[:, None])[0]

    assert at(feature_masks.eye_opening, 36, 39) == at(feature_masks.eye_opening, 42, 45) == 1
    assert at(feature_masks.iris, 37, 38, 40, 41) > 0.99
    assert at(feature_masks.brow, 19) > 0.9 and at(feature_masks.brow, 24) > 0.9
    assert at(feature_masks.lips, 51, 62) > 0.9 and at(feature_masks.lips, 57, 66) > 0.9
    for mask in (
        feature_masks.eye_opening,
        feature_masks.brow,
        feature_masks.lips,
        feature_masks.hair,
    ):
        assert at(mask, 29) == 0  # on the nose
    assert at(feature_masks.skin, 29) > 0.99
    for eye_or_lip in ((36, 39), (19,), (51, 62)):
        assert at(feature_masks.skin, *eye_or_lip) < 0.1


def test_lid_heights_meet_at_the_corners():
    corners = np.array([feature_masks.EYE_INNER[0], feature_masks.EYE_OUTER[0]])
    upper, lower, along = feature_masks.lid_heights(corners)
    np.testing.assert_allclose(along, [-1, 1])
    np.testing.assert_allclose(upper, lower, atol=1e-12)


def test_lid_heights_pass_through_the_landmarks():
    landmarks = face_domain.domain_coordinates(face_domain.landmark_template())
    for above, below in ((37, 41), (38, 40), (43, 47), (44, 46)):
        upper, _, _ = feature_masks.lid_heights(landmarks[[above], 0])
        _, lower, _ = feature_masks.lid_heights(landmarks[[below], 0])
        np.testing.assert_allclose(upper, landmarks[above, 1], atol=1e-12)
        np.testing.assert_allclose(lower, landmarks[below, 1], atol=1e-12)


def test_lip_edges_pass_through_the_landmarks():
    landmarks = face_domain.domain_coordinates(face_domain.landmark_template())
    upper, _ = feature_masks.lip_edges(landmarks[48:55, 0])
    _, lower = feature_masks.lip_edges(landmarks[54:60, 0])
    np.testing.assert_allclose(upper, landmarks[48:55, 1], atol=1e-12)
    np.testing.assert_allclose(lower, landmarks[54:60, 1], atol=1e-12)


def test_lips_end_bluntly_at_the_corners_of_the_mouth():
    s, t = face_domain.domain_coordinates(face_domain.landmark_template())[54]
    beyond = s + np.array([-0.010, 0.0, 0.030])
    red = feature_masks.lips(beyond, np.full(3, t))
    pit = feature_masks.mouth_corner(beyond, np.full(3, t))
    skin = feature_masks.skin(beyond, np.full(3, t))
    assert red[0] > 0.9 and red[2] == 0.0
    assert pit[1] > 0.9 and pit[2] < 0.05
    assert skin[1] == 0.0 and skin[2] > 0.9
    # As thick there as the red is from where vertices can show it.
    assert (
        feature_masks.lips(s - 0.01, t + 0.01) > 0.5 > 0.1 > feature_masks.lips(s - 0.01, t + 0.025)
    )
