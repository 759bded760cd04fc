"""`tflite_files`: layers in the axes of Keras; files are read in `models/mobilefacenet_test.py`."""

import keras
import numpy as np
import pytest

from tf_facerecon.models.converters import tflite_files
from tf_facerecon.models.converters.tflite_files import LayerWeights


def test_set_weights_moves_axes_and_doubles_slopes(rng):
    network = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            keras.layers.Conv2D(4, (1, 3)),
            keras.layers.PReLU(shared_axes=(1, 2)),
            keras.layers.DepthwiseConv2D((3, 1)),
        ]
    )
    kernel, bias = rng.random((4, 1, 3, 2)), rng.random(4)
    depthwise, slope = rng.random((1, 3, 1, 4)), rng.random(4)
    weights = [
        LayerWeights("CONV_2D", (kernel, bias)),
        LayerWeights("MUL", (slope,)),
        LayerWeights("DEPTHWISE_CONV_2D", (depthwise, bias)),
    ]
    tflite_files.set_weights(network, weights, "file")
    found = network.get_weights()
    np.testing.assert_allclose(found[0][0, 2, 1, 3], kernel[3, 0, 2, 1], rtol=1e-6)
    np.testing.assert_allclose(found[2].ravel(), 2 * slope, rtol=1e-6)
    np.testing.assert_allclose(found[3][2, 0, 3, 0], depthwise[0, 2, 0, 3], rtol=1e-6)


def test_read_weights_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="no TensorFlow Lite file"):
        tflite_files.read_weights(tmp_path / "absent.tflite")
    (tmp_path / "text.tflite").write_text("neither")
    with pytest.raises(ValueError, match="is no TensorFlow Lite file"):
        tflite_files.read_weights(tmp_path / "text.tflite")
