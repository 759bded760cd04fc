"""`inference.refinement`: it comes closer to the photograph, by measures no fit can cheat."""

import numpy as np
import pytest

from tests.inference.toy_reconstruction import FIVE_POINTS
from tf_facerecon.inference import refinement

SKIN = np.ones((224, 224))
UPRIGHT = np.array([[80.0, 90.0], [140.0, 90.0], [110.0, 120.0], [90.0, 150.0], [130.0, 150.0]])


@pytest.fixture(scope="module")
def toy_fit(toy_reconstructor):
    """A picture of known coefficients, and its refinement from the mean face."""
    decoder = toy_reconstructor.decoder
    true = np.zeros(decoder.layout.total, np.float32)
    where = decoder.layout.slices
    true[where["rotation"]] = [0.05, -0.1, 0.05]
    true[where["translation"]] = [0.05, 0.03, 0.1]
    true[where["texture"]] = 1.0
    true[where["lighting"]] = np.linspace(0.3, 0.0, 27)
    decoded = decoder(true[None])
    picture, points = decoded["image"].numpy()[0], decoded["five_points"].numpy()[0]
    refiner = refinement.Refiner(decoder, steps=40)
    start = np.zeros_like(true)
    return refiner, (start, np.clip(picture, 0, 1), points, SKIN.astype(np.float32))


def test_refine_comes_closer_preset(toy_fit):
    refiner, arguments = toy_fit
    _, report = refiner.refine(*arguments)
    assert report.steps == 40
    assert report.photometric_after <= 0.5 * report.photometric_before
    assert report.point_error_after <= 0.03 < report.point_error_before


def test_refine_starts_afresh_for_every_face(toy_fit):
    refiner, arguments = toy_fit
    first, _ = refiner.refine(*arguments)
    second, _ = refiner.refine(*arguments)
    np.testing.assert_array_equal(first, second)


def test_refine_keeps_frozen_groups(toy_reconstructor, toy_fit):
    _, (start, crop, points, skin) = toy_fit
    sizes = {**refinement.STEP_SIZES, "identity": 0.0, "lighting": 0.0}
    end, _ = refinement.refine(
        toy_reconstructor.decoder, start + 0.1, crop, points, skin, steps=2, step_sizes=sizes
    )
    groups = toy_reconstructor.decoder.layout.split(end)
    for name, group in groups.items():
        assert np.all(group == np.float32(0.1)) == (name in ("identity", "lighting")), name


def test_refine_exception_raised(toy_reconstructor, toy_fit):
    refiner, (start, crop, points, skin) = toy_fit
    with pytest.raises(ValueError, match="`coefficients` must have shape"):
        refiner.refine(start[:-1], crop, points, skin)
    with pytest.raises(ValueError, match="`crop` must have shape"):
        refiner.refine(start, crop[:-1], points, skin)
    with pytest.raises(ValueError, match=r"`points` must be \[5, 2\] or \[68, 2\]"):
        refiner.refine(start, crop, points[:4], skin)
    with pytest.raises(ValueError, match="`steps`"):
        refinement.Refiner(toy_reconstructor.decoder, steps=0)
    with pytest.raises(ValueError, match="`loss_weights` must name exactly"):
        refinement.Refiner(toy_reconstructor.decoder, loss_weights={"photo": 1.0})
    with pytest.raises(ValueError, match="`step_sizes` must name exactly"):
        refinement.Refiner(toy_reconstructor.decoder, step_sizes={})


def test_face_ellipse_preset():
    ellipse = refinement.face_ellipse(UPRIGHT, (224, 224))
    # Centre (110, 120), half-axes 60 and 66.
    inside = [(110, 120), (169, 120), (51, 120), (110, 185), (110, 55)]
    outside = [(171, 120), (49, 120), (110, 187), (110, 53), (160, 170)]
    assert all(ellipse[row, column] for column, row in inside)
    assert not any(ellipse[row, column] for column, row in outside)


def test_face_ellipse_leans_with_the_face():
    centre = np.array([110.0, 120.0])
    quarter_turn = (UPRIGHT - centre) @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + centre
    ellipse = refinement.face_ellipse(quarter_turn, (224, 224))
    assert ellipse[120, 175] and not ellipse[185, 110]


def test_photo_region_is_skin_in_the_ellipse():
    skin = np.where(np.arange(224)[None, :] < 110, 0.9, 0.5) * SKIN
    region = refinement.photo_region(UPRIGHT, skin)
    assert region[120, 100] and not region[120, 115] and not region[120, 20]


def test_photometric_error_preset():
    rendered, crop = np.zeros((2, 2, 3)), np.zeros((2, 2, 3))
    crop[0, 0] = [0.3, 0.0, 0.4]
    rendered[0, 1] = 2.0  # Counts as 1, the brightest that a picture can be.
    region = np.array([[True, True], [False, False]])
    expected = (0.5 + np.sqrt(3.0)) / 2
    assert refinement.photometric_error(rendered, crop, region) == pytest.approx(expected)
    assert refinement.photometric_error(rendered, crop, np.zeros((2, 2), bool)) == 0.0


def test_photometric_error_charges_for_uncovered_pixels():
    crop = np.full((224, 224, 3), 0.6)
    region = refinement.photo_region(UPRIGHT, SKIN)
    shrunken = np.where((np.indices((224, 224))[0] < 120)[..., None], crop, 0.0)
    assert refinement.photometric_error(shrunken, crop, region) > 0.45


def test_point_error_preset():
    # Eyes 60 apart; every point off by (3, 4), that is 5 pixels.
    assert refinement.point_error(UPRIGHT + [3.0, 4.0], UPRIGHT) == pytest.approx(5.0 / 60.0)
    assert refinement.point_error(FIVE_POINTS, FIVE_POINTS) == 0.0
