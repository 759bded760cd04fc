import numpy as np
import pytest

from tf_facerecon.visualization import image_grid


def test_captioned_row_preset():
    tiles = [np.full((40, 40, 3), value) for value in (0.0, 0.5)]
    row = image_grid.captioned_row(tiles, ["left", ""])
    margin = image_grid.MARGIN
    height = 40 + 2 * margin + image_grid.CAPTION_HEIGHT
    assert row.dtype == np.uint8 and row.shape == (height, 2 * 40 + 3 * margin, 3)
    assert (row[:margin] == 255).all()
    assert (row[margin : margin + 40, margin : margin + 40] == 0).all()
    right = row[:, 2 * margin + 40 :]
    np.testing.assert_allclose(right[margin : margin + 40, :40], 127.5, atol=1)
    assert row[margin + 40 :, : margin + 40].min() < 128 and (right[margin + 40 :] == 255).all()


def test_captioned_row_exception_raised():
    with pytest.raises(ValueError):
        image_grid.captioned_row([np.zeros((4, 4, 3))], ["one", "too many"])


def test_stack_rows_preset():
    wide, narrow = np.zeros((2, 6, 3), np.uint8), np.zeros((3, 4, 3), np.uint8)
    stacked = image_grid.stack_rows([wide, narrow])
    assert stacked.shape == (5, 6, 3)
    assert (stacked[2:, 4:] == 255).all() and stacked[:2].max() == stacked[2:, :4].max() == 0
