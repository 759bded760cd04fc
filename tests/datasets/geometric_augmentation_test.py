import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tf_facerecon.datasets import geometric_augmentation
from tf_facerecon.datasets.geometric_augmentation import Augmentation

augmentations = st.builds(
    Augmentation,
    dx=st.integers(-10, 10),
    dy=st.integers(-10, 10),
    scale=st.floats(0.9, 1.1),
    angle=st.floats(-10, 10),
    flip=st.booleans(),
)


@pytest.fixture
def sample(rng):
    return {
        "image": rng.integers(0, 256, (224, 224, 3), dtype=np.uint8),
        "skin": rng.integers(0, 256, (224, 224, 1), dtype=np.uint8),
        "landmarks": rng.uniform(40, 180, (68, 2)).astype(np.float32),
        "landmark_weights": rng.uniform(size=68).astype(np.float32),
        "five_points": rng.uniform(40, 180, (5, 2)).astype(np.float32),
    }


def test_matrix_preset():
    # Recorded from the reference implementation.
    matrix = Augmentation(dx=4, dy=-3, scale=1.05, angle=6.0, flip=True).matrix()
    expected = [
        [-1.04424799, -0.10975489, 245.7545788],
        [-0.10975489, 1.04424799, 4.64304796],
        [0, 0, 1],
    ]
    np.testing.assert_allclose(matrix, expected, atol=5e-8)


@hypothesis.given(augmentations)
def test_matrix_equals_the_product_of_its_parts_random(drawn):
    def affine(linear, shift=(0, 0)):
        return np.vstack([np.column_stack([linear, shift]), [0, 0, 1]])

    radians = -np.pi * drawn.angle / 180
    cos, sin = np.cos(radians), np.sin(radians)
    centre_back = affine(np.eye(2), (112, 112))
    scale = affine(drawn.scale * np.eye(2))
    turn = affine([[cos, sin], [-sin, cos]])
    shift = affine(np.eye(2), (drawn.dx, drawn.dy))
    mirror = affine(np.diag([-1 if drawn.flip else 1, 1]))
    centre = affine(np.eye(2), (-112, -112))
    product = centre_back @ scale @ turn @ shift @ mirror @ centre
    np.testing.assert_allclose(drawn.matrix(), product, atol=1e-10)


def test_positive_angle_turns_clockwise():
    # A point right of the centre goes down.
    moved = geometric_augmentation.transform_points(
        [[150.0, 112.0]], Augmentation(angle=10.0).matrix()
    )
    assert moved[0, 1] > 112.0


def test_augment_identity(sample):
    same = geometric_augmentation.augment(sample, Augmentation())
    assert same.keys() == sample.keys()
    for key, value in same.items():
        assert value.dtype == sample[key].dtype
        np.testing.assert_array_equal(value, sample[key], err_msg=key)


def test_augment_flip_preset(sample):
    flipped = geometric_augmentation.augment(sample, Augmentation(flip=True))
    np.testing.assert_array_equal(flipped["image"], sample["image"][:, ::-1])
    np.testing.assert_array_equal(flipped["skin"], sample["skin"][:, ::-1])
    # The left corner of the mouth (48) is the mirrored right one (54); so are the weights.
    column, row = sample["landmarks"][54]
    np.testing.assert_allclose(flipped["landmarks"][48], [223 - column, row], rtol=1e-6)
    assert flipped["landmark_weights"][48] == sample["landmark_weights"][54]
    column, row = sample["five_points"][0]
    np.testing.assert_allclose(flipped["five_points"][1], [223 - column, row], rtol=1e-6)


def test_augment_with_reference_quirks_preset(sample):
    # Points by the matrix as it is: mirrored ones are one pixel to the right of their image.
    flip = Augmentation(flip=True)
    quirky, right = (geometric_augmentation.augment(sample, flip, on) for on in (True, False))
    np.testing.assert_array_equal(quirky["image"], right["image"])
    for name in ("landmarks", "five_points"):
        np.testing.assert_allclose(quirky[name], right[name] + [1, 0], rtol=1e-5)
    drawn = Augmentation(dx=4, dy=-3, scale=1.05, angle=6.0)
    quirky, right = (geometric_augmentation.augment(sample, drawn, on) for on in (True, False))
    matrix = drawn.matrix()
    points = sample["landmarks"] @ matrix[:2, :2].T + matrix[:2, 2]
    np.testing.assert_allclose(quirky["landmarks"], points, rtol=1e-5)
    difference = np.abs(quirky["landmarks"] - right["landmarks"])
    assert 0.02 < difference.max() < 0.5


def test_augment_randomly(sample):
    arguments = (sample, geometric_augmentation.AugmentationRange(), [1, 2])
    first, second = (geometric_augmentation.augment_randomly(*arguments) for _ in range(2))
    np.testing.assert_array_equal(first["image"], second["image"])
    assert (first["image"] != sample["image"]).any()
    assert geometric_augmentation.augment_randomly(sample, None, [1, 2]) is sample


def test_augment_flip_twice_is_identity(sample):
    flip = Augmentation(flip=True)
    twice = geometric_augmentation.augment(geometric_augmentation.augment(sample, flip), flip)
    for key, value in twice.items():
        np.testing.assert_allclose(value, sample[key], atol=2e-5, err_msg=key)


def test_augment_shift_preset(sample):
    shifted = geometric_augmentation.augment(sample, Augmentation(dx=4, dy=-3))
    np.testing.assert_array_equal(shifted["image"][:-3, 4:], sample["image"][3:, :-4])
    assert not shifted["image"][-3:].any() and not shifted["image"][:, :4].any()
    np.testing.assert_allclose(shifted["landmarks"], sample["landmarks"] + [4, -3], rtol=1e-6)


@hypothesis.given(augmentations)
@hypothesis.settings(max_examples=20, deadline=None)
def test_augment_moves_marks_and_points_alike_random(drawn):
    image = np.zeros((224, 224, 3), np.uint8)
    image[100:109, 130:139] = 255  # Its centre is the pixel of column 134 and row 104.
    sample = {
        "image": image,
        "skin": image[..., :1],
        "landmarks": np.full((68, 2), (134.0, 104.0)),
        "landmark_weights": np.ones(68),
        "five_points": np.full((5, 2), (134.0, 104.0)),
    }
    moved = geometric_augmentation.augment(sample, drawn)
    for name in ("image", "skin"):
        brightness = moved[name][..., 0].astype(float)
        centres = np.stack(np.meshgrid(np.arange(224), np.arange(224)), axis=-1)
        found = np.average(centres.reshape(-1, 2), axis=0, weights=brightness.ravel())
        np.testing.assert_allclose(moved["landmarks"][0], found, atol=0.1)
        np.testing.assert_allclose(moved["five_points"][0], found, atol=0.1)


def test_flip_landmarks_table():
    table = geometric_augmentation.FLIP_LANDMARKS
    np.testing.assert_array_equal(table[table], np.arange(68))
    jaw, brows = [*range(16, -1, -1)], [26, 25, 24, 23, 22, 21, 20, 19, 18, 17]
    nose, eyes = (
        [27, 28, 29, 30, 35, 34, 33, 32, 31],
        [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40],
    )
    outer = [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]
    inner = [64, 63, 62, 61, 60, 67, 66, 65]
    assert table.tolist() == jaw + brows + nose + eyes + outer + inner


def test_draw_augmentation_random():
    drawn = [
        geometric_augmentation.draw_augmentation(np.random.default_rng([7, i])) for i in range(400)
    ]
    assert drawn[5] == geometric_augmentation.draw_augmentation(np.random.default_rng([7, 5]))
    shifts = np.array([(one.dx, one.dy) for one in drawn])
    assert shifts.min() == -10 and shifts.max() == 10
    scales, angles = (np.array([getattr(one, n) for one in drawn]) for n in ("scale", "angle"))
    assert 0.9 <= scales.min() < 0.91 and 1.09 < scales.max() <= 1.1
    assert -10 <= angles.min() < -9 and 9 < angles.max() <= 10
    assert 0.4 < np.mean([one.flip for one in drawn]) < 0.6


@pytest.mark.parametrize(
    "change", [{"shift": -1}, {"scale": 1.0}, {"angle": -1.0}, {"flip": 1.5}, {"flip": np.nan}]
)
def test_augmentation_range_exception_raised(change):
    with pytest.raises(ValueError, match="must not be negative"):
        geometric_augmentation.AugmentationRange(**change)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"coefficients": np.zeros(257)}, "must hold"),
        ({"image": np.zeros((224, 200, 3), np.uint8)}, "`image` must have shape"),
        ({"image": np.zeros((224, 224, 3))}, "must be uint8"),
        ({"skin": np.zeros((224, 224), np.uint8)}, "`skin` must have shape"),
        ({"landmarks": np.zeros((5, 2))}, "`landmarks` must have shape"),
    ],
)
def test_augment_exception_raised(sample, change, message):
    with pytest.raises(ValueError, match=message):
        geometric_augmentation.augment({**sample, **change}, Augmentation())
