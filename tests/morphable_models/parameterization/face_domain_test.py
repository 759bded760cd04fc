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
