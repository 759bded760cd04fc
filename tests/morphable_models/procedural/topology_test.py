import numpy as np
import pytest

from tf_facerecon.morphable_models.albedo import face_domain
from tf_facerecon.morphable_models.procedural import surface_details, topology

DENSITIES = (4_000, 6_500, 10_000, 35_709)


@pytest.fixture(scope="module", params=DENSITIES)
def lattice(request):
    return request.param, topology.build_lattice(request.param)


def mesh_positions(lattice):
    return topology.vertex_positions(lattice, surface_details.surface(lattice.s, lattice.t))


def test_build_lattice_size_preset(lattice):
    wanted, mesh = lattice
    assert abs(mesh.s.size - wanted) <= 0.03 * wanted
    assert mesh.triangles.dtype == np.int32
    np.testing.assert_array_equal(np.unique(mesh.triangles), np.arange(mesh.s.size))


def test_build_lattice_is_one_oriented_manifold(lattice):
    _, mesh = lattice
    a, b, c = mesh.triangles.T
    directed = np.concatenate([np.stack(edge, axis=-1) for edge in ((a, b), (b, c), (c, a))])
    # Each direction once: no duplicate triangle, no edge of three triangles, no flipped neighbour.
    assert len(np.unique(directed, axis=0)) == len(directed)
    edges, counts = np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)
    boundary = edges[counts == 1]
    euler_number = mesh.s.size - len(edges) + len(mesh.triangles)
    assert euler_number == 1  # a disc: one rim, and the mouth's slit closed by its inner sheet
    # Every rim vertex lies on exactly two rim edges.
    assert set(np.unique(boundary, return_counts=True)[1]) == {2}


def test_build_lattice_has_no_degenerate_triangle(lattice):
    _, mesh = lattice
    corners = mesh_positions(mesh)[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    assert areas.min() > 0.02 * np.median(areas)


def test_build_lattice_winding_faces_outwards(lattice):
    _, mesh = lattice
    corners = mesh_positions(mesh)[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outer = (mesh.sheet_row[mesh.triangles] < 0).all(axis=1)
    from_axis = corners.mean(axis=1) - [0.0, 0.0, -0.4]
    outward = (normals * from_axis).sum(axis=1) > 0
    assert outward[outer].mean() > 0.98


def test_build_lattice_landmarks_meet_template(lattice):
    _, mesh = lattice
    assert len(np.unique(mesh.landmarks)) == 68
    distances = mesh_positions(mesh)[mesh.landmarks] - face_domain.landmark_template()
    assert np.abs(distances).max() < 0.003  # dm: 0.3 mm


def test_build_lattice_uv_does_not_overlap(lattice):
    _, mesh = lattice
    assert mesh.uv.min() >= 0.0 and mesh.uv.max() <= 1.0
    a, b, c = np.moveaxis(mesh.uv.astype(np.float64)[mesh.triangles], 1, 0)
    areas = np.cross(np.pad(b - a, ((0, 0), (0, 1))), np.pad(c - a, ((0, 0), (0, 1))))[:, 2]
    # All flattened triangles keep their orientation and together fill a shape without holes.
    assert (areas > 0).all()


def test_build_lattice_mouth_is_open():
    mesh = topology.build_lattice(6_500)
    upper = mesh.triangles[(mesh.seam_side[mesh.triangles] > 0).all(axis=1)]
    outer = (mesh.sheet_row[mesh.triangles] < 0).all(axis=1)
    sides = mesh.seam_side[mesh.triangles][outer]
    assert upper.size
    # No outer triangle spans the slit from the upper to the lower lip.
    assert not ((sides.max(axis=1) > 0) & (sides.min(axis=1) < 0)).any()


def test_build_lattice_exception_raised():
    with pytest.raises(ValueError, match="num_vertices must be at most 400000, got 99999999"):
        topology.build_lattice(99_999_999)
    with pytest.raises(ValueError, match="num_vertices must be at least 4000, got 100"):
        topology.build_lattice(100)
