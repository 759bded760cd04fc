import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.datasets import wrinkles
from tf_facerecon.morphable_models.parameterization import face_domain

SEED = tf.constant([3, 4])


@pytest.fixture(scope="module")
def landmarks():
    """Sixteen equal faces, frontal, in the middle of the crop."""
    template = np.asarray(face_domain.landmark_template(), np.float32)
    flat = template[:, :2] - template[:, :2].mean(axis=0)
    points = 112 + 100 * flat * np.array([1, -1], np.float32)
    return tf.constant(np.repeat(points[None], 16, axis=0))


def draw(landmarks, size=112, seed=SEED):
    white = tf.ones((landmarks.shape[0], size, size, 3))
    return wrinkles.draw_wrinkles(white, landmarks, seed).numpy()


def test_wrinkles_only_darken_and_are_grey_on_white(landmarks):
    drawn = draw(landmarks)
    assert drawn.min() > 0.1 and drawn.max() <= 1.0
    np.testing.assert_array_equal(drawn[..., 0], drawn[..., 2])
    darkest = 1 - drawn.min(axis=(1, 2, 3))
    assert darkest.max() > 0.3  # Some show clearly,
    assert darkest.min() < darkest.max() - 0.1  # and faces differ.


def test_wrinkles_lie_about_mouth_and_eyes(landmarks):
    darkening = (1 - draw(landmarks)[..., 0]).sum(axis=0)
    points = landmarks.numpy()[0] / 2  # In pixels of the small image, nearly.
    rows, columns = np.indices(darkening.shape)
    top, bottom = points[17:27, 1].min() - 3, points[8, 1]
    left, right = points[36, 0] - 12, points[45, 0] + 12
    near = (rows > top) & (rows < bottom) & (columns > left) & (columns < right)
    assert darkening[near].sum() > 0.99 * darkening.sum() > 0
    mouth_row = int(points[48, 1])
    middle = int(points[51, 0])
    assert darkening[mouth_row, :middle].max() > 3 * darkening[mouth_row, middle]


def test_wrinkles_are_as_wide_at_any_resolution(landmarks):
    small, large = draw(landmarks, 112), draw(landmarks, 224)
    np.testing.assert_allclose(1 - small.mean(), 1 - large.mean(), rtol=0.03)


def test_wrinkles_depend_on_the_seed_alone(landmarks):
    np.testing.assert_array_equal(draw(landmarks), draw(landmarks))
    assert np.abs(draw(landmarks) - draw(landmarks, seed=SEED + 1)).max() > 0.1


def test_wrinkles_turn_with_the_face(landmarks):
    turned = tf.reverse(landmarks, axis=[-1])  # Mirrored at the diagonal.
    upright, lying = draw(landmarks), draw(turned)
    np.testing.assert_allclose(lying, upright.transpose(0, 2, 1, 3), atol=1e-4)


def test_thin_lines_run_to_the_corners_of_the_mouth(landmarks, monkeypatch):
    nothing = wrinkles._Wrinkle(0.0)
    for other in ("_NASOLABIAL", "_DIMPLE", "_UNDER_EYE", "_LID"):
        monkeypatch.setattr(wrinkles, other, nothing)
    darkening = (1 - draw(landmarks, 224)[..., 0]).mean(axis=0)
    for corner, parting in ((48, 60), (54, 64)):
        column, row = landmarks.numpy()[0, corner]
        inwards = np.sign(landmarks.numpy()[0, parting, 0] - column)
        edge, lips, cheek = (int(column + inwards * step) for step in (2, 14, -7))
        assert darkening[int(row), edge] > 0.12
        assert max(darkening[int(row), lips], darkening[int(row), cheek]) < 0.02
        assert darkening[int(row) + 3, edge] < 0.05  # The line is thin.
