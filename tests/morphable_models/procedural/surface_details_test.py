import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain, feature_masks
from tf_facerecon.morphable_models.procedural import (
    annotations,
    expression_modes,
    mean_face,
    surface_details,
)


def points(*pairs):
    return np.array(pairs, np.float64).T


def test_surface_passes_through_landmarks():
    template = face_domain.landmark_template()
    found = surface_details.surface(*face_domain.domain_coordinates(template).T)
    np.testing.assert_allclose(found, template, atol=3e-3)


def test_surface_is_mirror_symmetric_random(rng):
    s, t = rng.uniform(0.0, 1.3, 80), rng.uniform(-0.9, 0.9, 80)
    left, right = surface_details.surface(-s, t), surface_details.surface(s, t)
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1e-9)


def test_surface_is_the_smooth_face_on_plain_skin():
    s, t = points((0.0, 0.5), (0.42, 0.05), (0.2, -0.62))
    moved = surface_details.surface(s, t) - mean_face.surface(s, t)
    assert np.abs(moved).max() < 0.01


def test_surface_lids_are_thick_and_cover_the_eyeball():
    s = np.full(2, feature_masks.EYE_CENTRE_S)
    upper, _, _ = feature_masks.lid_heights(s)
    lid, ball = surface_details.surface(s, upper - [0.0, 0.008])
    assert lid[2] - ball[2] > 0.01  # a millimetre before the eyeball
    assert ball[1] > lid[1]  # which goes on behind it


def test_surface_features_stand_out_and_in():
    s, t = points((0.128, -0.088), (0.180, -0.088), (0.056, -0.128), (0.0, -0.22), (0.05, -0.22))
    smooth, carved = mean_face.surface(s, t), surface_details.surface(s, t)
    wing, groove, nostril, philtrum, ridge = carved - smooth
    assert wing[2] > 0.008 and groove[2] < -0.008
    assert nostril[1] > 0.02
    assert ridge[2] > philtrum[2] + 0.003


def test_closed_lids_stay_before_the_eyeball():
    """Wherever the closing upper lid passes, it lies in front of the eyeball there."""
    s = np.full(40, feature_masks.EYE_CENTRE_S)
    upper, lower, _ = feature_masks.lid_heights(s)
    ball = surface_details.surface(s, np.linspace(lower[0] + 0.007, upper[0] - 0.007, 40))
    edge = mean_face.FacePoints.on_surface(s[:1], upper[:1], np.zeros(1))
    start = surface_details.surface(s[:1], upper[:1])[0]
    number = annotations.expression_names().index("eye_close")
    close = expression_modes.expression_basis(edge)[0, :, number]
    np.testing.assert_allclose(start[1] + 2 * close[1], lower[0], atol=0.02)  # nearly shut
    for steps in np.linspace(0.0, 2.0, 9):
        lid = start + steps * close
        assert lid[2] > np.interp(lid[1], ball[:, 1], ball[:, 2])
