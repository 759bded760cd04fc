"""Decimation, clipping and subdivision."""

import numpy as np
import pytest

from tf_facerecon.morphable_models.ict_london import (
    mesh_clipping,
    mesh_decimation,
    mesh_resolution,
    mesh_subdivision,
)


def flat_grid(rows=9, columns=9):
    """A symmetric grid in the plane z = 0, its triangles, and its mirror index."""
    x, y = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(-1, 1, rows))
    points = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    half = columns // 2
    left = np.concatenate(
        [np.stack([a, b, c], -1)[:, :half], np.stack([a, c, d], -1)[:, :half]]
    ).reshape(-1, 3)
    mirror = index[:, ::-1].ravel()
    return points, np.concatenate([left, mirror[left][:, ::-1]]), mirror


def area_normals(points, triangles):
    a, b, c = np.moveaxis(points[triangles], 1, 0)
    return 0.5 * np.cross(b - a, c - a)


def test_decimate_keeps_a_plane_and_its_symmetry():
    points, triangles, mirror = flat_grid()
    inner = (np.abs(points[:, :2]) < 0.99).all(axis=1)
    reduced = mesh_decimation.decimate(points, triangles, mirror, inner, 30)
    used = np.unique(reduced)
    assert len(points) - len(used) in (30, 31)
    assert np.isin(np.flatnonzero(~inner), used).all()
    np.testing.assert_array_equal(np.unique(mirror[used]), used)
    normals = area_normals(points, reduced)
    assert (normals[:, 2] > 0).all()
    assert normals[:, 2].sum() == pytest.approx(4.0)


def test_decimate_prefers_flat_places():
    points, triangles, mirror = flat_grid(9, 17)
    # A ridge along x = +-0.5, which removing a vertex of it would flatten.
    points[:, 2] = 0.3 * np.maximum(0.0, 1.0 - np.abs(np.abs(points[:, 0]) - 0.5) / 0.125)
    inner = (np.abs(points[:, :2]) < 0.99).all(axis=1)
    reduced = mesh_decimation.decimate(points, triangles, mirror, inner, 40)
    crest = np.flatnonzero(np.isclose(points[:, 2], 0.3) & (np.abs(points[:, 1]) > 0.99))
    assert np.isin(crest, reduced).all()
    assert points[np.unique(reduced), 2].max() == pytest.approx(0.3)


def test_decimate_merges_boundary_vertices_along_the_boundary():
    points, triangles, mirror = flat_grid(5, 5)
    reduced = mesh_decimation.decimate(points, triangles, mirror, np.ones(25, bool), 15)
    # Corners hold the boundary's planes, so the square stays a square.
    assert area_normals(points, reduced)[:, 2].sum() == pytest.approx(4.0)


def test_decimate_of_edges_with_three_triangles_exception_raised():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]])
    triangles = np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4]])
    with pytest.raises(ValueError, match="edge"):
        mesh_decimation.decimate(points, triangles, np.arange(5), np.ones(5, bool), 1)


def test_clip_mesh_preset():
    # One triangle; corner 0 outside, so that a quadrilateral stays: two triangles.
    triangles = np.array([[0, 1, 2]])
    height = np.array([-1.0, 1.0, 3.0])
    cuts, kept = mesh_clipping.clip_mesh(triangles, height)
    np.testing.assert_allclose(cuts, [[1, 0, 0.5], [2, 0, 0.75]])
    assert {frozenset(row) for row in kept.tolist()} == {
        frozenset((3, 1, 2)),
        frozenset((3, 2, 4)),
    }
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    ends = cuts[:, :2].astype(int)
    added = points[ends[:, 0]] + cuts[:, 2:] * (points[ends[:, 1]] - points[ends[:, 0]])
    normals = area_normals(np.concatenate([points, added]), kept)
    # Half of the triangle but for the corner, whose legs are 1/2 and 1/4.
    assert normals[:, 2].sum() == pytest.approx(0.5 - 0.5 * 0.5 * 0.25)
    assert (normals[:, 2] > 0).all()


def test_clip_mesh_snaps_near_vertices():
    triangles = np.array([[0, 1, 2]])
    cuts, kept = mesh_clipping.clip_mesh(triangles, np.array([-0.01, 1.0, 1.0]))
    assert not len(cuts)
    np.testing.assert_array_equal(np.sort(kept[0]), [0, 1, 2])


@pytest.mark.parametrize("long", range(8))
def test_split_edges_keeps_area_and_orientation(long):
    # Wanted lengths decide by the mean of the ends; every subset of edges is reached by hand.
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    triangles = np.array([[0, 1, 2]])
    edges = np.array([[0, 1], [1, 2], [0, 2]])
    halved = np.array([bool(long & 1 << k) for k in range(3)])
    length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    target = np.where(halved, 0.5 * length, 2.0 * length)
    system = 0.5 * np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]])
    pairs, split = mesh_subdivision.split_edges(points, triangles, np.linalg.solve(system, target))
    assert len(pairs) == halved.sum() and len(split) == 1 + halved.sum()
    places = np.concatenate([points, points[pairs].mean(axis=1)])
    areas = area_normals(places, split)[:, 2]
    assert (areas > 0).all() and areas.sum() == pytest.approx(0.5)


def test_fill_smoothly_is_linear_and_holds_old_values(rng):
    points, triangles, _ = flat_grid(7, 7)
    pairs, split = mesh_subdivision.split_edges(points, triangles, np.full(len(points), 0.2))
    count = len(points) + len(pairs)
    first, second = rng.normal(size=(2, len(points), 3))
    fill = [mesh_subdivision.fill_smoothly(split, values, count) for values in (first, second)]
    both = mesh_subdivision.fill_smoothly(split, 2 * first - second, count)
    np.testing.assert_allclose(both, 2 * fill[0] - fill[1], atol=1e-9)
    np.testing.assert_array_equal(fill[0][: len(points)], first)
    constant = mesh_subdivision.fill_smoothly(split, np.ones((len(points), 1)), count)
    np.testing.assert_allclose(constant, 1.0, atol=1e-9)
    np.testing.assert_array_equal(
        mesh_subdivision.fill_smoothly(triangles, first, len(points)), first
    )


def test_refine_comes_near_the_wanted_number_and_is_fine_at_landmarks():
    points, triangles, mirror = flat_grid(17, 17)
    points = 5.0 * points + [0.0, 0.0, 8.0]  # cm, on the front of a face
    landmarks = np.full(68, 8 * 17 + 8)  # all in the middle
    splittable = np.ones(len(points), bool)
    rounds, mirrored = mesh_resolution.refine(points, triangles, landmarks, mirror, splittable, 900)
    _, count = rounds[-1]
    assert count == len(mirrored) == pytest.approx(900, rel=0.3)
    np.testing.assert_array_equal(mirrored[mirrored], np.arange(count))
    places = mesh_subdivision.fill_smoothly(rounds[0][0], points, rounds[0][1])
    middle = points[8 * 17 + 8]
    added = np.linalg.norm(places[len(points) :] - middle, axis=1)
    assert added.mean() < np.linalg.norm(points - middle, axis=1).mean()
    untouched = mesh_resolution.refine(
        points, triangles, landmarks, mirror, np.zeros(len(points), bool), 900
    )
    assert untouched[0] == [] and len(untouched[1]) == len(points)


def test_outskirts_preset():
    points = np.array([[0.0, 0, 9], [7, 0, 9], [0, 9, 9], [0, -8, 9], [5, 0, 2]])
    np.testing.assert_array_equal(
        mesh_resolution.outskirts(points), [False, True, True, True, True]
    )
