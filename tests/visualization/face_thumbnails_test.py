import numpy as np
import pytest

from tests.toy_face import build_toy_face_model
from tf_facerecon.visualization import face_thumbnails


@pytest.fixture(scope="module")
def studio():
    return face_thumbnails.ThumbnailRenderer.for_model(build_toy_face_model())


def test_draw_frames_the_mean_face(studio):
    mean = studio.model.mean_shape
    tile = studio.draw(mean, np.tile([1.0, 0.0, 0.0], (len(mean), 1)))
    size = face_thumbnails.TILE_SIZE
    assert tile.shape == (size, size, 3)
    rows, columns = np.nonzero(tile[..., 1] < 0.1)
    # The toy mask is 1.6 dm wide and 2 dm high, and the tile's middle is its middle.
    assert 0.75 * size < np.ptp(rows) < size and np.ptp(columns) < np.ptp(rows)
    for places in (rows, columns):
        assert (places.min() + places.max()) / 2 == pytest.approx(size / 2, abs=2)
    np.testing.assert_allclose(tile[0, 0], face_thumbnails.PAPER, atol=1e-6)


def test_clay_and_lit_turn_the_face(studio):
    mean, grey = studio.model.mean_shape, np.full(studio.model.mean_shape.shape, 0.5)
    front, side = studio.clay(mean), studio.clay(mean, 75.0)
    drawn = [
        (np.abs(tile - face_thumbnails.PAPER) > 0.01).any(axis=-1).sum() for tile in (front, side)
    ]
    assert drawn[1] < 0.7 * drawn[0]
    middle = studio.lit(mean, grey)[100:124, 100:124]
    np.testing.assert_allclose(middle, 0.5, atol=0.06)
