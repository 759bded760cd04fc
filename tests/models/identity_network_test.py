import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.models import identity_network
from tf_facerecon.models.r_net import RNet


@pytest.fixture(scope="module")
def network() -> identity_network.IdentityNetwork:
    keras.utils.set_random_seed(2)
    return identity_network.IdentityNetwork()


@pytest.mark.parametrize("size", [(112, 112), (224, 224), (96, 130)])
def test_identity_network_unit_vectors_of_any_size(network, rng, size):
    embedding = network(rng.random((2, *size, 3), dtype=np.float32))
    assert embedding.shape == (2, 128) == network.compute_output_shape((2, *size, 3))
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=-1), 1.0, atol=1e-5)


def test_identity_network_is_small(network):
    assert network.count_params() == 2_660_016


def test_identity_network_halves_by_averaging(network, rng):
    image = rng.random((1, 224, 224, 3), dtype=np.float32)
    halved = image.reshape(1, 112, 2, 112, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(network(image), network(halved), atol=1e-5)


def test_identity_network_gradient_reaches_every_pixel(network, rng):
    images = tf.constant(rng.random((1, 224, 224, 3), dtype=np.float32))
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = tf.reduce_sum(network(images)[:, 0])
    gradient = tape.gradient(value, images).numpy()
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).sum(axis=-1) > 0).mean() > 0.95


def test_identity_network_gradient_finite_on_vanishing_vectors():
    network = identity_network.IdentityNetwork(embedding_size=4, image_size=32)
    for variable in network.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(network(tf.ones((1, 32, 32, 3))))
    gradients = tape.gradient(value, network.trainable_variables)
    assert all(np.isfinite(g).all() for g in gradients if g is not None)


def test_identity_network_frozen_call_keeps_statistics(network, rng):
    before = [variable.numpy() for variable in network.non_trainable_variables]
    network(rng.random((2, 112, 112, 3), dtype=np.float32), training=False)
    for old, variable in zip(before, network.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(old, variable)


def test_identity_network_takes_the_backbone_of_a_small_r_net(rng):
    """The same image, halved, gives the deep feature of the R-Net."""
    r_net = RNet("small")
    network = identity_network.IdentityNetwork()
    network.trunk.set_weights(r_net.backbone.get_weights())
    image = rng.random((1, 224, 224, 3), dtype=np.float32)
    halved = image.reshape(1, 112, 2, 112, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(
        network.trunk(halved)["deep"], r_net.features(image)["deep"], atol=1e-4
    )


def test_identity_network_config_and_mixed_precision(rng):
    network = identity_network.IdentityNetwork(16, 48, dtype="mixed_bfloat16", name="eye")
    revived = identity_network.IdentityNetwork.from_config(network.get_config())
    assert revived.get_config() == network.get_config()
    assert revived(rng.random((1, 50, 50, 3), dtype=np.float32)).dtype == tf.float32
    assert revived.trunk.output["shallow"].dtype == "bfloat16"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"embedding_size": 0}, "`embedding_size` must be at least 1"),
        ({"image_size": 100}, "`image_size` must be a multiple of 16"),
    ],
)
def test_identity_network_exception_raised(arguments, message):
    with pytest.raises(ValueError, match=message):
        identity_network.IdentityNetwork(**arguments)


def test_load_identity_network_missing_weights_exception_raised(tmp_path):
    for name in ("identity_small", "facenet"):
        with pytest.raises(FileNotFoundError, match="absent"):
            identity_network.load_identity_network(name, str(tmp_path / "absent.keras"))


def test_load_identity_network_by_name_or_file(network, tmp_path, rng):
    image = rng.random((1, 112, 112, 3), dtype=np.float32)
    network.save(tmp_path / "own.keras")
    own = identity_network.load_identity_network(str(tmp_path / "own.keras"))
    np.testing.assert_array_equal(own(image), network(image))
    shipped = identity_network.load_identity_network("identity_small")
    assert shipped.embedding_size == 128
    with pytest.raises(ValueError, match="no preset 'cosface'"):
        identity_network.load_identity_network("cosface")
