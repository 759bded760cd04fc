import keras
import numpy as np

from tf_facerecon.networks.spatial_expectation import SpatialExpectation


def test_call_preset():
    maps = np.full((1, 5, 9, 2), -100.0, np.float32)
    maps[0, 1, 6, 0] = 100.0  # Row 1 of 0..4 is -0.5, column 6 of 0..8 is 0.5.
    maps[0, 4, 0, 1] = 100.0
    answer = SpatialExpectation()(maps)
    np.testing.assert_allclose(answer, [[0.5, -1.0, -0.5, 1.0]], atol=1e-6)


def test_call_equals_float64_expectation(rng):
    maps = rng.standard_normal((3, 4, 6, 2))
    weights = np.exp(2.5 * maps)
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    columns = np.einsum("bhwc,w->bc", weights, np.linspace(-1, 1, 6))
    rows = np.einsum("bhwc,h->bc", weights, np.linspace(-1, 1, 4))
    answer = SpatialExpectation(sharpness=2.5)(maps.astype(np.float32))
    np.testing.assert_allclose(answer, np.concatenate([columns, rows], axis=-1), atol=1e-5)


def test_layer_is_sound(rng):
    layer = SpatialExpectation(sharpness=3.0)
    maps = rng.standard_normal((2, 7, 7, 5)).astype(np.float32)
    assert tuple(layer(maps).shape) == layer.compute_output_shape(maps.shape)
    saved = keras.saving.serialize_keras_object(layer)
    assert keras.saving.deserialize_keras_object(saved).get_config() == layer.get_config()
