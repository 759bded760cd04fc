import numpy as np

from tf_facerecon.face_models.procedural import anchors

# The image-left half of the iBUG points with their mirror images.
MIRRORED = {0: 16, 8: 8, 17: 26, 27: 27, 31: 35, 36: 45, 39: 42, 48: 54, 60: 64, 61: 63, 67: 65}


def test_landmark_template_preset():
    template = anchors.landmark_template()
    assert template.shape == (68, 3)
    np.testing.assert_array_equal(template[30], [0.0, -0.046, 0.552])
    for left, right in MIRRORED.items():
        np.testing.assert_array_equal(template[left] * [-1, 1, 1], template[right])
        assert template[left, 0] <= 0


def test_surface_anchors_start_with_the_landmarks():
    coordinates, positions = anchors.surface_anchors()
    np.testing.assert_array_equal(positions[:68], anchors.landmark_template())
    expected = anchors.domain_coordinates(anchors.landmark_template())
    np.testing.assert_array_equal(coordinates[:68], expected)


def test_surface_anchors_are_mirror_symmetric():
    coordinates, positions = anchors.surface_anchors()
    rows = np.concatenate([coordinates, positions], axis=1)
    mirrored = rows * [-1, 1, -1, 1, 1] + 0.0  # The sum makes -0 to 0.
    np.testing.assert_allclose(
        np.unique(mirrored.round(9), axis=0), np.unique(rows.round(9) + 0.0, axis=0)
    )


def test_surface_anchors_lie_in_the_domain_and_apart():
    coordinates, positions = anchors.surface_anchors()
    assert np.abs(coordinates[:, 0]).max() <= anchors.HALF_WIDTH
    distances = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    # Two anchors at one place would leave the spline through them undetermined.
    assert distances.min() > 0.005
    assert np.abs(positions).max() < 1.1  # dm: it is a face


def test_domain_coordinates_are_arc_and_height_random(rng):
    arc, height, radius = rng.uniform(-2, 2, 20), rng.uniform(-1, 1, 20), rng.uniform(0.3, 1, 20)
    angle = arc / anchors.CYLINDER_RADIUS
    x, z = radius * np.sin(angle), radius * np.cos(angle) + anchors.CYLINDER_AXIS_Z
    coordinates = anchors.domain_coordinates(np.stack([x, height, z], axis=-1))
    np.testing.assert_allclose(coordinates, np.stack([arc, height], axis=-1), atol=1e-12)
