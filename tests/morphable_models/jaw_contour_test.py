import dataclasses

import numpy as np
import pytest

from tests.morphable_models.half_cylinder import RADIUS, half_cylinder
from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.morphable_models.jaw_contour import jaw_lines
from tf_facerecon.morphable_models.morphable_model import MorphableModel


@pytest.fixture(scope="module", params=["ict_london", "procedural-4000"])
def face(request):
    return MorphableModel.from_preset(request.param)


def test_lines_of_a_half_cylinder_are_quarter_circles():
    model = half_cylinder()
    lines = jaw_lines(model)
    points = lines.points(model.mean_shape)
    for number in (*range(1, 7), *range(10, 16)):
        sign = -1 if number < 8 else 1
        np.testing.assert_allclose(lines.outward[number], [sign, 0], atol=1e-6)
        height = model.mean_shape[model.landmarks[number], 1]
        np.testing.assert_allclose(points[number, :, 1], height, atol=1e-6)
        # Twelve quads of 7.5 degrees lead to the middle, the last of which touches the nose.
        line = np.unique(points[number].round(5), axis=0)
        angles = np.degrees(np.arctan2(sign * line[:, 0], line[:, 2]))
        assert len(line) >= 12 and angles.max() > 89.9 and 0 < angles.min() < 16
        # Chords of the circle come at most 0.3 % nearer to the axis.
        np.testing.assert_allclose(np.hypot(line[:, 0], line[:, 2]), RADIUS, rtol=0.003)


def test_lines_start_at_the_landmark_and_rise_to_the_front(face):
    lines = jaw_lines(face)
    points = lines.points(face.mean_shape)
    np.testing.assert_array_equal(points[:, 0], face.mean_shape[face.landmarks[:17]])
    np.testing.assert_allclose(lines.weights.sum(-1), 1, atol=1e-6)
    assert lines.weights.min() >= 0
    x, _, z = np.moveaxis(points, -1, 0)
    assert np.all(z.max(axis=1) > z[:, 0])
    # At most to the corner of the mouth and the wing of the nose, never to the tip of the nose.
    assert z.max() < face.mean_shape[face.landmarks[30], 2] - 0.05
    assert x[:8].max() < 0.02 and x[9:].min() > -0.02
    # In one plane: the offset along the contour is 0.
    offset = points[..., :2] - points[:, :1, :2]
    across = lines.outward[:, ::-1] * [1, -1]
    np.testing.assert_allclose(np.einsum("lkc,lc->lk", offset, across), 0, atol=1e-6)


def test_lines_of_both_sides_are_mirror_images(face):
    lines = jaw_lines(face)
    np.testing.assert_array_equal(face.mirror_index[lines.vertices[:8]], lines.vertices[:8:-1])
    np.testing.assert_array_equal(lines.weights[:8], lines.weights[:8:-1])
    np.testing.assert_array_equal(lines.outward[:8] * [-1, 1], lines.outward[:8:-1])


def test_lines_without_mirror_index_are_found_on_each_side():
    model = half_cylinder()
    points = jaw_lines(dataclasses.replace(model, mirror_index=None)).points(model.mean_shape)
    mirrored = points[::-1] * [-1, 1, 1]
    for number in range(1, 7):
        distances = np.linalg.norm(points[number][:, None] - mirrored[number], axis=-1)
        assert distances.min(axis=1).max() < 0.1  # Their points lie on the two sorts of diagonals.


def test_coinciding_jaw_landmarks_exception_raised():
    landmarks = np.arange(68)
    landmarks[4:6] = landmarks[3]
    with pytest.raises(ValueError, match="'made-up'.*17 different points.*landmark 4 coincide"):
        jaw_lines(made_up_model(landmarks=landmarks))
