import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.geometry import contour_points, rotations


def test_outermost_candidates_of_a_sphere_are_seen_edge_on():
    """Of a half circle in the plane of `outward` and z, the point whose normal is in the image."""
    angles = np.linspace(0, np.pi, 721)
    slopes = np.radians([0.0, 30.0, 70.0, 180.0])
    outward = np.stack([np.cos(slopes), -np.sin(slopes)], axis=-1)
    circles = np.concatenate(
        [
            np.cos(angles)[:, None] * outward[:, None],
            np.broadcast_to(np.sin(angles)[:, None], (4, 721, 1)),
        ],
        axis=-1,
    )
    turns = np.radians([[0, 0, 0], [0, -50, 0], [20, 40, 30], [-15, -70, -60]])
    rotation = rotations.rotation_matrix_from_euler(turns).numpy()
    world = np.einsum("bij,lkj->blki", rotation, circles)
    image = world[..., :2] * [1, -1]
    chosen = contour_points.outermost_candidates(image, outward, rotation).numpy()
    for pose, numbers in enumerate(chosen):
        for line, number in enumerate(numbers):
            # Behind the head (angle below 0) there are no candidates: then it is the first one.
            if number > 0:
                assert abs(world[pose, line, number, 2]) < 0.003
            else:
                assert world[pose, line, 0, 2] > -0.003
    np.testing.assert_array_equal(chosen[0], 0)
    # Turned to the left by 50 degrees, the right side is seen more, and the left one less.
    np.testing.assert_array_equal(chosen[1][[0, 3]], [0, 200])


@pytest.mark.parametrize("batch_size", [1, 3])
def test_outermost_candidates_in_a_graph_of_static_batch_size(rng, batch_size):
    points = tf.constant(rng.standard_normal((batch_size, 17, 5, 2)), tf.float32)
    outward = tf.constant(rng.standard_normal((17, 2)), tf.float32)
    angles = tf.constant(rng.random((batch_size, 3)), tf.float32)

    def choose(points, angles):
        rotation = rotations.rotation_matrix_from_euler(angles)
        return contour_points.outermost_candidates(points, outward, rotation)

    compiled = tf.function(choose, jit_compile=False)
    np.testing.assert_array_equal(compiled(points, angles), choose(points, angles))


def test_outermost_candidates_choice_has_no_gradient():
    points = tf.Variable(np.random.default_rng(0).standard_normal((2, 3, 5, 2)))
    with tf.GradientTape() as tape:
        chosen = contour_points.outermost_candidates(
            points, np.ones((3, 2)), np.stack([np.eye(3)] * 2)
        )
    assert chosen.dtype == tf.int32 and chosen.shape == (2, 3)
    assert tape.gradient(tf.cast(chosen, tf.float64), points) is None


def test_outermost_candidates_exception_raised():
    points, outward, rotation = np.zeros((1, 3, 5, 2)), np.ones((3, 2)), np.eye(3)[None]
    with pytest.raises(ValueError, match="`candidates`"):
        contour_points.outermost_candidates(points[:, :2], outward, rotation)
    with pytest.raises(ValueError, match="`outward`"):
        contour_points.outermost_candidates(points, np.ones((3, 3)), rotation)
    with pytest.raises(ValueError, match="`rotation`"):
        contour_points.outermost_candidates(points, outward, np.zeros((1, 3)))
