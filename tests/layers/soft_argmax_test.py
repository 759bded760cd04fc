import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.layers.soft_argmax import SoftArgmax


def plain_layer(maps, features, **kwargs):
    """A layer that corrects no place and reads the features as they are."""
    channels = features.shape[-1]
    layer = SoftArgmax(num_features=channels, **kwargs)
    layer.build(maps.shape, features.shape)
    kernel = np.zeros((maps.shape[-1], channels, 2 + channels), np.float32)
    kernel[:, :, 2:] = np.eye(channels)
    layer.kernel.assign(kernel)
    return layer


def test_call_preset():
    maps = np.full((1, 5, 10, 2), -100.0, np.float32)
    maps[0, 1, 6, 0] = 100.0  # The centre of row 1 of 5 is 3/10 from the top, of column 6 13/20.
    maps[0, 4, 0, 1] = 100.0
    features = np.zeros((1, 5, 10, 1), np.float32)
    features[0, 4, 0] = 7.0
    positions, seen = plain_layer(maps, features)(maps, features)
    np.testing.assert_allclose(positions, [[[0.3, -0.4], [-0.9, 0.8]]], atol=1e-6)
    np.testing.assert_allclose(seen, [[[0.0], [7.0]]], atol=1e-6)


def test_call_equals_float64_expectation(rng):
    maps = rng.standard_normal((3, 4, 6, 2))
    features = rng.standard_normal((3, 4, 6, 5))
    weights = np.exp(2.5 * maps)
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    columns = np.einsum("bhwk,w->bk", weights, np.arange(-5, 6, 2) / 6)
    rows = np.einsum("bhwk,h->bk", weights, np.arange(-3, 4, 2) / 4)
    layer = plain_layer(maps, features, sharpness=2.5)
    positions, seen = layer(maps.astype(np.float32), features.astype(np.float32))
    np.testing.assert_allclose(positions, np.stack([columns, rows], axis=-1), atol=1e-5)
    np.testing.assert_allclose(seen, np.einsum("bhwk,bhwc->bkc", weights, features), atol=1e-5)


def test_each_place_has_its_own_reading(rng):
    maps = rng.standard_normal((2, 4, 8, 3)).astype(np.float32)
    features = rng.standard_normal((2, 4, 8, 5)).astype(np.float32)
    positions, means = plain_layer(maps, features)(maps, features)
    layer = SoftArgmax(num_features=2)
    output, seen = layer(maps, features)
    for point in range(3):
        read = means[:, point] @ layer.kernel[point].numpy()
        # Steps count in cells: of 8 columns each is 0.25 wide, of 4 rows 0.5 high.
        moved = positions[:, point] + read[:, :2] * [0.25, 0.5]
        np.testing.assert_allclose(output[:, point], moved, atol=1e-5)
        np.testing.assert_allclose(seen[:, point], read[:, 2:], atol=1e-5)


def test_a_constant_of_a_map_changes_nothing(rng):
    maps = rng.standard_normal((1, 3, 3, 2)).astype(np.float32)
    features = rng.standard_normal((1, 3, 3, 4)).astype(np.float32)
    layer = SoftArgmax()
    for near, far in zip(layer(maps, features), layer(maps + 1000.0, features), strict=True):
        np.testing.assert_allclose(near, far, atol=2e-4)


def test_gradient_jacobian(rng):
    maps = tf.constant(rng.standard_normal((1, 3, 4, 2)), tf.float32)
    features = tf.constant(rng.standard_normal((1, 3, 4, 2)), tf.float32)
    layer = SoftArgmax(sharpness=1.5)

    def outputs(maps):
        return tf.concat(layer(maps, features), axis=-1)

    theoretical, numerical = tf.test.compute_gradient(outputs, [maps], delta=1e-2)
    np.testing.assert_allclose(theoretical[0], numerical[0], atol=2e-3)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_layer_is_sound(rng, dtype):
    layer = SoftArgmax(num_features=4, sharpness=3.0, dtype=dtype)
    maps = rng.standard_normal((2, 7, 7, 5)).astype(np.float32)
    features = rng.standard_normal((2, 7, 7, 3)).astype(np.float32)
    outputs = layer(maps, features)
    expected = layer.compute_output_shape(maps.shape, features.shape)
    assert tuple(tuple(output.shape) for output in outputs) == expected
    assert {output.dtype for output in outputs} == {tf.float32}
    saved = keras.saving.serialize_keras_object(layer)
    assert keras.saving.deserialize_keras_object(saved).get_config() == layer.get_config()
