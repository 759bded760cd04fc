import numpy as np
import pytest

from tests.morphable_models.procedural import modes_faces
from tf_facerecon.morphable_models.procedural import gaussian_process_modes, identity_modes


@pytest.fixture(scope="module")
def control_basis():
    return identity_modes.identity_basis(gaussian_process_modes.control_points().points)


def test_identity_basis_shape_and_order(control_basis):
    points, weights = (
        getattr(gaussian_process_modes.control_points(), n) for n in ("points", "weights")
    )
    assert control_basis.shape == (points.s.size, 3, 80)
    energy = (weights[:, None, None] * control_basis**2).sum(axis=(0, 1))
    assert (np.diff(energy) <= 1e-9 * energy[0]).all()


def test_identity_basis_is_per_unit_standard_deviation(control_basis):
    """Random identities of unit coefficients move the control points by the promised distance."""
    weights = gaussian_process_modes.control_points().weights
    squared = (control_basis**2).sum(axis=(1, 2))  # Expected squared displacement of each point.
    rms = np.sqrt((weights * squared).sum() / weights.sum())
    np.testing.assert_allclose(rms, identity_modes.TOTAL_DISPLACEMENT, rtol=1e-6)


def test_identity_basis_holds_no_pose(control_basis):
    """Over the whole face, modes are orthogonal to translation, rotation and scale."""
    control = gaussian_process_modes.control_points()
    place = control.points.position
    whole = np.concatenate([place, place * [-1, 1, 1]])
    weights = np.tile(control.weights / 2, 2)[:, None, None]
    mirrored_points = type(control.points)(
        -control.points.s, control.points.t, control.points.lip_side, place * [-1, 1, 1]
    )
    mirrored = identity_modes.identity_basis(mirrored_points)
    basis = np.concatenate([control_basis, mirrored])
    axes = np.eye(3)
    pose = [np.broadcast_to(axis, whole.shape) for axis in axes]
    pose += [np.cross(axis, whole) for axis in axes] + [whole]
    for field in pose:
        overlap = (weights * basis * field[:, :, None]).sum(axis=(0, 1))
        size = np.sqrt((weights[..., 0] * field**2).sum() * (weights * basis**2).sum(axis=(0, 1)))
        assert np.abs(overlap / size).max() < 1e-6


def test_identity_basis_modes_are_even_or_odd():
    parity = modes_faces.parities(identity_modes.identity_basis(modes_faces.mirrored_points()))
    np.testing.assert_allclose(np.abs(parity), 1.0, atol=1e-6)
    assert (parity[:10] > 0).sum() > 5


def test_identity_basis_does_not_part_the_lips():
    upper, lower = identity_modes.identity_basis(modes_faces.lip_points())
    np.testing.assert_allclose(upper, lower, atol=1e-9)
