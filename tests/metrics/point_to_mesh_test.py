"""Distances to a mesh: by hand, against every triangle, against another library."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tf_facerecon.metrics import point_to_mesh

TRIANGLE = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 2.0, 0.0]])


@pytest.mark.parametrize(
    ("point", "closest", "distance"),
    [
        ((0.5, 0.5, 3.0), (0.5, 0.5, 0.0), 3.0),  # Above the inside.
        ((0.5, 0.5, -3.0), (0.5, 0.5, 0.0), 3.0),
        ((0.5, 0.5, 0.0), (0.5, 0.5, 0.0), 0.0),
        ((1.0, -4.0, 3.0), (1.0, 0.0, 0.0), 5.0),  # Beyond an edge.
        ((2.0, 2.0, 0.0), (1.0, 1.0, 0.0), np.sqrt(2.0)),
        ((-3.0, -4.0, 0.0), (0.0, 0.0, 0.0), 5.0),  # Beyond a corner.
        ((3.0, -1.0, 0.0), (2.0, 0.0, 0.0), np.sqrt(2.0)),
    ],
)
def test_closest_points_preset(point, closest, distance):
    found = point_to_mesh.Surface(TRIANGLE, [[0, 1, 2]]).closest_points([point])
    np.testing.assert_allclose(found.positions[0], closest, atol=1e-12)
    np.testing.assert_allclose(found.distances[0], distance, atol=1e-12)
    assert found.triangles[0] == 0


def test_closest_on_triangles_without_area():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    found = point_to_mesh.closest_on_triangles(np.array([1.5, 2.0, 0.0]), corners)
    np.testing.assert_allclose(found, [1.5, 0.0, 0.0])
    same = np.ones((3, 3))
    np.testing.assert_allclose(point_to_mesh.closest_on_triangles(np.zeros(3), same), 1.0)


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.floats(0.0, 3.0))
def test_closest_points_random(seed, num_triangles, spread):
    """The search never misses: every triangle is tried in the truth; sizes differ wildly."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(spread * rng.normal(size=(num_triangles, 1, 1)))
    corners = rng.normal(size=(num_triangles, 1, 3)) + 0.1 * sizes * rng.normal(
        size=(num_triangles, 3, 3)
    )
    points = 2 * rng.normal(size=(20, 3))
    surface = point_to_mesh.Surface(
        corners.reshape(-1, 3), np.arange(3 * num_triangles).reshape(-1, 3)
    )
    every = point_to_mesh.closest_on_triangles(points[:, None], corners)
    truth = np.linalg.norm(every - points[:, None], axis=-1).min(axis=1)
    np.testing.assert_allclose(surface.closest_points(points).distances, truth, atol=1e-12)


def test_closest_on_triangles_as_trimesh(rng):
    import trimesh

    corners, points = rng.normal(size=(2000, 3, 3)), 2 * rng.normal(size=(2000, 3))
    np.testing.assert_allclose(
        point_to_mesh.closest_on_triangles(points, corners),
        trimesh.triangles.closest_point(corners, points),
        atol=1e-9,
    )


def test_normals_preset():
    surface = point_to_mesh.Surface(TRIANGLE, [[0, 1, 2], [0, 2, 1], [0, 0, 1]])
    np.testing.assert_allclose(surface.normals, [[0, 0, 1], [0, 0, -1], [0, 0, 0]])


@pytest.mark.parametrize(
    ("vertices", "triangles", "message"),
    [
        (TRIANGLE[:, :2], [[0, 1, 2]], "`vertices` must have shape"),
        (TRIANGLE * np.nan, [[0, 1, 2]], "`vertices` must be finite"),
        (TRIANGLE, [[0, 1, 3]], "`triangles` must hold at least one row"),
        (TRIANGLE, np.zeros((0, 3), int), "`triangles` must hold at least one row"),
    ],
)
def test_surface_exception_raised(vertices, triangles, message):
    with pytest.raises(ValueError, match=message):
        point_to_mesh.Surface(vertices, triangles)


def test_closest_points_exception_raised():
    surface = point_to_mesh.Surface(TRIANGLE, [[0, 1, 2]])
    with pytest.raises(ValueError, match="`points` must have shape"):
        surface.closest_points(np.zeros(3))
    with pytest.raises(ValueError, match="`points` must be finite"):
        surface.closest_points([[np.inf, 0, 0]])
