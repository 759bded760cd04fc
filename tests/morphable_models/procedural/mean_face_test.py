import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain
from tf_facerecon.morphable_models.procedural import mean_face


def test_domain_coordinates_preset():
    # Straight ahead of the cylinder's axis, and a quarter turn to the image's right.
    points = np.array([[0.0, 0.2, 0.3], [0.7, -0.1, face_domain.CYLINDER_AXIS_Z]])
    expected = [[0.0, 0.2], [0.85 * np.pi / 2, -0.1]]
    np.testing.assert_allclose(face_domain.domain_coordinates(points), expected, atol=1e-12)


def test_landmark_template_is_mirror_symmetric():
    template = face_domain.landmark_template()
    assert np.abs(template).max(axis=1).min() > 0  # every landmark is set
    mirrored = {tuple(np.round(point * [-1, 1, 1] + 0.0, 6)) for point in template}
    assert mirrored == {tuple(np.round(point + 0.0, 6)) for point in template}


def test_landmark_template_human_proportions():
    template = face_domain.landmark_template()

    def distance(a, b):
        return np.linalg.norm(template[a] - template[b])

    # Means of adult faces in dm, within a tenth or so.
    assert 0.80 < distance(36, 45) < 0.95  # outer corners of the eyes
    assert 0.30 < distance(39, 42) < 0.42  # inner corners of the eyes
    assert 0.45 < distance(48, 54) < 0.56  # width of the mouth
    assert 1.05 < distance(27, 8) < 1.22  # nasion to chin


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
