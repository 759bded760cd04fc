import numpy as np
import tensorflow as tf

from tf_facerecon.geometry import face_landmarks


def test_five_points_from_landmarks_preset():
    landmarks = np.zeros((68, 2))
    landmarks[36], landmarks[39], landmarks[42], landmarks[45] = (1, 2), (3, 4), (6, 0), (8, 2)
    landmarks[30], landmarks[48], landmarks[54] = (7, 7), (5, 5), (9, 5)
    five = face_landmarks.five_points_from_landmarks(landmarks)
    np.testing.assert_array_equal(five, [[2, 3], [7, 1], [7, 7], [5, 5], [9, 5]])


def test_five_points_from_landmarks_arrays_and_tensors_agree(rng):
    for dtype in (np.float32, np.float64):
        landmarks = rng.standard_normal((2, 3, 68, 3)).astype(dtype)
        of_array = face_landmarks.five_points_from_landmarks(landmarks)
        of_tensor = face_landmarks.five_points_from_landmarks(tf.constant(landmarks))
        assert isinstance(of_array, np.ndarray) and tf.is_tensor(of_tensor)
        assert of_array.shape == (2, 3, 5, 3) and of_array.dtype == of_tensor.dtype == dtype
        np.testing.assert_array_equal(of_array, of_tensor)
