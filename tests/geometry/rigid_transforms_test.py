import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.geometry import rigid_transforms, rotations

QUARTER_TURN_ABOUT_Z = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture
def pose(rng):
    rotation = rotations.rotation_matrix_from_euler(rng.uniform(-1, 1, (2, 3))).numpy()
    return rotation, rng.normal(size=(2, 3))


def test_rotate_preset():
    rotated = rigid_transforms.rotate(np.array([[1.0, 0.0, 0.0]]), QUARTER_TURN_ABOUT_Z)
    np.testing.assert_array_equal(rotated, [[0.0, 1.0, 0.0]])


def test_rigid_transform_preset():
    # Recorded from the reference implementation.
    rotation = rotations.rotation_matrix_from_euler(np.array([0.1, 0.2, 0.3]))
    world = rigid_transforms.rigid_transform(
        np.array([[0.5, -0.3, 0.4]]), rotation, np.array([0.05, -0.1, 0.2])
    )
    np.testing.assert_allclose(world, [[0.68801570, -0.25689559, 0.46138045]], atol=5e-9)


def test_rigid_transform_random(rng, pose):
    rotation, translation = pose
    points = rng.normal(size=(2, 5, 3))
    expected = np.einsum("bij,bnj->bni", rotation, points) + translation[:, None]
    transformed = rigid_transforms.rigid_transform(points, rotation, translation)
    np.testing.assert_allclose(transformed, expected, atol=1e-14)


def test_rigid_transform_broadcasts_one_mesh_over_poses(rng, pose):
    points = rng.normal(size=(5, 3))
    transformed = rigid_transforms.rigid_transform(points, *pose)
    alone = rigid_transforms.rigid_transform(points, pose[0][1], pose[1][1])
    np.testing.assert_allclose(transformed[1], alone)


def test_pose_matrix_agrees_with_rigid_transform(rng, pose):
    points = rng.normal(size=(2, 5, 3))
    matrices = rigid_transforms.pose_matrix(*pose)
    assert matrices.shape == (2, 4, 4)
    np.testing.assert_array_equal(matrices[:, 3], [[0, 0, 0, 1]] * 2)
    homogeneous = np.concatenate([points, np.ones((2, 5, 1))], axis=-1)
    moved = np.einsum("bij,bnj->bni", matrices, homogeneous)[..., :3]
    np.testing.assert_allclose(moved, rigid_transforms.rigid_transform(points, *pose))


@pytest.mark.parametrize(
    ("points", "rotation", "translation", "named"),
    [
        ((5, 2), (3, 3), (3,), "vectors"),
        ((3,), (3, 3), (3,), "vectors"),
        ((5, 3), (3, 4), (3,), "rotation"),
        ((5, 3), (3, 3), (4,), "translation"),
    ],
)
def test_rigid_transform_exception_raised(points, rotation, translation, named):
    with pytest.raises(ValueError, match=f"`{named}` must have shape"):
        rigid_transforms.rigid_transform(
            tf.zeros(points), tf.zeros(rotation), tf.zeros(translation)
        )


def test_pose_matrix_exception_raised():
    with pytest.raises(ValueError, match="`translation` must have shape"):
        rigid_transforms.pose_matrix(tf.eye(3), tf.zeros([2]))


def test_rigid_transform_jacobian(rng, pose):
    jacobian.assert_jacobian_correct(
        rigid_transforms.rigid_transform, rng.normal(size=(2, 3, 3)), *pose
    )


def test_rotate_jacobian(rng, pose):
    jacobian.assert_jacobian_correct(rigid_transforms.rotate, rng.normal(size=(2, 3, 3)), pose[0])


def test_pose_matrix_jacobian(pose):
    jacobian.assert_jacobian_correct(rigid_transforms.pose_matrix, *pose)
