import cv2
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.geometry import similarity_alignment, similarity_warp


def face_points(rng, count=3):
    template = similarity_warp.ARCFACE_TEMPLATE
    angles = rng.uniform(-0.6, 0.6, count)
    cos, sin = np.cos(angles), np.sin(angles)
    rotation = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    points = 1.7 * np.einsum("bij,nj->bni", rotation, template - 56) + 110
    return points + rng.normal(0, 2, points.shape)


def test_arcface_matrix_equals_umeyama(rng):
    points = face_points(rng)
    matrices = similarity_warp.arcface_matrix(points).numpy()
    for matrix, five in zip(matrices, points, strict=True):
        flat = [np.pad(p, [(0, 0), (0, 1)]) for p in (five, similarity_warp.ARCFACE_TEMPLATE)]
        scale, rotation, shift = similarity_alignment.similarity_transform(*flat)
        expected = np.column_stack([scale * rotation[:2, :2], shift[:2]])
        np.testing.assert_allclose(matrix, expected, atol=1e-9)


def test_arcface_matrix_check_value():
    """Of the crop of 000002.jpg, an example image of the Deep3D repositories."""
    points = [
        [73.0412, 88.4422],
        [130.7931, 86.0499],
        [85.0029, 122.2779],
        [75.7763, 149.5273],
        [134.8046, 145.0125],
    ]
    expected = [[0.58922752, -0.03058947, 0.78955238], [0.03058947, 0.58922752, -0.83780763]]
    matrix = similarity_warp.arcface_matrix(np.array([points]))[0]
    np.testing.assert_allclose(matrix, expected, atol=1e-4)


def test_arcface_matrix_of_points_that_coincide_is_the_identity():
    matrices = similarity_warp.arcface_matrix(np.full((1, 5, 2), 3.0))
    np.testing.assert_array_equal(matrices[0], np.eye(2, 3))


def test_warp_equals_warp_affine(rng):
    images = rng.random((3, 224, 200, 3), dtype=np.float32)
    matrices = similarity_warp.arcface_matrix(face_points(rng).astype(np.float32)).numpy()
    matrices[2, 0, 2] -= 50  # A part of the output is outside the image.
    found = similarity_warp.warp_by_similarity(images, matrices).numpy()
    for image, matrix, warped in zip(images, matrices, found, strict=True):
        # OpenCV rounds positions to 1/32 of a pixel.
        expected = cv2.warpAffine(image, matrix, (112, 112), flags=cv2.INTER_LINEAR)
        np.testing.assert_allclose(warped, expected, atol=0.07)
        assert np.abs(warped - expected).mean() < 0.01
    assert (found[2] == 0).any()


def test_warp_of_a_linear_ramp_is_exact():
    """Bilinear interpolation reproduces `column + 2 row`; (0, 0) is the first pixel's centre."""
    row, column = np.mgrid[:64, :64].astype(np.float64)
    matrix = np.array([[[0.8, 0.1, -3.0], [-0.1, 0.8, 2.0]]])
    warped = similarity_warp.warp_by_similarity((column + 2 * row)[None, ..., None], matrix, 32)
    u, v = 20, 15
    x, y = np.linalg.solve(matrix[0, :, :2], [u, v] - matrix[0, :, 2])
    assert warped[0, v, u, 0].numpy() == pytest.approx(x + 2 * y)


def test_warp_gradients(rng):
    images = tf.constant(rng.random((1, 40, 40, 1)))
    points = tf.constant(face_points(rng, 1) / 5)

    def value(images, points):
        matrices = similarity_warp.arcface_matrix(points)
        return tf.reduce_sum(similarity_warp.warp_by_similarity(images, matrices, 24) ** 2)

    with tf.GradientTape() as tape:
        tape.watch([images, points])
        total = value(images, points)
    to_images, to_points = tape.gradient(total, [images, points])
    for tensor, gradient, position in (
        (images, to_images, (0, 12, 13, 0)),
        (points, to_points, (0, 1, 0)),
    ):
        step = np.zeros(tensor.shape)
        step[position] = 1e-6
        moved = [
            value(*(t + s * step if t is tensor else t for t in (images, points))) for s in (1, -1)
        ]
        numeric = (moved[0] - moved[1]) / 2e-6
        np.testing.assert_allclose(gradient.numpy()[position], numeric, rtol=1e-4, atol=1e-6)


def test_warp_exception_raised():
    with pytest.raises(ValueError, match="`five_points` must have shape"):
        similarity_warp.arcface_matrix(np.zeros((1, 68, 2)))
    with pytest.raises(ValueError, match="`matrices` must have shape"):
        similarity_warp.warp_by_similarity(np.zeros((1, 8, 8, 3)), np.zeros((1, 3, 3)))
