"""Renderings of a mesh over its crop: `visualization.mesh_rendering`."""

import numpy as np

from tf_facerecon.visualization import mesh_rendering


def test_camera_view_agrees_with_the_decoder(mean_face):
    view = mesh_rendering.render_camera_view(mean_face)
    size = mesh_rendering.VIEW_SIZE
    assert view.colours.shape == (size, size, 3)
    # 4 x 4 pixels of the view cover one pixel of the decoder's image.
    covered = view.mask.reshape(224, 4, 224, 4).mean(axis=(1, 3))
    inner = (covered == 1) & (mean_face.mask == 1)
    assert inner.mean() > 0.3
    colours = view.colours.reshape(224, 4, 224, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(colours[inner], mean_face.image[inner], atol=2e-3)
    assert np.isinf(view.depth[view.mask == 0]).all()
    # The toy face extends from z = -0.32 to 0.5; the camera is at z = 10.
    assert 9.49 < view.depth.min() < 9.51 and view.depth[view.mask > 0].max() < 10.33


def test_clay_colours_preset():
    towards, away, below = np.eye(3)[2], -np.eye(3)[2], -np.eye(3)[1]
    colours = mesh_rendering.clay_colours(np.stack([towards, away, below]))
    assert colours.shape == (3, 3)
    assert colours[0].min() > 0.5
    # Surfaces that face neither light have the ambient term only: 0.16 of the clay colour.
    np.testing.assert_allclose(colours[1], 0.16 * np.array([0.80, 0.79, 0.78]))
    assert (colours[2] <= colours[0]).all()


def test_rotate_yaw_preset():
    vertices = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 2.0, -1.0]])
    rotated, normals = mesh_rendering.rotate_yaw(vertices, np.eye(3)[[2, 2, 2, 2]], 90.0)
    # 90 degrees map +z to +x, about the centre (0, 1, 0).
    np.testing.assert_allclose(rotated[2], [1.0, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(rotated[1], [0.0, 0.0, -1.0], atol=1e-12)
    np.testing.assert_allclose(normals[0], [1.0, 0.0, 0.0], atol=1e-12)
