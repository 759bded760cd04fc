import numpy as np

from tf_facerecon.face_models import surface_openness


def sphere(radius=0.5, inward=False):
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    faces = np.asarray(ball.faces)
    return np.asarray(ball.vertices), faces[:, ::-1] if inward else faces


def test_a_ball_is_open_everywhere_outside():
    vertices, triangles = sphere()
    values = surface_openness.openness(vertices, triangles)
    assert values.min() > 0.9 and values.mean() > 0.99


def test_the_inside_of_a_ball_is_closed():
    vertices, triangles = sphere(inward=True)
    assert surface_openness.openness(vertices, triangles).max() < 0.05


def test_a_plate_before_another_hides_it_in_part():
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
    values = surface_openness.openness(vertices, np.concatenate([plate, plate + 441]))
    middle = 10 * 21 + 10
    assert values[middle] < 0.05 and values[441 + middle] == 1.0
    assert 0.2 < values[10] < 0.8  # at the edge
    assert values[-1] == 1.0  # of no triangle
