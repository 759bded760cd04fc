"""The crop's window in the photograph: `visualization.crop_window`."""

import numpy as np

from tests.toy_reconstruction import FIVE_POINTS, toy_photo
from tf_facerecon.photos import face_alignment
from tf_facerecon.photos.face_alignment import CropTransform
from tf_facerecon.visualization import crop_window

# The photograph is doubled, and the crop begins 20 pixels to the left of it and 10 below its top.
DOUBLED = CropTransform(200, 180, 2.0, 100.0, 90.0, 400, 360, -20, 10)


def test_window_edges_preset():
    assert crop_window.window_edges(DOUBLED) == (-10.0, 5.0, 102.0, 117.0)


def test_cut_agrees_with_the_crop():
    photo = toy_photo()
    aligned = face_alignment.align_face(photo, FIVE_POINTS)
    picture, inside = crop_window.cut(photo, aligned.transform, 224)
    expected = aligned.image / 255.0
    settled = (inside > 0) & (expected.min(axis=-1) > 0)
    assert settled.mean() > 0.7
    assert np.abs(picture - expected)[settled].mean() < 0.01


def test_cut_is_black_beyond_the_photograph():
    picture, inside = crop_window.cut(np.full((180, 200, 3), 255, np.uint8), DOUBLED, 448)
    # 10 of the 112 columns of the window lie to the left of the photograph.
    assert inside[:, :39].max() == 0 and inside[:, 41:].min() == 1
    assert picture[:, :30].max() < 0.01 and picture[:, 50:].min() > 0.99


def test_lay_on_photo_preset():
    photo = np.full((180, 200, 3), 100, np.uint8)
    drawing, alpha = np.zeros((56, 56, 3)), np.zeros((56, 56))
    unchanged = crop_window.lay_on_photo(photo, DOUBLED, drawing, alpha)
    np.testing.assert_array_equal(unchanged, photo)
    drawing[..., 0], alpha[:] = 1.0, 1.0
    covered = crop_window.lay_on_photo(photo, DOUBLED, drawing, alpha)
    assert (covered[5:117, 0:102] == [255, 0, 0]).all()
    assert (covered[:5] == 100).all() and (covered[117:] == 100).all()
    assert (covered[:, 102:] == 100).all()
    half = crop_window.lay_on_photo(photo, DOUBLED, 0.5 * drawing, 0.5 * alpha)
    np.testing.assert_array_equal(half[50, 50], [178, 50, 50])


def test_lay_on_photo_places_the_drawing():
    # The window spans columns -10 to 102 and rows 5 to 117; its middle is (46, 61).
    drawing, alpha = np.zeros((56, 56, 3)), np.zeros((56, 56))
    drawing[28:, :28], alpha[28:, :28] = 1.0, 1.0
    laid = crop_window.lay_on_photo(np.zeros((180, 200, 3), np.uint8), DOUBLED, drawing, alpha)
    assert (laid[64:117, 0:44] == 255).all()
    assert not laid[:59].any() and not laid[:, 49:].any() and not laid[117:].any()


def test_lay_on_photo_outside():
    far = CropTransform(200, 180, 2.0, 100.0, 90.0, 400, 360, 900, 10)
    photo = np.full((180, 200, 3), 100, np.uint8)
    laid = crop_window.lay_on_photo(photo, far, np.ones((8, 8, 3)), np.ones((8, 8)))
    np.testing.assert_array_equal(laid, photo)


def test_cut_of_a_window_far_beyond_the_photograph():
    """A face that fills a large photograph: the window alone would be 400 million pixels."""
    close_up = CropTransform(4000, 3000, 0.011, 22.0, 16.5, 44, 33, -90, -95)
    left, top, right, bottom = crop_window.window_edges(close_up)
    assert (right - left) * (bottom - top) > 4e8
    picture, inside = crop_window.cut(np.full((3000, 4000, 3), 255, np.uint8), close_up, 448)
    expected = np.zeros((448, 448))
    expected[190:256, 180:268] = 1
    np.testing.assert_array_equal(inside, expected)
    np.testing.assert_array_equal(picture, np.repeat(expected[..., None], 3, axis=-1))


def test_cut_of_a_window_outside():
    far = CropTransform(200, 180, 2.0, 100.0, 90.0, 400, 360, 900, 10)
    picture, inside = crop_window.cut(np.full((180, 200, 3), 255, np.uint8), far, 64)
    assert not picture.any() and not inside.any()
