"""`metrics.image_error`: the error and the region of the photograph that it covers."""

import numpy as np
import pytest

from tf_facerecon.metrics import image_error

SKIN = np.ones((224, 224))
UPRIGHT = np.array([[80.0, 90.0], [140.0, 90.0], [110.0, 120.0], [90.0, 150.0], [130.0, 150.0]])


def test_face_ellipse_preset():
    ellipse = image_error.face_ellipse(UPRIGHT, (224, 224))
    # Centre (110, 120), half-axes 60 and 66.
    inside = [(110, 120), (169, 120), (51, 120), (110, 185), (110, 55)]
    outside = [(171, 120), (49, 120), (110, 187), (110, 53), (160, 170)]
    assert all(ellipse[row, column] for column, row in inside)
    assert not any(ellipse[row, column] for column, row in outside)


def test_face_ellipse_follows_in_plane_rotation():
    centre = np.array([110.0, 120.0])
    quarter_turn = (UPRIGHT - centre) @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + centre
    ellipse = image_error.face_ellipse(quarter_turn, (224, 224))
    assert ellipse[120, 175] and not ellipse[185, 110]


def test_photometric_region_is_skin_in_the_ellipse():
    skin = np.where(np.arange(224)[None, :] < 110, 0.9, 0.5) * SKIN
    region = image_error.photometric_region(UPRIGHT, skin)
    assert region[120, 100] and not region[120, 115] and not region[120, 20]


def test_photometric_error_preset():
    rendered, crop = np.zeros((2, 2, 3)), np.zeros((2, 2, 3))
    crop[0, 0] = [0.3, 0.0, 0.4]
    rendered[0, 1] = 2.0  # Counts as 1, the brightest value of an image.
    region = np.array([[True, True], [False, False]])
    expected = (0.5 + np.sqrt(3.0)) / 2
    assert image_error.photometric_error(rendered, crop, region) == pytest.approx(expected)
    # Nothing was measured, which must not look like a perfect fit.
    assert np.isnan(image_error.photometric_error(rendered, crop, np.zeros((2, 2), bool)))


def test_photometric_error_counts_uncovered_pixels():
    crop = np.full((224, 224, 3), 0.6)
    region = image_error.photometric_region(UPRIGHT, SKIN)
    shrunken = np.where((np.indices((224, 224))[0] < 120)[..., None], crop, 0.0)
    assert image_error.photometric_error(shrunken, crop, region) > 0.45
