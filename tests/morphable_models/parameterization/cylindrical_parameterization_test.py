import numpy as np
import pytest

from tf_facerecon.geometry import rotations
from tf_facerecon.morphable_models.parameterization import cylindrical_parameterization, face_domain

LANDMARKS = np.arange(68)
TEMPLATE = face_domain.landmark_template()


def test_parameterize_template_is_identity():
    face = cylindrical_parameterization.parameterize(TEMPLATE, LANDMARKS)
    np.testing.assert_allclose(face.positions, TEMPLATE, atol=1e-9)
    np.testing.assert_allclose(
        np.stack([face.s, face.t], axis=-1), face_domain.domain_coordinates(TEMPLATE), atol=1e-9
    )


def test_parameterize_is_invariant_to_similarity_random(rng):
    turn = rotations.rotation_matrix_from_euler(rng.uniform(-0.1, 0.1, 3)).numpy()
    moved = 100.0 * TEMPLATE @ turn.T + rng.normal(size=3)
    face = cylindrical_parameterization.parameterize(moved, LANDMARKS)
    np.testing.assert_allclose(face.positions, TEMPLATE, atol=1e-8)


def test_parameterize_aligns_features_of_another_face_random(rng):
    other = TEMPLATE + rng.normal(scale=0.02, size=TEMPLATE.shape)
    face = cylindrical_parameterization.parameterize(other, LANDMARKS)
    expected = face_domain.domain_coordinates(TEMPLATE)
    found = np.stack([face.s, face.t], axis=-1)
    inner = np.r_[6:11, 17:60]
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-6)
    unwarped = np.stack([face.unwarped_s, face.unwarped_t], -1)
    assert np.abs(unwarped[inner] - expected[inner]).max() > 0.01


def test_landmarks_at_one_vertex_are_borne():
    landmarks = LANDMARKS.copy()
    landmarks[49] = 48
    assert np.isfinite(cylindrical_parameterization.parameterize(TEMPLATE, landmarks).s).all()


def test_coinciding_landmarks_exception_raised():
    with pytest.raises(ValueError):
        cylindrical_parameterization.parameterize(np.zeros((68, 3)), LANDMARKS)
