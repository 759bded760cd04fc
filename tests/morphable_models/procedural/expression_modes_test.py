import numpy as np
import pytest

from tests.morphable_models.procedural import modes_faces
from tf_facerecon.morphable_models.procedural import expression_modes, mean_face


@pytest.fixture(scope="module")
def basis():
    return expression_modes.expression_basis(modes_faces.mirrored_points())


def test_expression_basis_shape(basis):
    assert basis.shape == (240, 3, 64)
    assert np.isfinite(basis).all()
    assert (np.abs(basis).max(axis=(0, 1)) > 0).all()


def test_expression_basis_fewer_modes_are_the_first(basis):
    few = expression_modes.expression_basis(modes_faces.mirrored_points(), 45)
    np.testing.assert_allclose(few, basis[..., :45], atol=1e-12)


def test_expression_basis_modes_are_even_or_odd(basis):
    parity = modes_faces.parities(basis)
    np.testing.assert_allclose(np.abs(parity), 1.0, atol=1e-9)
    energy = (basis**2).sum(axis=(0, 1))
    assert energy[parity > 0].sum() > 0.9 * energy.sum()


def test_expression_basis_is_of_human_size(basis):
    """One standard deviation of any mode moves no point of the face by more than a centimetre."""
    assert 0.05 < np.linalg.norm(basis, axis=1).max() < 0.10  # dm


def test_first_mode_opens_the_jaw():
    upper, lower = expression_modes.expression_basis(modes_faces.lip_points())[:, :, 0]
    np.testing.assert_allclose(upper, 0.0, atol=1e-9)
    assert lower[1] < -0.03
    # A turn about the ears moves a point across its distance from the hinge.
    point = modes_faces.lip_points().position[1] - [0.0, 0.0, -0.55]
    np.testing.assert_allclose(lower @ point, 0.0, atol=1e-9)


def test_expressions_hold_at_the_corners_of_the_mouth():
    """Where the between ends, both its sides move alike: the face does not tear further."""
    s = np.full(2, mean_face.MOUTH_CORNER)
    lip_line = mean_face.lip_line_height(s)
    corner = mean_face.FacePoints.on_surface(s, lip_line, np.array([1.0, -1.0]))
    upper, lower = expression_modes.expression_basis(corner)
    np.testing.assert_allclose(upper, lower, atol=1e-6)


def test_jaw_weight_is_discontinuous_at_the_lip_line():
    s = np.zeros(2)
    t = np.full(2, mean_face.LIP_LINE_MIDDLE)
    np.testing.assert_allclose(
        expression_modes.jaw_weight(s, t, np.array([1.0, -1.0])), [0, 1], atol=1e-9
    )
    # Beyond the corner of the mouth there is no between, and the skin moves by half.
    beyond = np.array([0.6])
    height = mean_face.lip_line_height(beyond)
    np.testing.assert_allclose(expression_modes.jaw_weight(beyond, height, np.zeros(1)), 0.5)
    far = expression_modes.jaw_weight(np.zeros(2), np.array([0.9, -0.9]), np.zeros(2))
    np.testing.assert_allclose(far, [0, 1], atol=1e-2)
