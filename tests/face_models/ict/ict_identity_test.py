import numpy as np
import pytest

from tf_facerecon.face_models.ict import ict_identity


@pytest.fixture
def scene(rng):
    points = rng.normal(size=(60, 3)) + [0.0, 1.0, 5.0]
    modes = rng.normal(size=(5, 60, 3)) * np.array([1.0, 0.2, 3.0, 0.5, 0.7])[:, None, None]
    return modes, points, np.arange(60) < 40


def motions(points, centre):
    """Displacements by small translations, rotations and scale, each by its formula."""
    offsets = points - centre
    turns = [np.cross(axis, offsets) for axis in np.eye(3)]
    shifts = [np.tile(axis, (len(points), 1)) for axis in np.eye(3)]
    return np.stack([*shifts, *turns, offsets])


def test_modes_are_orthogonal_ordered_and_without_pose_random(scene):
    modes, points, region = scene
    found = ict_identity.orthogonal_modes(modes, points, region)
    inside = found.basis[:, region].reshape(5, -1)
    gram = inside @ inside.T
    np.testing.assert_allclose(gram, np.diag(found.scales**2), atol=1e-9)
    assert (np.diff(found.scales) < 0).all()
    pose = motions(points, points[region].mean(axis=0))[:, region].reshape(7, -1)
    np.testing.assert_allclose(inside @ pose.T, 0.0, atol=1e-9)


def test_rotated_coefficients_give_the_same_face_but_for_pose_random(scene, rng):
    modes, points, region = scene
    found = ict_identity.orthogonal_modes(modes, points, region)
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(5), atol=1e-12)
    coefficients = rng.normal(size=5)
    before = np.einsum("k,kvd->vd", coefficients, modes)
    after = np.einsum("k,kvd->vd", found.rotation @ coefficients, found.basis)
    pose = motions(points, points.mean(axis=0)).reshape(7, -1).T
    difference = (before - after).ravel()
    explained = pose @ np.linalg.lstsq(pose, difference, rcond=None)[0]
    np.testing.assert_allclose(difference, explained, atol=1e-9)
    assert np.abs(difference).max() > 0.1


def test_a_mode_of_pose_alone_vanishes(scene):
    modes, points, region = scene
    modes[1] = motions(points, np.zeros(3))[[0, 4, 6]].sum(axis=0)
    found = ict_identity.orthogonal_modes(modes, points, region)
    np.testing.assert_allclose(found.scales[-1], 0.0, atol=1e-6)
    np.testing.assert_allclose(found.basis[-1], 0.0, atol=1e-6)


def test_small_region_exception_raised(scene):
    modes, points, _ = scene
    with pytest.raises(ValueError, match="at least 8 vertices. Received: 7"):
        ict_identity.orthogonal_modes(modes, points, np.arange(60) < 7)
