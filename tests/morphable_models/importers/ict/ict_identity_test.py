import numpy as np
import pytest

from tf_facerecon.morphable_models.importers.ict import ict_identity


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


def test_signs_do_not_follow_the_last_bit(rng):
    """Of an odd mode both sides are equally large; rounding must not choose between them."""
    half = rng.normal(size=(30, 3)) + [3.0, 0.0, 0.0]
    points = np.concatenate([half, half * [-1, 1, 1]])
    wave = rng.normal(size=(4, 30, 3))
    modes = np.concatenate([wave, wave * [1, -1, -1]], axis=1)
    region = np.ones(60, bool)
    first = ict_identity.orthogonal_modes(modes, points, region)
    for _ in range(8):
        noisy = modes * (1.0 + 1e-12 * rng.normal(size=modes.shape))
        again = ict_identity.orthogonal_modes(noisy, points, region)
        np.testing.assert_allclose(again.basis, first.basis, atol=1e-8)
        np.testing.assert_allclose(again.rotation, first.rotation, atol=1e-8)


def test_rotation_keeps_modes_that_vanish(scene):
    modes, points, region = scene
    found = ict_identity.orthogonal_modes(0.0 * modes, points, region)
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(5), atol=1e-12)
