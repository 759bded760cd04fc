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
    expected = [[0, 3], [1, 6], [2, 4], [5, 6], [6, 6]]  # 6 pads; nothing uses vertex 4.
    np.testing.assert_array_equal(incidence.corners, expected)
    assert incidence.further.shape == (0, 0)
    assert incidence.corners.dtype == np.int32


def test_vertex_incidence_keeps_crowded_vertices_apart():
    fan = np.stack([np.zeros(300, int), np.arange(1, 301), np.arange(2, 302)], axis=-1)
    incidence = mesh_normals.vertex_incidence(fan, 302)
    assert incidence.corners.shape == (302, 2)
    np.testing.assert_array_equal(incidence.further, [3 * np.arange(2, 300)])
    np.testing.assert_array_equal(incidence.further_row, [0] + 301 * [1])


@hypothesis.given(strategies.integers(0, 30), strategies.integers(0, 2**32 - 1))
@hypothesis.settings(deadline=None, max_examples=30)
def test_vertex_incidence_random(num_triangles, seed):
    generator = np.random.default_rng(seed)
    triangles = np.array(
        [generator.choice(9, 3, replace=False) for _ in range(num_triangles)], np.int32
    ).reshape(-1, 3)
    incidence = mesh_normals.vertex_incidence(triangles, 9)
    for vertex, row in enumerate(incidence.corners):
        if incidence.further_row[vertex] < len(incidence.further):
            row = np.concatenate([row, incidence.further[incidence.further_row[vertex]]])
        own = np.flatnonzero(triangles.reshape(-1) == vertex)
        np.testing.assert_array_equal(row[: len(own)], own)
        assert np.all(row[len(own) :] == 3 * num_triangles)


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
    with pytest.raises(ValueError, match="`incidence` must come from `vertex_incidence`"):
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


def test_vertex_normals_of_a_crowded_vertex(rng):
    """A pyramid over 200 corners: its tip has a hundred times as many triangles as the others."""
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles), 0.2 * np.sin(3 * angles)], axis=-1)
    vertices = np.concatenate([[[0.1, 0.2, 1.0]], ring])
    around = np.arange(1, 201)
    triangles = np.stack([np.zeros(200, int), around, np.roll(around, -1)], axis=-1)
    incidence = mesh_normals.vertex_incidence(triangles, 201)
    assert len(incidence.further) == 1
    normals = mesh_normals.vertex_normals(vertices, triangles, incidence)
    np.testing.assert_allclose(normals, vertex_normals_by_loop(vertices, triangles), atol=1e-12)
    direction = rng.normal(size=vertices.shape)
    weights = rng.normal(size=vertices.shape)

    def moved(step):
        points = tf.constant(vertices) + step * direction
        return tf.reduce_sum(weights * mesh_normals.vertex_normals(points, triangles, incidence))

    with tf.GradientTape() as tape:
        step = tf.constant(0.0, tf.float64)
        tape.watch(step)
        value = moved(step)
    difference = (moved(1e-6) - moved(-1e-6)) / 2e-6
    np.testing.assert_allclose(tape.gradient(value, step), difference, rtol=1e-6)


def test_vertex_normals_of_another_mesh_exception_raised():
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    incidence = mesh_normals.vertex_incidence(triangles, 4)
    with pytest.raises(ValueError, match=r"incidence\.corners"):
        mesh_normals.vertex_normals(np.zeros((6, 3), np.float32), triangles, incidence)


def test_normals_of_mesh_of_a_slanted_square():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1], [9, 9, 9]])
    normals = mesh_normals.normals_of_mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]]))
    expected = np.array([[0, -np.sqrt(0.5), np.sqrt(0.5)]] * 4 + [[0, 0, 0]])
    np.testing.assert_allclose(normals, expected, atol=1e-6)
    assert normals.dtype == np.float32
