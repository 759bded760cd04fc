import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain

# The image-left half of the iBUG points with their mirror images.
MIRRORED = {0: 16, 8: 8, 17: 26, 27: 27, 31: 35, 36: 45, 39: 42, 48: 54, 60: 64, 61: 63, 67: 65}


def test_landmark_template_preset():
    template = face_domain.landmark_template()
    assert template.shape == (68, 3)
    np.testing.assert_array_equal(template[30], [0.0, -0.046, 0.552])
    for left, right in MIRRORED.items():
        np.testing.assert_array_equal(template[left] * [-1, 1, 1], template[right])
        assert template[left, 0] <= 0


def test_domain_coordinates_are_arc_and_height_random(rng):
    arc, height, radius = rng.uniform(-2, 2, 20), rng.uniform(-1, 1, 20), rng.uniform(0.3, 1, 20)
    angle = arc / face_domain.CYLINDER_RADIUS
    x, z = radius * np.sin(angle), radius * np.cos(angle) + face_domain.CYLINDER_AXIS_Z
    coordinates = face_domain.domain_coordinates(np.stack([x, height, z], axis=-1))
    np.testing.assert_allclose(coordinates, np.stack([arc, height], axis=-1), atol=1e-12)


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
