import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain
from tf_facerecon.morphable_models.procedural import mean_face


def test_surface_passes_through_landmarks():
    template = face_domain.landmark_template()
    s, t = face_domain.domain_coordinates(template).T
    # The crease between the lips takes at most 0.3 mm from the two points beside it.
    np.testing.assert_allclose(mean_face.surface(s, t), template, atol=3e-3)


def test_surface_is_mirror_symmetric_random(rng):
    s, t = rng.uniform(-1.3, 1.3, 50), rng.uniform(-0.6, 0.8, 50)
    left, right = mean_face.surface(s, t), mean_face.surface(-s, t)
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1e-10)


def test_surface_nose_sticks_out():
    s, t = np.array([0.0, 0.3, 0.0, 0.0]), np.array([-0.05, -0.05, 0.30, -0.60])
    depths = mean_face.surface(s, t)[:, 2]
    assert (depths[0] > depths[1:] + 0.15).all()


def test_mouth_opening_preset():
    s = np.array([0.0, mean_face.MOUTH_CORNER, -mean_face.MOUTH_CORNER, 0.5])
    np.testing.assert_allclose(mean_face.mouth_opening(s), [1, 0, 0, 0], atol=1e-12)
