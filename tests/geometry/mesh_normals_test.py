import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from tests import jacobian
from tf_facerecon.geometry import mesh_normals

# Corner of a cube: three right triangles on the axes and the one that closes them.
TETRAHEDRON = np.array([[0, 2, 1], [0, 3, 2], [0, 1, 3], [1, 2, 3]], np.int32)
TETRAHEDRON_VERTICES = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


def octahedral_sphere(subdivisions):
    vertices = np.concatenate([np.eye(3), -np.eye(3)])
    triangles = np.array(
        [[0, 1, 2], [1, 3, 2], [3, 4, 2], [4, 0, 2], [1, 0, 5], [3, 1, 5], [4, 3, 5], [0, 4, 5]]
    )
    for _ in range(subdivisions):
        a, b, c = vertices[triangles].transpose(1, 0, 2)
        pieces = [(a, a + b, a + c), (b, b + c, b + a), (c, c + a, c + b), (a + b, b + c, c + a)]
        corners = np.stack([np.stack(piece, axis=1) for piece in pieces]).reshape(-1, 3)
        corners /= np.linalg.norm(corners, axis=-1, keepdims=True)
        vertices, index = np.unique(corners.round(12), axis=0, return_inverse=True)
        triangles = index.reshape(-1, 3)
    return vertices, triangles


def vertex_normals_by_loop(vertices, triangles):
    """The reference form: cross(v1 - v2, v2 - v3), unit, summed, unit; one triangle at a time."""
    sums = np.zeros_like(vertices)
    for corners in triangles:
        v1, v2, v3 = vertices[corners]
        normal = np.cross(v1 - v2, v2 - v3)
        sums[corners] += normal / np.linalg.norm(normal)
    return sums / np.linalg.norm(sums, axis=-1, keepdims=True)


def test_vertex_incidence_preset():
    incidence = mesh_normals.vertex_incidence(np.array([[0, 1, 2], [0, 2, 3]]), 5)
    expected = [[0, 1], [0, 2], [0, 1], [1, 2], [2, 2]]  # 2 pads; nothing uses vertex 4.
    np.testing.assert_array_equal(incidence, expected)
    assert incidence.dtype == np.int32


@hypothesis.given(strategies.integers(0, 30), strategies.integers(0, 2**32 - 1))
@hypothesis.settings(deadline=None, max_examples=30)
def test_vertex_incidence_random(num_triangles, seed):
    generator = np.random.default_rng(seed)
    triangles = np.array(
        [generator.choice(9, 3, replace=False) for _ in range(num_triangles)], np.int32
    ).reshape(-1, 3)
    incidence = mesh_normals.vertex_incidence(triangles, 9)
    for vertex, row in enumerate(incidence):
        users = np.flatnonzero((triangles == vertex).any(axis=1))
        np.testing.assert_array_equal(row[: len(users)], users)
        assert np.all(row[len(users) :] == num_triangles)


@pytest.mark.parametrize(
    ("triangles", "message"),
    [
        (np.zeros([2, 4], np.int32), "`triangles` must have shape"),
        (np.zeros([2, 3]), "must hold integers"),
        (np.array([[0, 1, 4]]), r"indices in \[0, 4\)"),
        (np.array([[0, 1, -1]]), r"indices in \[0, 4\)"),
    ],
)
def test_vertex_incidence_exception_raised(triangles, message):
    with pytest.raises(ValueError, match=message):
        mesh_normals.vertex_incidence(triangles, 4)


def test_corner_incidence_preset():
    corners = mesh_normals.corner_incidence(np.array([[0, 1, 2], [0, 2, 3]]), 5)
    expected = [[0, 3], [1, 6], [2, 4], [5, 6], [6, 6]]  # 6 pads; nothing uses vertex 4.
    np.testing.assert_array_equal(corners, expected)
    assert corners.dtype == np.int32


def test_triangle_normals_preset():
    normals = mesh_normals.triangle_normals(TETRAHEDRON_VERTICES, TETRAHEDRON)
    diagonal = np.full(3, 1 / np.sqrt(3))
    np.testing.assert_allclose(normals, [[0, 0, -1], [-1, 0, 0], [0, -1, 0], diagonal], atol=1e-15)


def test_vertex_normals_are_not_weighted_by_area():
    # A large triangle in the plane y = 0 and a small one in x = 0 share the edge on z.
    vertices = np.array([[0.0, 0, 0], [0, 0, 1], [100, 0, 0], [0, 0.01, 0]])
    triangles = np.array([[0, 1, 2], [0, 3, 1]])
    incidence = mesh_normals.vertex_incidence(triangles, 4)
    normals = mesh_normals.vertex_normals(vertices, triangles, incidence)
    np.testing.assert_allclose(normals[0], np.array([1, 1, 0]) / np.sqrt(2), atol=1e-15)


def test_vertex_normals_of_a_sphere_point_outward():
    vertices, triangles = octahedral_sphere(subdivisions=3)
    incidence = mesh_normals.vertex_incidence(triangles, len(vertices))
    normals = mesh_normals.vertex_normals(vertices, triangles, incidence)
    assert np.min(np.sum(normals * vertices, axis=-1)) > 0.999


def test_vertex_normals_random(rng):
    vertices, triangles = octahedral_sphere(subdivisions=1)
    batch = vertices + rng.normal(scale=0.1, size=(2, 2, *vertices.shape))
    incidence = mesh_normals.vertex_incidence(triangles, len(vertices))
    normals = mesh_normals.vertex_normals(batch, triangles, incidence)
    assert normals.shape == batch.shape
    for i, j in np.ndindex(2, 2):
        expected = vertex_normals_by_loop(batch[i, j], triangles)
        np.testing.assert_allclose(normals[i, j], expected, atol=1e-12)


def test_vertex_normals_of_unused_vertices_and_flat_triangles_are_zero_with_finite_gradient():
    vertices = tf.Variable([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 5, 5]])
    triangles = np.array([[0, 1, 2]])
    incidence = mesh_normals.vertex_incidence(triangles, 4)
    with tf.GradientTape() as tape:
        normals = mesh_normals.vertex_normals(vertices, triangles, incidence)
    np.testing.assert_array_equal(normals, np.zeros([4, 3]))
    assert np.all(np.isfinite(tf.convert_to_tensor(tape.gradient(normals, vertices))))


def test_mesh_normals_exception_raised():
    with pytest.raises(ValueError, match="`vertices` must have shape"):
        mesh_normals.triangle_normals(tf.zeros([4, 2]), TETRAHEDRON)
    with pytest.raises(ValueError, match="`incidence` must have shape"):
        mesh_normals.vertex_normals(TETRAHEDRON_VERTICES, TETRAHEDRON, TETRAHEDRON[0])


def test_triangle_normals_jacobian(rng):
    vertices = TETRAHEDRON_VERTICES + rng.normal(scale=0.1, size=(2, 4, 3))
    jacobian.assert_jacobian_correct(
        lambda v: mesh_normals.triangle_normals(v, TETRAHEDRON), vertices
    )


def test_vertex_normals_jacobian(rng):
    vertices = TETRAHEDRON_VERTICES + rng.normal(scale=0.1, size=(2, 4, 3))
    incidence = mesh_normals.vertex_incidence(TETRAHEDRON, 4)
    jacobian.assert_jacobian_correct(
        lambda v: mesh_normals.vertex_normals(v, TETRAHEDRON, incidence), vertices
    )


def test_vertex_normals_by_corners_are_the_same_with_the_same_gradient(rng):
    vertices, triangles = octahedral_sphere(subdivisions=1)
    triangles = np.concatenate([triangles, [[0, 0, 1]]])  # One without area.
    batch = tf.constant(vertices + rng.normal(scale=0.1, size=(2, *vertices.shape)))
    incidence = mesh_normals.vertex_incidence(triangles, len(vertices))
    corners = mesh_normals.corner_incidence(triangles, len(vertices))
    weights = rng.normal(size=batch.shape)
    gradients = []
    for function, lists in (
        (mesh_normals.vertex_normals, incidence),
        (mesh_normals.vertex_normals_by_corners, corners),
    ):
        with tf.GradientTape() as tape:
            tape.watch(batch)
            normals = function(batch, triangles, lists)
            loss = tf.reduce_sum(normals * weights)
        gradients.append((normals, tape.gradient(loss, batch)))
    for expected, received in zip(*gradients, strict=True):
        np.testing.assert_allclose(received, tf.convert_to_tensor(expected), atol=1e-12)


def test_vertex_normals_by_corners_jacobian(rng):
    vertices = TETRAHEDRON_VERTICES + rng.normal(scale=0.1, size=(2, 4, 3))
    corners = mesh_normals.corner_incidence(TETRAHEDRON, 4)
    jacobian.assert_jacobian_correct(
        lambda v: mesh_normals.vertex_normals_by_corners(v, TETRAHEDRON, corners), vertices
    )
