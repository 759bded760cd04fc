import numpy as np

from tf_facerecon.morphable_models import face_region

TRIANGLES = np.array([[0, 1, 2], [1, 3, 2], [3, 5, 4], [2, 4, 5]])
REGION = np.array([0, 1, 1, 1, 0, 1], np.float32)


def test_is_region_triangle_preset():
    inside = face_region.is_region_triangle(TRIANGLES, REGION)
    assert inside.tolist() == [False, True, False, False]


def test_misnumbered_region_triangles_count_the_vertices_of_the_region():
    # Vertices 1, 2, 3, 5 have the numbers 0, 1, 2, 3 in the region.
    wrong = face_region.misnumbered_region_triangles(TRIANGLES, REGION)
    assert wrong.tolist() == [[0, 2, 1]]
    everything = face_region.misnumbered_region_triangles(TRIANGLES, np.ones(6))
    np.testing.assert_array_equal(everything, TRIANGLES)
