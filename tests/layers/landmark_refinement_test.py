import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.layers.landmark_refinement import LandmarkRefinement


def steps_by_loop(points, fine_map, kernel, patch_size):
    """Float64, one point at a time."""
    num_images, height, width, _ = fine_map.shape
    border = patch_size // 2
    around = np.pad(fine_map, [(0, 0), (border, border), (border, border), (0, 0)])
    steps = np.zeros(points.shape)
    for image in range(num_images):
        for k, point in enumerate(points[image]):
            column, row = (point + 1) / 2 * [width, height]
            left, top = int(np.clip(column, 0, width - 1)), int(np.clip(row, 0, height - 1))
            square = around[image, top : top + patch_size, left : left + patch_size]
            inside = np.clip([column - left, row - top], 0, 1) - 0.5
            seen = np.concatenate([square.ravel(), inside])
            steps[image, k] = seen @ kernel[k] * 2 / [width, height]
    return steps


def test_untrained_layer_returns_the_points_unchanged(rng):
    points = rng.uniform(-1, 1, (2, 5, 2)).astype(np.float32)
    fine_map = rng.standard_normal((2, 8, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(LandmarkRefinement()(points, fine_map), points)


def test_call_equals_float64_loop(rng):
    points = rng.uniform(-0.99, 0.99, (3, 5, 2))
    points[0, :3] = [[-1.5, 0.2], [1.4, 1.8], [-1.0, 1.0]]  # Outside, and on the edge.
    fine_map = rng.standard_normal((3, 8, 6, 2))
    layer = LandmarkRefinement(patch_size=3)
    layer.build(points.shape, fine_map.shape)
    kernel = rng.standard_normal(layer.kernel.shape)
    layer.kernel.assign(kernel)
    output = layer(points.astype(np.float32), fine_map.astype(np.float32))
    expected = points + steps_by_loop(points, fine_map, kernel, 3)
    np.testing.assert_allclose(output, expected, atol=1e-5)


def test_gradients_reach_kernel_map_and_points_but_not_the_choice_of_cells(rng):
    points = tf.constant(rng.uniform(-0.9, 0.9, (2, 4, 2)), tf.float32)
    fine_map = tf.constant(rng.standard_normal((2, 8, 8, 2)), tf.float32)
    layer = LandmarkRefinement(patch_size=3)
    layer.build(points.shape, fine_map.shape)
    layer.kernel.assign(rng.standard_normal(layer.kernel.shape))
    with tf.GradientTape() as tape:
        tape.watch([points, fine_map])
        output = tf.reduce_sum(layer(points, fine_map))
    to_points, to_map, to_kernel = tape.gradient(
        output, [points, fine_map, layer.trainable_variables[0].value]
    )
    np.testing.assert_array_equal(to_points, np.ones(points.shape))
    assert np.abs(to_map).max() > 0.1
    assert np.abs(to_kernel).max() > 0.1
    theoretical, numerical = tf.test.compute_gradient(
        lambda fine_map: layer(points, fine_map), [fine_map], delta=1e-2
    )
    np.testing.assert_allclose(theoretical[0], numerical[0], atol=2e-3)


def test_layer_is_sound(rng):
    points = rng.uniform(-1, 1, (2, 5, 2)).astype(np.float32)
    fine_map = rng.standard_normal((2, 8, 6, 3)).astype(np.float32)
    layer = LandmarkRefinement(patch_size=3, dtype="mixed_bfloat16")
    output = layer(points, fine_map)
    assert tuple(output.shape) == layer.compute_output_shape(points.shape, fine_map.shape)
    assert output.dtype == tf.float32
    saved = keras.saving.serialize_keras_object(layer)
    assert keras.saving.deserialize_keras_object(saved).get_config() == layer.get_config()


def test_points_that_are_not_finite_stay_so(rng):
    """A training that went wrong ends in a loss that says so, not in a broken look-up."""
    layer = LandmarkRefinement(patch_size=3)
    points = rng.uniform(-1, 1, (2, 5, 2)).astype(np.float32)
    points[0, 1], points[1, 2] = np.nan, np.inf
    fine_map = rng.normal(size=(2, 8, 8, 3)).astype(np.float32)
    found = layer(points, fine_map).numpy()
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(points))


@pytest.mark.parametrize("size", [4, -1])
def test_patch_size_exception_raised(size):
    with pytest.raises(ValueError, match="`patch_size` must be positive and odd. Received: "):
        LandmarkRefinement(size)
