import numpy as np
import pytest

from tf_facerecon.morphable_models.parameterization import face_domain
from tf_facerecon.morphable_models.procedural import surface_details, topology

DENSITIES = (4_000, 6_500, 10_000, 35_709)


@pytest.fixture(scope="module", params=DENSITIES)
def mesh(request):
    return request.param, topology.build_mesh(request.param)


def mesh_positions(mesh):
    return topology.vertex_positions(mesh, surface_details.surface(mesh.s, mesh.t))


def test_build_mesh_size_preset(mesh):
    wanted, mesh = mesh
    assert abs(mesh.s.size - wanted) <= 0.03 * wanted
    assert mesh.triangles.dtype == np.int32
    np.testing.assert_array_equal(np.unique(mesh.triangles), np.arange(mesh.s.size))


def test_build_mesh_is_one_oriented_manifold(mesh):
    _, mesh = mesh
    a, b, c = mesh.triangles.T
    directed = np.concatenate([np.stack(edge, axis=-1) for edge in ((a, b), (b, c), (c, a))])
    # Each direction once: no duplicate triangle, no edge of three triangles, no flipped neighbour.
    assert len(np.unique(directed, axis=0)) == len(directed)
    edges, counts = np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)
    boundary = edges[counts == 1]
    euler_number = mesh.s.size - len(edges) + len(mesh.triangles)
    assert euler_number == 1  # a disc: one rim, and the mouth's between closed by its inner mouth
    # Every rim vertex lies on exactly two rim edges.
    assert set(np.unique(boundary, return_counts=True)[1]) == {2}


def test_build_mesh_has_no_degenerate_triangle(mesh):
    _, mesh = mesh
    corners = mesh_positions(mesh)[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    assert areas.min() > 0.02 * np.median(areas)


def test_build_mesh_winding_faces_outwards(mesh):
    _, mesh = mesh
    corners = mesh_positions(mesh)[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outer = (mesh.mouth_row[mesh.triangles] < 0).all(axis=1)
    from_axis = corners.mean(axis=1) - [0.0, 0.0, -0.4]
    outward = (normals * from_axis).sum(axis=1) > 0
    assert outward[outer].mean() > 0.98


def test_build_mesh_landmarks_meet_template(mesh):
    _, mesh = mesh
    assert len(np.unique(mesh.landmarks)) == 68
    distances = mesh_positions(mesh)[mesh.landmarks] - face_domain.landmark_template()
    assert np.abs(distances).max() < 0.003  # dm: 0.3 mm


def test_build_mesh_uv_does_not_overlap(mesh):
    _, mesh = mesh
    assert mesh.uv.min() >= 0.0 and mesh.uv.max() <= 1.0
    a, b, c = np.moveaxis(mesh.uv.astype(np.float64)[mesh.triangles], 1, 0)
    areas = np.cross(np.pad(b - a, ((0, 0), (0, 1))), np.pad(c - a, ((0, 0), (0, 1))))[:, 2]
    # All flattened triangles keep their orientation and together fill a shape without holes.
    assert (areas > 0).all()


def test_build_mesh_mouth_is_open():
    mesh = topology.build_mesh(6_500)
    upper = mesh.triangles[(mesh.lip_side[mesh.triangles] > 0).all(axis=1)]
    outer = (mesh.mouth_row[mesh.triangles] < 0).all(axis=1)
    sides = mesh.lip_side[mesh.triangles][outer]
    assert upper.size
    # No outer triangle spans the between from the upper to the lower lip.
    assert not ((sides.max(axis=1) > 0) & (sides.min(axis=1) < 0)).any()


def test_build_mesh_exception_raised():
    with pytest.raises(ValueError, match="num_vertices must be at most 400000, got 99999999"):
        topology.build_mesh(99_999_999)
    with pytest.raises(ValueError, match="num_vertices must be at least 4000, got 100"):
        topology.build_mesh(100)
