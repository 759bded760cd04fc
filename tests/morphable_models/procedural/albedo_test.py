import numpy as np
import pytest

from tf_facerecon.morphable_models.albedo import albedo_synthesis
from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import albedo, mean_face

BARE = -1


@pytest.fixture(scope="module")
def points():
    """`s`, `t` and mouth row of points off the mouth's mouth, then the same mirrored."""
    rng = np.random.default_rng(2)
    s, t = rng.uniform(0.0, 1.3, 400), rng.uniform(-1.0, 0.95, 400)
    # Small features are there for certain: nostril, white of the eye, crease of the lid, lashes.
    s[:4], t[:4] = (0.056, 0.27, 0.36, 0.36), (-0.128, 0.30, 0.37, 0.338)
    return np.concatenate([s, -s]), np.concatenate([t, t]), np.full(800, BARE)


@pytest.fixture(scope="module")
def basis(points):
    return albedo.albedo_basis(*points)


def test_mean_albedo_range_and_symmetry(points):
    colours = albedo.mean_albedo(*points)
    assert colours.shape == (800, 3) and colours.min() >= 0.0 and colours.max() <= 1.0
    np.testing.assert_allclose(*np.split(colours, 2), atol=1e-12)


def test_mean_albedo_preset():
    """Plain skin, the pupil, the middle of the lower lip, and a tooth."""
    s = np.array([0.0, feature_masks.IRIS_CENTRE_S, 0.0, 0.0])
    t = np.array([0.70, feature_masks.IRIS_CENTRE_T, -0.41, mean_face.LIP_LINE_MIDDLE])
    skin, pupil, lip, tooth = albedo.mean_albedo(s, t, np.array([BARE, BARE, BARE, 3]))
    np.testing.assert_allclose(skin, albedo_synthesis.SKIN, atol=0.01)
    assert pupil.max() < 0.1
    assert lip[0] > 1.5 * lip[1]
    assert tooth.min() > 0.55


def test_albedo_basis_shape_and_symmetry(basis):
    assert basis.shape == (800, 3, 80) and np.isfinite(basis).all()
    assert (np.abs(basis).max(axis=(0, 1)) > 0).all()
    here, there = np.split(basis, 2)
    parity = 2 * (here * there).sum(axis=(0, 1)) / (basis**2).sum(axis=(0, 1))
    np.testing.assert_allclose(np.abs(parity), 1.0, atol=1e-9)
    energy = (basis**2).sum(axis=(0, 1))
    assert energy[parity > 0].sum() > 0.9 * energy.sum()


def test_albedo_basis_first_modes_are_melanin_and_haemoglobin(basis, points):
    s, t, _ = points
    skin = feature_masks.skin(s, t) > 0.9
    colours = albedo.mean_albedo(*points)
    for mode, absorption in ((0, albedo_synthesis.MELANIN), (1, albedo_synthesis.HAEMOGLOBIN)):
        ratio = basis[skin, :, mode] / (colours[skin] * absorption)
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-6)
        assert ratio[0, 0] < 0  # More of it absorbs more light.


def test_albedo_basis_is_zero_inside_the_mouth():
    rows = np.arange(len(mean_face.MOUTH_INTERIOR))
    lip_line = np.full(rows.size, mean_face.LIP_LINE_MIDDLE)
    inside = albedo.albedo_basis(np.zeros(rows.size), lip_line, rows)
    np.testing.assert_array_equal(inside, np.zeros((rows.size, 3, 80)))


def test_albedo_basis_fewer_modes_are_the_first(points, basis):
    np.testing.assert_allclose(albedo.albedo_basis(*points, 30), basis[..., :30], atol=1e-12)
