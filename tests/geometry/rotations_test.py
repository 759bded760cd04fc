import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from tests import jacobian
from tf_facerecon.geometry import rotations

ANGLE = strategies.floats(-np.pi + 1e-6, np.pi - 1e-6)
YAW = strategies.floats(-1.5, 1.5)

# Recorded from the reference implementation for the angles (0.1, 0.2, 0.3).
REFERENCE_ANGLES = np.array([0.1, 0.2, 0.3])
REFERENCE_ROTATION = np.array(
    [
        [0.93629336, -0.27509585, 0.21835066],
        [0.28962948, 0.95642509, -0.03695701],
        [-0.19866933, 0.09784340, 0.97517033],
    ]
)


def rotation_by_product(angles):
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles), np.cos(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def test_rotation_matrix_from_euler_preset():
    rotation = rotations.rotation_matrix_from_euler(REFERENCE_ANGLES)
    np.testing.assert_allclose(rotation, REFERENCE_ROTATION, atol=5e-9)


@hypothesis.given(strategies.tuples(ANGLE, ANGLE, ANGLE))
@hypothesis.settings(deadline=None, max_examples=50)
def test_rotation_matrix_from_euler_random(angles):
    rotation = rotations.rotation_matrix_from_euler(np.array(angles)).numpy()
    np.testing.assert_allclose(rotation, rotation_by_product(angles), atol=1e-14)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_rotation_matrix_from_euler_batched(rng):
    angles = rng.uniform(-3, 3, (2, 4, 3))
    rotation = rotations.rotation_matrix_from_euler(angles)
    assert rotation.shape == (2, 4, 3, 3)
    np.testing.assert_allclose(rotation[1, 2], rotation_by_product(angles[1, 2]), atol=1e-14)


@hypothesis.given(strategies.tuples(ANGLE, YAW, ANGLE))
@hypothesis.settings(deadline=None, max_examples=50)
def test_euler_from_rotation_matrix_random(angles):
    rotation = rotations.rotation_matrix_from_euler(np.array(angles))
    np.testing.assert_allclose(rotations.euler_from_rotation_matrix(rotation), angles, atol=1e-12)


@pytest.mark.parametrize("yaw", [np.pi / 2, -np.pi / 2])
def test_euler_from_rotation_matrix_at_gimbal_lock_gives_the_same_rotation(yaw):
    rotation = rotation_by_product([0.4, yaw, -0.7])
    angles = rotations.euler_from_rotation_matrix(rotation).numpy()
    assert angles[2] == 0.0
    np.testing.assert_allclose(rotation_by_product(angles), rotation, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (rotations.rotation_matrix_from_euler, (3, 4)),
        (rotations.euler_from_rotation_matrix, (3,)),
        (rotations.euler_from_rotation_matrix, (2, 3, 4)),
    ],
)
def test_rotations_exception_raised(function, shape):
    with pytest.raises(ValueError, match="must have shape"):
        function(tf.zeros(shape))


def test_rotation_matrix_from_euler_jacobian(rng):
    angles = rng.uniform(-3, 3, (2, 3))
    jacobian.assert_jacobian_correct(rotations.rotation_matrix_from_euler, angles)


def test_euler_from_rotation_matrix_jacobian(rng):
    rotation = [rotation_by_product(angles) for angles in rng.uniform(-1.2, 1.2, (2, 3))]
    jacobian.assert_jacobian_correct(rotations.euler_from_rotation_matrix, np.array(rotation))
