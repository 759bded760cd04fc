import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tf_facerecon.photos import face_alignment

# Recorded from the reference implementation: width, height, scale, x, y, resized width and height,
# left, top, and the five points in the crop (row down).
RECORDED = {
    "000002.jpg": (
        (423, 594, 0.7293744290927802, 196.6141689737634, 355.06274213801197, 308, 433, 31, 62),
        [
            [73.0412, 88.4422],
            [130.7931, 86.0499],
            [85.0029, 122.2779],
            [75.7763, 149.5273],
            [134.8046, 145.0125],
        ],
    ),
    "015309.jpg": (
        (900, 1354, 0.2234030870570383, 400.7275144299663, 728.3272354702315, 201, 302, -22, 27),
        [
            [86.0904, 82.1376],
            [148.2322, 94.2482],
            [110.9417, 130.4529],
            [75.8831, 146.9758],
            [133.2284, 156.0058],
        ],
    ),
    "vd006.png": (
        (321, 341, 1.0002634279857532, 154.64084051541934, 188.46655070300162, 321, 341, 42, 40),
        [
            [80.5131, 76.9927],
            [133.9972, 81.5039],
            [84.3842, 104.0998],
            [75.0017, 142.86],
            [121.3439, 145.8408],
        ],
    ),
    "vd025.png": (
        (450, 360, 0.7500843915578091, 230.40760444200603, 218.33932263686128, 337, 270, 60, -5),
        [
            [74.549, 92.5847],
            [136.851, 79.2835],
            [112.3233, 121.5305],
            [90.4883, 154.7517],
            [148.8524, 142.4128],
        ],
    ),
}
FACE = np.array([[80.0, 90.0], [140.0, 92.0], [108.0, 125.0], [85.0, 155.0], [135.0, 156.0]])


def assert_matches_reference(parameters, crop_points):
    recorded = face_alignment.CropTransform(*parameters)
    # The reference's inverse, written out: rows flip to y up in the crop and in the photograph.
    width, height, scale, x, y, resized_width, resized_height, left, top = parameters
    column = (np.array(crop_points)[:, 0] + resized_width / 2 - 112) / scale + x - width / 2
    upward = 223 - np.array(crop_points)[:, 1]
    upward = (upward + resized_height / 2 - 112) / scale + y - height / 2
    points = np.stack([column, height - 1 - upward], axis=-1)
    np.testing.assert_allclose(recorded.to_reference_crop(points), crop_points, atol=1e-9)

    fitted = face_alignment.fit_crop_transform(points, width, height)
    assert (fitted.resized_width, fitted.resized_height) == (resized_width, resized_height)
    assert (fitted.left, fitted.top) == (left, top)
    # The recorded points carry four decimals.
    np.testing.assert_allclose(fitted.scale, scale, atol=2e-6)
    np.testing.assert_allclose((fitted.x, fitted.y), (x, y), atol=3e-4)
    np.testing.assert_allclose(fitted.to_reference_crop(points), crop_points, atol=2e-4)


def where_pixels_go(transform, points):
    """Exactly: the resized photograph is cut at whole pixels, and pixels have centres."""
    resized = np.array([transform.resized_width, transform.resized_height])
    factor = resized / [transform.width, transform.height]
    return (np.asarray(points) + 0.5) * factor - 0.5 - [transform.left, transform.top]


@pytest.mark.parametrize("name", RECORDED)
def test_fit_crop_transform_matches_reference(name):
    assert_matches_reference(*RECORDED[name])


def test_fit_crop_transform_matches_all_recorded_photographs(shared_data):
    recorded = json.loads((shared_data / "align_fixtures.json").read_text(encoding="utf-8"))
    assert len(recorded) == 25
    keys = ("w0", "h0", "scale", "tx", "ty", "w", "h", "left", "up")
    for case in recorded.values():
        assert_matches_reference([case[key] for key in keys], case["lm5_crop_imgcoords"])


def test_fit_crop_transform_template_preset():
    # The template itself at 51 pixels per decimetre (a hair less: sizes are truncated), its origin
    # at column 100 and 90 above the last row.
    template = face_alignment.FIVE_POINT_TEMPLATE[:, :2] * 50.9999999
    points = np.stack([100.0 + template[:, 0], 199 - 90 - template[:, 1]], axis=-1)
    transform = face_alignment.fit_crop_transform(points, 200, 200)
    np.testing.assert_allclose(transform.scale, 2.0, rtol=1e-8)
    np.testing.assert_allclose((transform.x, transform.y), (100.0, 90.0), rtol=1e-12)
    # The origin falls on the middle of the crop: column 112, row 223 - 112.
    np.testing.assert_allclose(
        transform.to_reference_crop([100.0, 109.0]), [112.0, 111.0], atol=1e-6
    )


@hypothesis.given(
    width=st.integers(50, 4000),
    height=st.integers(50, 4000),
    factor=st.floats(0.1, 1.0),
    angle=st.floats(-1.0, 1.0),
    point=st.tuples(st.floats(-500, 5000), st.floats(-500, 5000)),
)
def test_crop_transform_round_trip_random(width, height, factor, angle, point):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centred = (FACE - FACE.mean(axis=0)) / 100.0 * min(width, height) * factor
    points = centred @ turn.T + np.array([width, height]) / 2
    transform = face_alignment.fit_crop_transform(points, width, height)
    np.testing.assert_allclose(transform.to_image(transform.to_crop(point)), point, atol=1e-6)
    # Labels and pixels part by less than one pixel of truncation and |scale - 1|.
    by_label = transform.to_reference_crop(points)
    by_pixel = where_pixels_go(transform, points)
    np.testing.assert_allclose(transform.to_crop(points), by_pixel, rtol=1e-9, atol=1e-9)
    size_rounding = np.abs(points / [width, height] - 0.5).max()
    assert np.abs(by_label - by_pixel).max() < 1.6 + abs(transform.scale - 1) + size_rounding


def test_align_face_scale_one_is_a_plain_crop(rng):
    template = face_alignment.FIVE_POINT_TEMPLATE[:, :2] * 101.9999999
    points = np.stack([150.6 + template[:, 0], 299 - 150.2 - template[:, 1]], axis=-1)
    image = rng.integers(0, 256, (300, 301, 3), dtype=np.uint8)
    crop = face_alignment.align_face(image, points).image
    # left = 150.5 - 112 + 0.1, top = 150 - 112 - 0.2, truncated.
    np.testing.assert_array_equal(crop, image[37 : 37 + 224, 38 : 38 + 224])


def test_align_face_puts_a_mark_where_points_go(rng):
    image = np.zeros((400, 500, 3), np.uint8)
    points = FACE * 1.7 + [60, 20]
    column, row = 250, 180
    image[row - 4 : row + 5, column - 4 : column + 5] = 255
    aligned = face_alignment.align_face(image, points, mask=image[..., 0])
    assert aligned.image.shape == (224, 224, 3) and aligned.image.dtype == np.uint8
    np.testing.assert_array_equal(aligned.mask, aligned.image[..., 0])
    rows, columns = np.nonzero(aligned.mask > 127)
    found = np.array([columns.mean(), rows.mean()])
    np.testing.assert_allclose(found, aligned.transform.to_crop([column, row]), atol=0.3)
    np.testing.assert_allclose(found, aligned.transform.to_reference_crop([column, row]), atol=2.0)


def test_align_face_is_black_beyond_the_photograph():
    image = np.full((120, 120, 3), 255, np.uint8)
    aligned = face_alignment.align_face(image, FACE * 0.5 - [30, 30])
    assert aligned.transform.left < 0 and aligned.transform.top < 0
    assert aligned.image[0, 0].tolist() == [0, 0, 0]
    assert aligned.image[120, 120].tolist() == [255, 255, 255]


def test_five_points_from_68_preset(rng):
    landmarks = rng.uniform(0, 200, (68, 2))
    five_points = face_alignment.five_points_from_68(landmarks)
    np.testing.assert_allclose(five_points[0], (landmarks[36] + landmarks[39]) / 2)
    np.testing.assert_allclose(five_points[1], (landmarks[42] + landmarks[45]) / 2)
    np.testing.assert_array_equal(five_points[2:], landmarks[[30, 48, 54]])


def test_template_is_that_of_the_68_landmarks():
    # Rows 36, 39, 42, 45, 30, 48 and 54 of similarity_Lm3D_all.mat.
    corners = np.array(
        [
            [-0.43097523, 0.29196575, 0.10403323],
            [-0.19199792, 0.2887558, 0.16352582],
            [0.1878507, 0.28873613, 0.16018015],
            [0.43174705, 0.2907046, 0.10341036],
        ]
    )
    others = [
        [0.0032534988, -0.046179324, 0.55244243],
        [-0.25216928, -0.38133916, 0.22405732],
        [0.2484662, -0.38128236, 0.22235769],
    ]
    five = np.concatenate([corners.reshape(2, 2, 3).mean(axis=1), others])
    np.testing.assert_allclose(face_alignment.FIVE_POINT_TEMPLATE, five, atol=1e-6)


def test_align_face_68_points_equal_their_five(rng):
    landmarks = rng.uniform(50, 150, (68, 2))
    five_points = face_alignment.five_points_from_68(landmarks)
    assert face_alignment.fit_crop_transform(
        landmarks, 200, 200
    ) == face_alignment.fit_crop_transform(five_points, 200, 200)


@pytest.mark.parametrize(
    "points, message",
    [
        (FACE[:4], r"must have shape \[5, 2\] or \[68, 2\].*\[4, 2\]"),
        (np.where(FACE == 90, np.nan, FACE), "must be finite"),
        (np.where(FACE == 90, np.inf, FACE), "must be finite"),
        (FACE + 5000, "must lie in the photograph"),
        (FACE - 500, "must lie in the photograph"),
        (np.full((5, 2), 100.0), "must not coincide"),
        (np.linspace([10, 20], [90, 180], 5), "must not coincide or lie on one line"),
        (FACE / 1000 + 100, "expected a face larger"),
    ],
)
def test_align_face_points_exception_raised(points, message):
    with pytest.raises(ValueError, match=message):
        face_alignment.align_face(np.zeros((224, 224, 3), np.uint8), points)


@pytest.mark.parametrize(
    "image, mask, message",
    [
        (np.zeros((224, 224), np.uint8), None, "`image` must have shape"),
        (np.zeros((224, 224, 4), np.uint8), None, "`image` must have shape"),
        (np.zeros((224, 224, 3)), None, "`image` must be uint8"),
        (np.zeros((224, 224, 3), np.uint8), np.zeros((223, 224), np.uint8), "`mask` must have"),
        (np.zeros((224, 224, 3), np.uint8), np.zeros((224, 224)), "`mask` must be uint8"),
    ],
)
def test_align_face_image_exception_raised(image, mask, message):
    with pytest.raises(ValueError, match=message):
        face_alignment.align_face(image, FACE, mask=mask)
