import numpy as np
import pytest

from tests.toy_face import build_toy_face_model
from tf_facerecon.visualization import face_thumbnails


@pytest.fixture(scope="module")
def renderer():
    return face_thumbnails.ThumbnailRenderer.for_model(build_toy_face_model())


def test_render_frames_the_mean_face(renderer):
    mean = renderer.model.mean_shape
    tile = renderer.render(mean, np.tile([1.0, 0.0, 0.0], (len(mean), 1)))
    size = face_thumbnails.TILE_SIZE
    assert tile.shape == (size, size, 3)
    rows, columns = np.nonzero(tile[..., 1] < 0.1)
    # The toy mask is 1.6 dm wide and 2 dm high, and centred in the tile.
    assert 0.75 * size < np.ptp(rows) < size and np.ptp(columns) < np.ptp(rows)
    for coordinates in (rows, columns):
        assert (coordinates.min() + coordinates.max()) / 2 == pytest.approx(size / 2, abs=2)
    np.testing.assert_allclose(tile[0, 0], face_thumbnails.BACKGROUND, atol=1e-6)


def test_render_clay_and_lit_rotate_the_face(renderer):
    mean, grey = renderer.model.mean_shape, np.full(renderer.model.mean_shape.shape, 0.5)
    front, side = renderer.render_clay(mean), renderer.render_clay(mean, 75.0)
    areas = [
        (np.abs(tile - face_thumbnails.BACKGROUND) > 0.01).any(axis=-1).sum()
        for tile in (front, side)
    ]
    assert areas[1] < 0.7 * areas[0]
    centre = renderer.render_lit(mean, grey)[100:124, 100:124]
    np.testing.assert_allclose(centre, 0.5, atol=0.06)
