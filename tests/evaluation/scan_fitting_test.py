import numpy as np
import pytest

from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.evaluation import scan_fitting
from tf_facerecon.geometry import rotations, similarity_alignment


def posed(points, scale=1.1):
    rotation = rotations.rotation_matrix_from_euler(np.array([0.05, -0.1, 0.03])).numpy()
    return similarity_alignment.apply_similarity(
        100.0 * points, scale, rotation, np.array([10.0, -20.0, 500.0])
    )


def test_fit_scan_recovers_a_person_of_the_model(rng):
    model = made_up_model(side=16)
    true = np.zeros(model.identity_basis.shape[-1])
    true[:3] = 1.5, -1.0, 0.5
    scan = posed(model.mean_shape + model.identity_basis @ true)
    seven = scan[model.now_landmarks]
    mean_face = scan_fitting.fit_scan(model, scan, seven, None)
    fit = scan_fitting.fit_scan(model, scan, seven, 0.01)
    assert mean_face.coefficient_rms == 0.0 and mean_face.ridge is None
    assert fit.mean_mm < 0.2 * mean_face.mean_mm
    assert fit.median_mm <= fit.mean_mm + 1.0 and len(fit.distances_mm) == len(scan)
    stiff = scan_fitting.fit_scan(model, scan, seven, 1e9)
    assert stiff.coefficient_rms < 1e-3
    assert stiff.mean_mm == pytest.approx(mean_face.mean_mm, rel=0.1)


def test_corner_weights_preset():
    corners = np.array([[[0.0, 0, 0], [2, 0, 0], [0, 4, 0]]])
    weights = scan_fitting.corner_weights(corners, np.array([[0.5, 1.0, 0.0]]))
    np.testing.assert_allclose(weights, [[0.5, 0.25, 0.25]])


def test_frontal_points_preset():
    landmarks = np.zeros((68, 3))
    landmarks[[36, 39, 42, 45]] = [[-45, 30, 0], [-15, 30, 0], [15, 30, 0], [45, 30, 0]]
    landmarks[30] = 0.0, -10.0, 20.0
    landmarks[33] = 0.0, -20.0, 10.0
    landmarks[48], landmarks[54] = (-25.0, -40.0, 0.0), (25.0, -40.0, 0.0)
    # A square looking forward, one looking back, one between the corners of an eye, one far off.
    square = np.array([[-2.0, -2, 0], [2, -2, 0], [2, 2, 0], [-2, 2, 0]])
    middles = np.array([[0.0, -60, 0], [0, -55, 0], [30, 30, 0], [0, 130, 0]])
    vertices = (middles[:, None] + square).reshape(-1, 3)
    first = np.array([[0, 1, 2], [0, 2, 3]])
    triangles = np.concatenate([first, first[:, ::-1] + 4, first + 8, first + 12])
    kept = scan_fitting.frontal_points(vertices, triangles, landmarks)
    np.testing.assert_array_equal(kept, [True] * 4 + [False] * 12)


def test_few_points_exception_raised():
    with pytest.raises(ValueError, match="more than 80 points"):
        scan_fitting.fit_scan(made_up_model(), np.zeros((80, 3)), np.zeros((7, 3)), 1.0)
