"""Alignment by distances: finds known motions, and its derivatives are those of its distances."""

import numpy as np
import pytest
from scipy.spatial import transform

from tests.toy_face import build_toy_face_model
from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.metrics import mesh_alignment, point_to_mesh

NOTHING = (1.0, np.eye(3), np.zeros(3))


@pytest.fixture(scope="module")
def mesh():
    """A bumpy dome without a symmetry along which it could slide."""
    model = build_toy_face_model()
    vertices = model.mean_shape.astype(np.float64)
    x, y, _ = vertices.T
    bumps = 0.05 * np.sin(5 * x + 1) * np.cos(4 * y) + 0.1 * np.exp(-20 * (x**2 + (y - 0.1) ** 2))
    return vertices + bumps[:, None] * [0.0, 0.0, 1.0], model.triangles


def points_on(vertices, triangles):
    """Centres of the triangles: on the surface, at no vertex."""
    return vertices[triangles].mean(axis=1)


@pytest.mark.parametrize("with_scale", [True, False])
def test_align_surface_finds_known_motion(mesh, with_scale):
    vertices, triangles = mesh
    scale = 1.07 if with_scale else 1.0
    rotation = transform.Rotation.from_euler("xyz", [4, -6, 3], degrees=True).as_matrix()
    moved = similarity_alignment.apply_similarity(vertices, scale, rotation, [0.03, -0.02, 0.04])
    found = mesh_alignment.align_mesh_to_scan(
        points_on(moved, triangles), vertices, triangles, NOTHING, with_scale=with_scale
    )
    np.testing.assert_allclose(found[0], scale, atol=1e-6)
    np.testing.assert_allclose(found[1], rotation, atol=1e-6)
    np.testing.assert_allclose(found[2], [0.03, -0.02, 0.04], atol=1e-6)


def test_align_surface_continues_from_start(mesh):
    vertices, triangles = mesh
    far = transform.Rotation.from_euler("y", 120, degrees=True).as_matrix()
    start = (0.01, far.T, np.array([1.0, 2.0, 3.0]))
    elsewhere = similarity_alignment.apply_similarity(vertices, 100.0, far, [5.0, -5.0, 9.0])
    start = (0.0101, far.T, -0.0101 * far.T @ np.array([5.0, -5.0, 9.1]))
    found = mesh_alignment.align_mesh_to_scan(
        points_on(vertices, triangles), elsewhere, triangles, start, with_scale=True
    )
    back = similarity_alignment.apply_similarity(elsewhere, *found)
    np.testing.assert_allclose(back, vertices, atol=1e-5)


@pytest.mark.parametrize("with_scale", [True, False])
def test_distances_jacobian_random(mesh, rng, with_scale):
    vertices, triangles = mesh
    points = points_on(vertices, triangles)[:60] + 0.02 * rng.normal(size=(60, 3))
    surface = point_to_mesh.Surface(vertices, triangles)
    problem = mesh_alignment._Distances(points, surface, with_scale)
    unknowns = 0.05 * rng.normal(size=7 if with_scale else 6)
    analytic = problem.jacobian(unknowns)
    steps = 1e-7 * np.eye(len(unknowns))
    numeric = np.stack(
        [(problem.residuals(unknowns + h) - problem.residuals(unknowns - h)) / 2e-7 for h in steps],
        axis=-1,
    )
    # Where the closest triangle changes within the step, there is a kink.
    smooth = np.abs(analytic - numeric).max(axis=1) < 1e-5
    assert smooth.mean() > 0.9


def test_align_surface_exception_raised(mesh):
    with pytest.raises(ValueError, match="`scan_points` must be at least 7"):
        mesh_alignment.align_mesh_to_scan(np.zeros((6, 3)), *mesh, NOTHING, with_scale=True)
    with pytest.raises(ValueError, match="`scan_points` must have shape"):
        mesh_alignment.align_mesh_to_scan(np.zeros((9, 2)), *mesh, NOTHING, with_scale=True)
