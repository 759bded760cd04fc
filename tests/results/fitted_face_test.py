"""`FittedFace`: pose, cameras and crop are consistent with one another."""

import numpy as np


def test_pose_preset(posed_face):
    # Reference value for the angles 0.1, 0.2, 0.3.
    rotation = [
        [0.93629336, -0.27509585, 0.21835066],
        [0.28962948, 0.95642509, -0.03695701],
        [-0.19866933, 0.09784340, 0.97517033],
    ]
    np.testing.assert_allclose(posed_face.rotation_matrix, rotation, atol=1e-7)
    np.testing.assert_allclose(posed_face.pose[:3, :3], rotation, atol=1e-7)
    np.testing.assert_allclose(posed_face.pose[:3, 3], [0.05, -0.1, 0.2], atol=1e-7)
    np.testing.assert_array_equal(posed_face.pose[3], [0, 0, 0, 1])
    np.testing.assert_allclose(
        posed_face.rotation_degrees, [5.72958, 11.45916, 17.18873], atol=1e-4
    )


def test_intrinsics_project_to_crop_and_photo(posed_face, toy_reconstructor):
    indices = toy_reconstructor.decoder.face_model.landmarks
    world = np.concatenate([posed_face.vertices[indices], np.ones((68, 1))], axis=-1)
    in_camera = world @ posed_face.extrinsics.T
    for intrinsics, expected in (
        (posed_face.intrinsics, posed_face.landmarks),
        (posed_face.photo_intrinsics, posed_face.photo_landmarks),
    ):
        projected = in_camera @ intrinsics.T
        np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], expected, atol=1e-3)


def test_photo_vertices_agree_with_landmarks(posed_face, toy_reconstructor):
    indices = toy_reconstructor.decoder.face_model.landmarks
    points = posed_face.photo_vertices[indices]
    np.testing.assert_allclose(points[:, :2], posed_face.photo_landmarks, atol=1e-3)
    np.testing.assert_allclose(points[:, 2], 10.0 - posed_face.vertices[indices, 2], atol=1e-6)


def test_crop_matrix_round_trip(posed_face):
    to_photo = np.linalg.inv(posed_face.crop_matrix)
    homogeneous = np.concatenate([posed_face.landmarks, np.ones((68, 1))], axis=-1)
    np.testing.assert_allclose(
        (homogeneous @ to_photo.T)[:, :2], posed_face.photo_landmarks, atol=1e-6
    )
    back = posed_face.crop_transform.to_crop(posed_face.photo_landmarks)
    np.testing.assert_allclose(back, posed_face.landmarks, atol=1e-6)
    np.testing.assert_allclose(
        posed_face.photo_five_points, posed_face.crop_transform.to_image(posed_face.five_points)
    )
