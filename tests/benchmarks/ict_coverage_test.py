import numpy as np

from benchmarks import ict_coverage
from tf_facerecon.metrics.point_to_mesh import Surface

SQUARE = np.array([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]], np.float64)
UP, DOWN = np.array([[0, 1, 2], [0, 2, 3]]), np.array([[0, 2, 1], [0, 3, 2]])


def test_followers_are_near_and_face_the_same_way():
    heights = [0.9, 1.1, 0.1]
    own = np.concatenate([SQUARE + [0, 0, height] for height in heights])
    triangles = np.concatenate([UP, UP + 4, DOWN + 8])
    followers, closest = ict_coverage._followers(own, triangles, Surface(SQUARE, UP))
    np.testing.assert_array_equal(followers, np.repeat([True, False, False], 4))
    np.testing.assert_allclose(closest.distances, np.repeat(heights, 4), atol=1e-12)
