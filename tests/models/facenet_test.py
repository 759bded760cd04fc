import pathlib

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.models import facenet, identity_network, presets

pytest.importorskip("keras_facenet")

VARIANT = "20170512-110547"  # the smaller one, 128 numbers


def save_in_keras_2_layout(model: keras.Model, path: pathlib.Path) -> None:
    """Writes an `.h5` weights file as Keras 2 did: one group per layer, in order."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.4.0"
        for layer in model.layers:
            group = file.create_group(layer.name)
            variables = layer.weights  # without random seeds, which Keras 2 did not save
            names = [f"{layer.name}/{variable.name}:0" for variable in variables]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, variable in zip(names, variables, strict=True):
                group.create_dataset(name, data=variable.numpy())


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """A random FaceNet and its weights file in the layout of the published ones."""
    from keras_facenet.inception_resnet_v1 import InceptionResNetV1

    keras.utils.set_random_seed(7)
    model = InceptionResNetV1((160, 160, 3), classes=128)
    # As after training: normalisations that do nothing would hide one that is forgotten.
    numbers = np.random.default_rng(7)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.moving_mean.shape
            layer.beta.assign(numbers.normal(0.0, 0.1, size))
            layer.moving_mean.assign(numbers.normal(0.0, 0.1, size))
            layer.moving_variance.assign(numbers.uniform(0.3, 2.0, size))
    path = tmp_path_factory.mktemp("facenet") / f"{VARIANT}-weights.h5"
    save_in_keras_2_layout(model, path)
    return model, path, presets.file_sha256(path)


@pytest.fixture(scope="module")
def network(made_up):
    _, path, sha256 = made_up
    return identity_network.load_facenet(path, variant=VARIANT, sha256=sha256)


def test_load_facenet_same_output_as_the_saved_network(made_up, network, rng):
    images = rng.random((2, 160, 160, 3), dtype=np.float32)
    values = 255.0 * images
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    deviation = values.std(axis=(1, 2, 3), keepdims=True)
    expected = made_up[0]((values - mean) / deviation, training=False)
    np.testing.assert_allclose(network(images), expected, atol=2e-5)
    assert network.embedding_size == 128


def test_deep3d_facenet_sees_whole_bgr_crops(rng):
    images = keras.Input((224, 224, 3))
    network = keras.Model(images, keras.layers.Flatten()(images))
    crops = rng.uniform(-0.2, 1.2, (1, 224, 224, 3)).astype(np.float32)
    expected = (np.clip(255 * crops[..., ::-1], 0, 255) - 127.5) / 128
    seen = facenet.Deep3DFaceNet(network, 224, True)(crops)
    np.testing.assert_allclose(seen, expected.reshape(1, -1), atol=1e-5)


def test_load_deep3d_facenet(made_up, monkeypatch):
    _, path, sha256 = made_up
    monkeypatch.setattr(
        identity_network,
        "load_deep3d_facenet",
        lambda weights: facenet.load_deep3d_facenet(weights, sha256=sha256),
    )
    embed = identity_network.load_identity_network("facenet_deep3d", path)
    assert isinstance(embed, facenet.Deep3DFaceNet) and embed.embedding_size == 128
    assert embed._model.input_shape == (None, 224, 224, 3)


def test_deep3d_facenet_is_the_published_file():
    published = facenet._metadata(facenet.DEEP3D_VARIANT)["keras_weights_sha256"]
    assert published == "668e950140ad76f1e21e3a2bc1d3ad9c673734ea8ea1abbf4ecc44d1dbdd400b"


def test_facenet_normalizes_by_its_convolutions(network):
    kinds = [type(layer) for layer in network._model.layers]
    assert kinds.count(keras.layers.BatchNormalization) == 1  # After the last matrix.
    assert not network._model.trainable_variables


def test_fold_normalization_leaves_what_follows_no_convolution(rng):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(name="first")(inputs)
    x = keras.layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
    x = keras.layers.BatchNormalization(epsilon=0.1, name="second")(x)
    x = keras.layers.Activation("relu")(x)
    model = keras.Model(inputs, keras.layers.BatchNormalization(name="third")(x))
    model.set_weights([rng.uniform(0.5, 2.0, w.shape) for w in model.get_weights()])
    folded = facenet.fold_normalization(model)
    images = rng.random((2, 8, 8, 3), dtype=np.float32)
    np.testing.assert_allclose(folded(images), model(images, training=False), atol=2e-5)
    assert {"first", "third"} < {layer.name for layer in folded.layers}
    assert "second" not in {layer.name for layer in folded.layers}


class Mirrored(keras.layers.Conv2D):
    """A convolution of its own, of mirrored images."""

    def call(self, inputs):
        return super().call(inputs[:, :, ::-1])


def test_fold_normalization_leaves_convolutions_of_other_classes(rng):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(name="norm")(Mirrored(4, 3, use_bias=False)(inputs))
    model = keras.Model(inputs, x)
    model.set_weights([rng.uniform(0.5, 2.0, w.shape) for w in model.get_weights()])
    images = rng.random((2, 8, 8, 3), dtype=np.float32)
    folded = facenet.fold_normalization(model)
    np.testing.assert_allclose(folded(images), model(images, training=False), atol=2e-5)


def unfoldable(kind):
    """A model whose normalisation is not only that of one plain convolution."""
    inputs = keras.Input((8, 8, 3))
    activation = "relu" if kind == "activated" else None
    x = keras.layers.Conv2D(3, 3, padding="same", use_bias=False, activation=activation)(inputs)
    norm = keras.layers.BatchNormalization(axis=1 if kind == "other axis" else -1)
    y = norm(x)
    if kind == "used twice":
        y = norm(y)
    return keras.Model(inputs, [x, y] if kind == "returned" else y)


@pytest.mark.parametrize("kind", ("activated", "other axis", "used twice", "returned"))
def test_fold_normalization_leaves_what_is_more_than_a_convolution(kind, rng):
    model = unfoldable(kind)
    model.set_weights([rng.uniform(0.5, 2.0, w.shape) for w in model.get_weights()])
    images = rng.random((2, 8, 8, 3), dtype=np.float32)
    folded = facenet.fold_normalization(model)
    for mine, theirs in zip(
        tf.nest.flatten(folded(images, training=False)),
        tf.nest.flatten(model(images, training=False)),
        strict=True,
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


def test_facenet_unit_vectors_and_gradient_of_a_crop(network, rng):
    images = tf.constant(rng.random((1, 224, 224, 3), dtype=np.float32))
    with tf.GradientTape() as tape:
        tape.watch(images)
        embedding = network(images)
        value = tf.reduce_sum(embedding[:, :3])
    gradient = tape.gradient(value, images).numpy()
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=-1), 1.0, atol=1e-4)
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_facenet_fixed_standardization_preset():
    """White is 1, black -1, by `(x - 127.5) / 127.5`."""
    seen = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])
    network = facenet.FaceNet(seen, image_size=4, fixed_standardization=True)
    np.testing.assert_allclose(network(np.ones((1, 8, 8, 3), np.float32)), 1.0)
    np.testing.assert_allclose(network(np.zeros((1, 8, 8, 3), np.float32)), -1.0)


def test_facenet_is_invisible_to_keras(network, tmp_path):
    """A model that holds FaceNet neither trains nor saves it."""
    holder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    holder.identity_network = network
    assert len(holder.variables) == 2 and network.trainable_variables == ()
    holder.save_weights(tmp_path / "holder.weights.h5")
    assert (tmp_path / "holder.weights.h5").stat().st_size < 100_000
    with pytest.raises(ValueError, match="FaceNet is frozen"):
        network(np.zeros((1, 160, 160, 3), np.float32), training=True)


def test_load_facenet_downloads_once(made_up, tmp_path):
    _, path, sha256 = made_up
    for url in (path.as_uri(), "file:///nowhere"):
        facenet.load_facenet(cache_dir=tmp_path, variant=VARIANT, sha256=sha256, url=url)
    names = [file.name for file in tmp_path.rglob("*") if file.is_file()]
    assert names == [f"{VARIANT}-weights.h5"]


def test_load_facenet_offline_says_where_to_get_and_put_it(tmp_path):
    absent = (tmp_path / "absent.h5").as_uri()
    with pytest.raises(FileNotFoundError) as caught:
        facenet.load_facenet(cache_dir=tmp_path, variant=VARIANT, url=absent)
    target = tmp_path / VARIANT / f"{VARIANT}-weights.h5"
    assert absent in str(caught.value) and str(target) in str(caught.value)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_load_facenet_wrong_download_leaves_nothing(tmp_path):
    (tmp_path / "page.html").write_text("<html>not found</html>")
    url = (tmp_path / "page.html").as_uri()
    with pytest.raises(ValueError, match="not the expected FaceNet weights file"):
        facenet.load_facenet(cache_dir=tmp_path / "cache", variant=VARIANT, url=url)
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file()] == []


def test_load_facenet_given_file_exception_raised(made_up, tmp_path):
    _, path, _ = made_up
    with pytest.raises(FileNotFoundError, match="Get it from https://"):
        facenet.load_facenet(tmp_path / "absent.h5")
    with pytest.raises(ValueError, match="expected sha256 668e"):
        facenet.load_facenet(path, variant=VARIANT)
    with pytest.raises(ValueError, match="`variant` must be one of"):
        facenet.load_facenet(path, variant="2019")


def test_load_facenet_file_of_another_network(tmp_path):
    path = tmp_path / "other.h5"
    save_in_keras_2_layout(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), path)
    with pytest.raises(ValueError, match="does not hold the weights of this FaceNet variant"):
        facenet.load_facenet(path, variant=VARIANT, sha256=presets.file_sha256(path))
