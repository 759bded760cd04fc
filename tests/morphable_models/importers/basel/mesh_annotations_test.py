import numpy as np
import pytest

from tests.morphable_models.importers.basel import made_up_basel
from tf_facerecon.morphable_models.importers.basel import mesh_annotations

# A cube of side 2 round (0, 5, 0), triangles clockwise from outside at first.
CORNERS = np.array([[x, 5 + y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
CUBE = np.array([t for a, b, c, d in SIDES for t in ((a, b, c), (a, c, d))])


def face_up_to(count):
    """68 landmarks all at the first vertex but the ends of the jaw."""
    landmarks = np.zeros(68, int)
    landmarks[[0, 16]] = count
    return landmarks


def test_orient_outward_preset():
    normals = np.cross(*np.moveaxis(np.diff(CORNERS[CUBE], axis=1), 1, 0))
    outward = np.sum(normals * (CORNERS[CUBE].mean(axis=1) - [0, 5, 0]), axis=1) > 0
    assert outward.all()
    np.testing.assert_array_equal(mesh_annotations.orient_outward(CORNERS, CUBE), CUBE)
    turned = mesh_annotations.orient_outward(CORNERS, CUBE[:, [1, 0, 2]])
    np.testing.assert_array_equal(turned, CUBE[:, [2, 0, 1]])
    assert turned.dtype == np.int32


def test_orient_outward_open_face():
    mesh = made_up_basel.made_up_mesh()
    for triangles in (mesh.triangles, mesh.triangles[:, ::-1]):
        got = mesh_annotations.orient_outward(mesh.vertices + [0, 0, 30], triangles)
        np.testing.assert_array_equal(got, mesh.triangles)


def test_cylindrical_uv_front_preset():
    # Axis through (0, 0, 0); azimuths -90, 0, 90 degrees; heights 1, 3, 2.
    vertices = np.array([[-2.0, 1, 0], [0, 3, 5], [4, 2, 0], [1, 0, 0], [-1, 0, 0]])
    landmarks = np.full(68, 1)
    landmarks[0], landmarks[16] = 3, 4
    uv, uv_triangles = mesh_annotations.cylindrical_uv(vertices, np.array([[0, 1, 2]]), landmarks)
    assert uv_triangles is None
    assert uv.dtype == np.float32
    np.testing.assert_allclose(uv[:3], [[0, 1 / 3], [0.5, 1], [1, 2 / 3]], atol=1e-6)


def test_cylindrical_uv_seam_at_the_back():
    angles = np.deg2rad(np.arange(-170, 180, 20))
    ring = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], -1)
    vertices = np.concatenate([ring, ring + [0, 1, 0], [[0, 0, 0.0]]])
    count = len(ring)
    low = np.arange(count)
    after = (low + 1) % count
    triangles = np.concatenate(
        [np.stack([low, after, after + count], -1), np.stack([low, after + count, low + count], -1)]
    )
    uv, uv_triangles = mesh_annotations.cylindrical_uv(vertices, triangles, face_up_to(2 * count))
    assert uv.min() == 0 and uv.max() == 1
    # Vertex 0 and the one above it lie on both sides of the seam: two more coordinates.
    assert len(uv) == len(vertices) + 2
    np.testing.assert_allclose(np.ptp(uv[uv_triangles][..., 0], axis=1), 20 / 360, atol=1e-6)
    edge = uv[uv_triangles]
    a, b = edge[:, 1] - edge[:, 0], edge[:, 2] - edge[:, 0]
    assert (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] > 0).all()
    crossing = (uv_triangles != triangles).any(axis=1)
    assert crossing.sum() == 2
    np.testing.assert_allclose(uv[len(vertices) :, 0], 1.0)


def test_regions_from_landmarks_preset():
    mesh = made_up_basel.made_up_mesh()
    back = mesh.vertices * [1, 1, 0] - [0, 0, 3]
    vertices = np.concatenate([mesh.vertices, back])
    regions = mesh_annotations.regions_from_landmarks(vertices, mesh.landmarks)
    for region in regions.values():
        assert region.dtype == np.float32
        assert set(np.unique(region)) == {0.0, 1.0}
        assert region[len(back) :].sum() == 0
    at_landmarks = {name: region[mesh.landmarks] for name, region in regions.items()}
    assert at_landmarks["lips"][48:60].all()
    assert not at_landmarks["lips"][:48].any()
    assert at_landmarks["eyes"][36:48].all()
    assert not at_landmarks["eyes"][:36].any() and not at_landmarks["eyes"][48:].any()
    # As the masks of Deng et al.: chin and inner points in the region, sides of the jaw not.
    assert at_landmarks["small_face"][[5, 6, 7, 8, 9, 10, 11, *range(17, 68)]].all()
    assert not at_landmarks["small_face"][[0, 1, 2, 3, 4, 12, 13, 14, 15, 16]].any()
    assert at_landmarks["skin"][27:31].all()
    assert not at_landmarks["skin"][[*range(17, 27), *range(36, 68), *range(17)]].any()
    assert (regions["skin"] <= regions["small_face"]).all()
    assert ((regions["skin"] > 0) & (vertices[:, 1] > 0.6)).any()


def test_regions_from_landmarks_exception_raised():
    mesh = made_up_basel.made_up_mesh()
    with pytest.raises(ValueError, match="The landmarks must outline"):
        mesh_annotations.regions_from_landmarks(mesh.vertices, np.full(68, 3))
