import numpy as np

from tf_facerecon.morphable_models.albedo import ambient_occlusion


def sphere(radius=0.5, inward=False):
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    faces = np.asarray(ball.faces)
    return np.asarray(ball.vertices), faces[:, ::-1] if inward else faces


def test_outside_of_a_ball_is_fully_visible():
    vertices, triangles = sphere()
    values = ambient_occlusion.ambient_visibility(vertices, triangles)
    assert values.min() > 0.9 and values.mean() > 0.99


def test_inside_of_a_ball_is_fully_occluded():
    vertices, triangles = sphere(inward=True)
    assert ambient_occlusion.ambient_visibility(vertices, triangles).max() < 0.05


def test_plate_in_front_of_another_occludes_it_partly():
    """From the middle of the hidden plate the other one covers what is not too flat."""
    line = np.linspace(-0.5, 0.5, 21)
    x, y = np.meshgrid(line, line)
    index = np.arange(441).reshape(21, 21)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    plate = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    )
    low = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    vertices = np.concatenate([low, low + [0.0, 0.0, 0.1], [[9.0, 9.0, 9.0]]])
    values = ambient_occlusion.ambient_visibility(vertices, np.concatenate([plate, plate + 441]))
    middle = 10 * 21 + 10
    assert values[middle] < 0.05 and values[441 + middle] == 1.0
    assert 0.2 < values[10] < 0.8  # at the edge
    assert values[-1] == 1.0  # of no triangle


def test_ambient_light_preset():
    light = ambient_occlusion.ambient_light(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 0.8]))
    np.testing.assert_allclose(light, [[0, 0, 0], [0.5, 2 / 3, 5 / 6], [1, 1, 1]])


def test_ambient_light_is_the_sum_of_all_bounces():
    """The sum over bounces: of each, the closed share meets the surface again."""
    share, albedo = np.array([0.1, 0.4, 0.9]), np.array([0.68, 0.5, 0.4])
    bounce = (1.0 - share)[:, None] * albedo
    bounces = sum(share[:, None] * bounce**k for k in range(200))
    np.testing.assert_allclose(ambient_occlusion.ambient_light(share, albedo), bounces, rtol=1e-6)


def test_smooth_values_preset():
    """Two triangles on a common edge, and a vertex of none."""
    triangles = np.array([[0, 1, 2], [1, 3, 2]])
    values = np.array([3.0, 0.0, 0.0, 6.0, 5.0])
    np.testing.assert_allclose(ambient_occlusion.smooth_values(values, triangles, 0), values)
    once = [1.0, 1.5, 1.5, 2.0, 5.0]
    np.testing.assert_allclose(ambient_occlusion.smooth_values(values, triangles, 1), once)
    twice = ambient_occlusion.smooth_values(np.array(once), triangles, 1)
    np.testing.assert_allclose(ambient_occlusion.smooth_values(values, triangles, 2), twice)
