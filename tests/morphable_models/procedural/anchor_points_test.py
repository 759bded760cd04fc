import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain
from tf_facerecon.morphable_models.procedural import anchor_points


def test_surface_anchors_start_with_the_landmarks():
    coordinates, positions = anchor_points.surface_anchors()
    np.testing.assert_array_equal(positions[:68], face_domain.landmark_template())
    expected = face_domain.domain_coordinates(face_domain.landmark_template())
    np.testing.assert_array_equal(coordinates[:68], expected)


def test_surface_anchors_are_mirror_symmetric():
    coordinates, positions = anchor_points.surface_anchors()
    rows = np.concatenate([coordinates, positions], axis=1)
    mirrored = rows * [-1, 1, -1, 1, 1] + 0.0  # The sum makes -0 to 0.
    np.testing.assert_allclose(
        np.unique(mirrored.round(9), axis=0), np.unique(rows.round(9) + 0.0, axis=0)
    )


def test_surface_anchors_lie_in_the_domain_and_apart():
    coordinates, positions = anchor_points.surface_anchors()
    assert np.abs(coordinates[:, 0]).max() <= anchor_points.HALF_WIDTH
    distances = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    # Two anchors at one place would leave the spline through them undetermined.
    assert distances.min() > 0.005
    assert np.abs(positions).max() < 1.1  # dm: it is a face
