"""Resampling of crops and compositing: `visualization.crop_resampling`."""

import numpy as np

from tests.toy_reconstruction import FIVE_POINTS, toy_photo
from tf_facerecon.photos import face_alignment
from tf_facerecon.photos.face_alignment import CropTransform
from tf_facerecon.visualization import crop_resampling

# The photo is upsampled by 2; the crop starts 20 pixels to the left of it and 10 below its top.
DOUBLED = CropTransform(200, 180, 2.0, 100.0, 90.0, 400, 360, -20, 10)


def test_crop_bounds_preset():
    assert crop_resampling.crop_bounds(DOUBLED) == (-10.0, 5.0, 102.0, 117.0)


def test_resample_crop_agrees_with_align_face():
    photo = toy_photo()
    aligned = face_alignment.align_face(photo, FIVE_POINTS)
    resampled, inside = crop_resampling.resample_crop(photo, aligned.transform, 224)
    expected = aligned.image / 255.0
    valid = (inside > 0) & (expected.min(axis=-1) > 0)
    assert valid.mean() > 0.7
    assert np.abs(resampled - expected)[valid].mean() < 0.01


def test_resample_crop_is_black_outside_the_photo():
    resampled, inside = crop_resampling.resample_crop(
        np.full((180, 200, 3), 255, np.uint8), DOUBLED, 448
    )
    # 10 of the 112 columns of the crop are to the left of the photo.
    assert inside[:, :39].max() == 0 and inside[:, 41:].min() == 1
    assert resampled[:, :30].max() < 0.01 and resampled[:, 50:].min() > 0.99


def test_composite_on_photo_preset():
    photo = np.full((180, 200, 3), 100, np.uint8)
    rendering, alpha = np.zeros((56, 56, 3)), np.zeros((56, 56))
    unchanged = crop_resampling.composite_on_photo(photo, DOUBLED, rendering, alpha)
    np.testing.assert_array_equal(unchanged, photo)
    rendering[..., 0], alpha[:] = 1.0, 1.0
    covered = crop_resampling.composite_on_photo(photo, DOUBLED, rendering, alpha)
    assert (covered[5:117, 0:102] == [255, 0, 0]).all()
    assert (covered[:5] == 100).all() and (covered[117:] == 100).all()
    assert (covered[:, 102:] == 100).all()
    half = crop_resampling.composite_on_photo(photo, DOUBLED, 0.5 * rendering, 0.5 * alpha)
    np.testing.assert_array_equal(half[50, 50], [178, 50, 50])


def test_composite_on_photo_positions_the_rendering():
    # The crop spans columns -10 to 102 and rows 5 to 117; its centre is (46, 61).
    rendering, alpha = np.zeros((56, 56, 3)), np.zeros((56, 56))
    rendering[28:, :28], alpha[28:, :28] = 1.0, 1.0
    composite = crop_resampling.composite_on_photo(
        np.zeros((180, 200, 3), np.uint8), DOUBLED, rendering, alpha
    )
    assert (composite[64:117, 0:44] == 255).all()
    assert not composite[:59].any() and not composite[:, 49:].any() and not composite[117:].any()


def test_composite_on_photo_outside():
    far = CropTransform(200, 180, 2.0, 100.0, 90.0, 400, 360, 900, 10)
    photo = np.full((180, 200, 3), 100, np.uint8)
    composite = crop_resampling.composite_on_photo(photo, far, np.ones((8, 8, 3)), np.ones((8, 8)))
    np.testing.assert_array_equal(composite, photo)


def test_resample_crop_much_larger_than_the_photo():
    """A face larger than a large photo: the whole crop would have 400 million pixels."""
    close_up = CropTransform(4000, 3000, 0.011, 22.0, 16.5, 44, 33, -90, -95)
    left, top, right, bottom = crop_resampling.crop_bounds(close_up)
    assert (right - left) * (bottom - top) > 4e8
    resampled, inside = crop_resampling.resample_crop(
        np.full((3000, 4000, 3), 255, np.uint8), close_up, 448
    )
    expected = np.zeros((448, 448))
    expected[190:256, 180:268] = 1
    np.testing.assert_array_equal(inside, expected)
    np.testing.assert_array_equal(crop_resampling.inside_photo(close_up, len(inside)), expected)
    np.testing.assert_array_equal(resampled, np.repeat(expected[..., None], 3, axis=-1))


def test_resample_crop_outside_the_photo():
    far = CropTransform(200, 180, 2.0, 100.0, 90.0, 400, 360, 900, 10)
    resampled, inside = crop_resampling.resample_crop(
        np.full((180, 200, 3), 255, np.uint8), far, 64
    )
    assert not resampled.any() and not inside.any()
