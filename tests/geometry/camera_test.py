import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.geometry import camera as cameras

CAMERA = cameras.PerspectiveCamera()
REFERENCE = cameras.PerspectiveCamera(half_pixel_offset=True)


@pytest.fixture
def points(rng):
    return rng.uniform(-1, 1, (2, 4, 3))


def test_project_preset():
    # Recorded from the reference implementation: (u, v) = (185.21142571, 84.66386139), v up.
    world = np.array([[0.68801570, -0.25689559, 0.46138045]])
    depth = cameras.world_to_camera(world, REFERENCE)[:, 2]
    np.testing.assert_allclose(depth, [9.53861955], atol=5e-9)
    column_row = cameras.project(world, REFERENCE)
    np.testing.assert_allclose(column_row, [[185.21142571, 138.33613861]], atol=2e-6)


def test_project_by_hand():
    # 1 dm right, 2 dm up, 10 dm away: 101.5 px per dm.
    column_row = cameras.project(tf.constant([[1.0, 2.0, 0.0]]), CAMERA)
    np.testing.assert_allclose(column_row, [[111.5 + 101.5, 111.5 - 203]])


def test_project_follows_every_field_of_the_camera():
    camera = cameras.PerspectiveCamera(focal=100.0, image_size=50, distance=4.0, near=1, far=9)
    column_row = cameras.project(np.array([[0.1, 0.2, 2.0]]), camera)
    np.testing.assert_allclose(column_row, [[24.5 + 5, 24.5 - 10]])


def test_world_to_camera_preset():
    camera_point = cameras.world_to_camera(np.array([0.1, 0.2, 0.3]), CAMERA)
    np.testing.assert_allclose(camera_point, [0.1, 0.2, 9.7])


def test_to_clip_space_preset():
    # Near 5 and far 15 give z = 2 Z - 15; 1015 / 112 = 9.0625.
    clip = cameras.to_clip_space(np.array([[0.5, -0.3, 0.4]]), CAMERA)
    np.testing.assert_allclose(clip, [[4.53125, -2.71875, 2 * 9.6 - 15, 9.6]])


@pytest.mark.parametrize(("depth", "expected"), [(5.0, -1.0), (7.5, 0.0), (15.0, 1.0)])
def test_to_clip_space_maps_near_and_far_to_minus_and_plus_one(depth, expected):
    clip = cameras.to_clip_space(np.array([[0.0, 0.0, 10.0 - depth]]), CAMERA).numpy()
    assert clip[0, 2] / clip[0, 3] == pytest.approx(expected, abs=1e-12)


def rendered_position(points):
    ndc = cameras.to_clip_space(points, CAMERA).numpy()
    ndc = ndc[..., :2] / ndc[..., 3:]
    return np.stack([(1 + ndc[..., 0]) * 112 - 0.5, (1 - ndc[..., 1]) * 112 - 0.5], axis=-1)


def test_project_gives_where_points_are_rendered(points):
    np.testing.assert_allclose(cameras.project(points, CAMERA), rendered_position(points))


def test_project_with_half_pixel_offset(points):
    offset = cameras.project(points, REFERENCE) - rendered_position(points)
    np.testing.assert_allclose(offset, [[[0.5, -0.5]] * 4] * 2)


@pytest.mark.parametrize("camera", [CAMERA, REFERENCE])
def test_intrinsics_and_extrinsics_agree_with_project(points, camera):
    matrix = cameras.intrinsics_matrix(camera) @ cameras.extrinsics_matrix(camera)
    homogeneous = np.concatenate([points, np.ones((2, 4, 1))], axis=-1) @ matrix.T
    pixels = homogeneous[..., :2] / homogeneous[..., 2:]
    np.testing.assert_allclose(pixels, cameras.project(points, camera))


def test_extrinsics_matrix_is_a_rigid_motion():
    rotation = cameras.extrinsics_matrix(CAMERA)[:, :3]
    np.testing.assert_array_equal(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_field_of_view_is_that_of_the_reference():
    field_of_view = 2 * np.arctan2(CAMERA.image_size / 2, CAMERA.focal)
    assert np.degrees(field_of_view) == pytest.approx(12.59363743796881)


@pytest.mark.parametrize("function", [cameras.project, cameras.to_clip_space])
def test_camera_exception_raised(function):
    with pytest.raises(ValueError, match="`points` must have shape"):
        function(tf.zeros([5, 4]), CAMERA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"focal": 0.0}, "`focal` must be positive"),
        ({"focal": float("nan")}, "`focal` must be positive"),
        ({"image_size": -1}, "`image_size` must be positive"),
        ({"distance": 0}, "`distance` must be positive"),
        ({"near": 0.0}, "0 < near < far"),
        ({"near": 15.0}, "0 < near < far"),
        ({"half_pixel_offset": 1}, "`half_pixel_offset` must be True or False"),
    ],
)
def test_perspective_camera_exception_raised(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CAMERA, **change)


@pytest.mark.parametrize(
    "function", [cameras.project, cameras.to_clip_space, cameras.world_to_camera]
)
def test_camera_jacobian(function, points):
    jacobian.assert_jacobian_correct(lambda p: function(p, CAMERA), points)
