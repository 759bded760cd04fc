import numpy as np

from tf_facerecon.rendering import screen_triangles


def test_bounding_boxes_preset():
    # Corners in pixels (column, row) of a 4 x 4 image: (0, 0), (2, 0), (0, 3).
    clip = np.array([[-1, 1, 0, 1], [0, 1, 0, 1], [-1, -0.5, 0, 1]], np.float32)
    corners = screen_triangles.look_up_corners(clip, np.array([[0, 1, 2]]))
    boxes, exact = screen_triangles.bounding_boxes(corners, (4, 4))
    assert [int(side[0]) for side in boxes] == [0, 2, 0, 1]
    assert bool(exact[0])


def test_pixel_centres_preset():
    np.testing.assert_array_equal(screen_triangles.pixel_centres(4), [-0.75, -0.25, 0.25, 0.75])
