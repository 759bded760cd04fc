"""Albedo models from landmarks: `landmark_albedo` and the masks of `mesh_masks`."""

import numpy as np
import pytest

from tf_facerecon.morphable_models.albedo import (
    albedo_synthesis,
    ambient_occlusion,
    landmark_albedo,
)
from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import albedo, procedural_model, topology


@pytest.fixture(scope="module")
def mesh():
    return topology.build_mesh(4000)


@pytest.fixture(scope="module")
def face(mesh):
    """The procedural face as a mesh of which only the landmarks are known, in millimetres."""
    fields = procedural_model.procedural_fields(4000)
    return 100.0 * fields["mean_shape"], mesh.triangles, mesh.landmarks


@pytest.fixture(scope="module")
def mirror(face, mesh):
    from scipy import spatial

    # Both sides of the mouth's slit lie in one place.
    keys = np.column_stack([face[0], 100.0 * mesh.lip_side])
    return spatial.cKDTree(keys).query(keys * [-1, 1, 1, 1])[1]


@pytest.fixture(scope="module")
def synthesised(face, mesh, mirror):
    inside = {"mouth": mesh.mouth_row >= 0}
    return landmark_albedo.albedo_from_landmarks(*face, mirror_index=mirror, parts=inside)


@pytest.fixture(scope="module")
def visibility(face, mesh):
    vertices, triangles, _ = face
    outside = (mesh.mouth_row < 0)[triangles].all(axis=1)
    return ambient_occlusion.ambient_visibility(vertices / 100.0, triangles[outside])


def test_procedural_face_has_nearly_its_own_albedo(synthesised, mesh, visibility):
    outer = mesh.mouth_row < 0
    expected = albedo.mean_albedo(mesh.s, mesh.t, mesh.mouth_row)
    front = outer & (np.abs(mesh.s) < 0.8) & (mesh.t > -0.8) & (mesh.t < 0.8)
    # The procedural face has eyeballs of its own, shaded by the lids.
    front &= feature_masks.eye_opening(mesh.s, mesh.t) == 0
    # And no shade but in a few typical concavities.
    front &= (visibility > 0.95) & (feature_masks.concavities(mesh.s, mesh.t) < 0.05)
    assert front.sum() > 1000
    difference = np.abs(synthesised.mean_albedo - expected)[front]
    assert difference.mean() < 0.005
    assert np.mean(difference.max(axis=1) > 0.05) < 0.03


def test_first_modes_are_melanin_and_haemoglobin(synthesised):
    skin = (synthesised.skin_region > 0) & (synthesised.regions["eyes"] == 0)
    for mode, absorption in ((0, albedo_synthesis.MELANIN), (1, albedo_synthesis.HAEMOGLOBIN)):
        ratio = synthesised.albedo_basis[skin, :, mode] / (
            synthesised.mean_albedo[skin] * absorption
        )
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0, 0], ratio.shape), rtol=1e-4)
        assert ratio[0, 0] < 0


def test_creases_are_dark_and_saturated(synthesised, mesh, visibility):
    """Beside the wings of the nose: darker than its open ridge, blue most and red least."""
    wing = (np.abs(np.abs(mesh.s) - 0.165) < 0.03) & (np.abs(mesh.t + 0.125) < 0.03)
    crease = synthesised.mean_albedo[wing & (visibility < 0.6)]
    ridge = synthesised.mean_albedo[mesh.landmarks[28]]
    assert len(crease) > 2
    shade = crease / ridge
    assert (shade[:, 0] < 0.93).all() and (np.diff(shade, axis=1) < 0).all()
    assert not synthesised.skin_region[wing & (visibility < 0.6)].any()


@pytest.mark.parametrize("mode", (10, 11), ids=("redness", "darkness"))
@pytest.mark.parametrize("amount", (-2.0, 2.0))
@pytest.mark.parametrize("melanin", (0.0, 2.0), ids=("mean_skin", "dark_skin"))
def test_lips_are_redder_and_darker_than_skin(synthesised, mode, amount, melanin):
    texture = np.zeros(80)
    texture[[0, mode]] = melanin, amount
    colours = synthesised.mean_albedo + synthesised.albedo_basis @ texture
    red, green, _ = colours[synthesised.regions["lips"] > 0.9].mean(axis=0)
    skin_red, skin_green, _ = colours[synthesised.skin_region > 0].mean(axis=0)
    assert green / red < skin_green / skin_red and green < 0.9 * skin_green


def test_modes_are_even_or_odd(synthesised, mirror):
    basis = synthesised.albedo_basis
    np.testing.assert_allclose(synthesised.mean_albedo[mirror], synthesised.mean_albedo, atol=0.02)
    parity = (basis * basis[mirror]).sum(axis=(0, 1)) / (basis**2).sum(axis=(0, 1))
    np.testing.assert_allclose(np.abs(parity), 1.0, atol=0.01)
    assert basis.shape[-1] == 80 and (np.abs(basis).max(axis=(0, 1)) > 0).all()


def test_regions_lie_at_their_landmarks(synthesised, face):
    landmarks = face[2]
    regions = synthesised.regions
    assert regions["lips"][landmarks[[51, 57]]].min() > 0.4
    assert regions["brows"][landmarks[[19, 24]]].min() > 0.8
    assert regions["nose"][landmarks[30]] > 0.9 and regions["small_face"][landmarks[8]] == 0
    assert synthesised.skin_region[landmarks[[28, 29]]].min() == 1
    for region in regions.values():
        assert 0.0 <= region.min() and region.max() <= 1.0


def test_eyeballs_get_iris_and_pupil(face, mirror):
    """Balls behind the lids: dark in the middle of their front, white beside it."""
    vertices, triangles, landmarks = face
    line = np.linspace(-1.4, 1.4, 25)
    across, down = (angle.ravel() for angle in np.meshgrid(line, line))
    ball = 12.0 * np.stack(
        [np.sin(across) * np.cos(down), np.sin(down), np.cos(across) * np.cos(down)], axis=-1
    )
    index = np.arange(625).reshape(25, 25)
    a, b, c = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel()
    cells = np.stack([a, b, c], axis=-1)
    centres = vertices[landmarks[[36, 39, 42, 45]]].reshape(2, 2, 3).mean(axis=1) - [0, 0, 8]
    count = len(vertices)
    vertices = np.concatenate([vertices, ball + centres[0], ball + centres[1]])
    triangles = np.concatenate([triangles, cells + count, cells + count + 625])
    eyes = np.arange(len(vertices)) >= count
    synthesised = landmark_albedo.albedo_from_landmarks(
        vertices, triangles, landmarks, parts={"eyeballs": eyes}
    )
    for first in (count, count + 625):
        middle, white = first + index[12, 12], first + index[12, 19]
        assert synthesised.mean_albedo[middle].max() < 0.1
        assert synthesised.mean_albedo[white].min() > 0.3
    np.testing.assert_array_equal(synthesised.regions["eyes"], eyes)
    assert not synthesised.skin_region[eyes].any()


def test_unknown_part_exception_raised(face):
    with pytest.raises(ValueError, match=r"`parts` must have names among .*\['ears'\]"):
        landmark_albedo.albedo_from_landmarks(*face, parts={"ears": np.zeros(len(face[0]))})


def test_part_of_another_mesh_exception_raised(face):
    with pytest.raises(ValueError, match=r"part 'teeth' must have shape \[\d+\]. Received: \(3,\)"):
        landmark_albedo.albedo_from_landmarks(*face, parts={"teeth": np.zeros(3)})
