import numpy as np
import pytest

from tests.toy_face import build_toy_face_model
from tf_facerecon.datasets import smile_expressions
from tf_facerecon.morphable_models.morphable_model import MorphableModel


@pytest.fixture(scope="module")
def face_model():
    return MorphableModel.from_preset("procedural-4000")


def landmark_movement(face_model, expression):
    """`[68, 3]` millimetres."""
    basis = face_model.expression_basis[face_model.landmarks].astype(np.float64)
    return 100 * basis @ expression


def test_smile_moves_the_corners_of_the_mouth_out_and_up(face_model):
    smile, _ = smile_expressions.smile_expressions(face_model)
    moved = landmark_movement(face_model, smile)
    np.testing.assert_allclose(moved[48], (-5.5, 5.0, -3.0), atol=1.0)
    np.testing.assert_allclose(moved[54], (5.5, 5.0, -3.0), atol=1.0)
    eyes = np.abs(moved[36:48]).max()
    assert eyes < 1.0
    assert np.linalg.norm(smile) < 3.0  # A face that the model thinks likely.


def test_parted_lips_leave_the_corners_where_they_are(face_model):
    _, parted = smile_expressions.smile_expressions(face_model)
    moved = landmark_movement(face_model, parted)
    np.testing.assert_allclose(moved[62, 1] - moved[66, 1], 6.5, atol=1.0)
    assert np.abs(moved[[48, 54]]).max() < 1.0


def test_smile_expressions_are_the_map_estimate():
    model = build_toy_face_model()
    variance = smile_expressions._TOLERANCE**2
    basis = model.expression_basis[model.landmarks].astype(np.float64)
    modes = np.concatenate([basis[48], basis[54]])
    target = np.array([-0.055, 0.05, -0.03, 0.055, 0.05, -0.03])
    primal = modes.T @ modes / variance + np.eye(modes.shape[1])
    expected = np.linalg.solve(primal, modes.T @ target / variance)
    smile, _ = smile_expressions.smile_expressions(model)
    assert smile.dtype == np.float32
    np.testing.assert_allclose(smile, expected, rtol=1e-4, atol=1e-5)
