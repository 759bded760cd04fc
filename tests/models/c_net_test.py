import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.models import c_net, presets, r_net
from tf_facerecon.models.c_net import CNet


@pytest.fixture(scope="module")
def small_r_net():
    return r_net.RNet("small", face_model="procedural-500", face_model_fingerprint="f00d")


@pytest.fixture(scope="module")
def network(small_r_net):
    """A C-Net of the small R-Net that has an opinion."""
    network = CNet.for_r_net(small_r_net)
    rng = np.random.default_rng(3)
    for variable in network.variables:
        variable.assign(variable + rng.normal(0, 0.05, variable.shape))
    return network


@pytest.fixture
def features(rng):
    return {
        "shallow": rng.random((3, 28, 28, 64), dtype=np.float32),
        "points": rng.random((3, 160, 2), dtype=np.float32),
        "deep": rng.random((3, 832), dtype=np.float32),
    }


def test_c_net_small_size_preset():
    assert CNet("small").count_params() == 161_152


def test_c_net_paper_is_an_eighth_of_its_r_net():
    network = CNet("paper")
    whole = r_net.RNet("resnet50")
    network.check_r_net(whole)
    assert whole.count_params() == 24_114_305
    assert network.count_params() == 2_872_528
    assert 8 * network.count_params() <= whole.count_params()
    shapes = {"shallow": (2, 56, 56, 256), "deep": (2, 2048)}
    confidences = network({name: np.ones(shape, np.float32) for name, shape in shapes.items()})
    np.testing.assert_array_equal(confidences, np.ones((2, 80)))


def test_c_net_docstring_tells_the_counts():
    assert all(count in CNet.__doc__ for count in ("2,872,528", "24,114,305", "161,152"))


def test_c_net_starts_as_the_plain_mean(small_r_net, rng):
    images = rng.random((2, 224, 224, 3), dtype=np.float32)
    confidence = CNet.for_r_net(small_r_net)(small_r_net.features(images))
    assert confidence.dtype == tf.float32
    np.testing.assert_array_equal(confidence, np.ones((2, 80)))


def test_c_net_is_positive_and_looks_at_each_image_alone(network, features):
    features = {name: 30 * value for name, value in features.items()}
    confidence = network(features).numpy()
    assert confidence.min() >= np.exp(-c_net.LOGIT_LIMIT) - 1e-6
    assert confidence.max() <= np.exp(c_net.LOGIT_LIMIT) * (1 + 1e-6)
    assert confidence.std() > 0.1
    alone = [network({k: v[i : i + 1] for k, v in features.items()})[0] for i in range(3)]
    np.testing.assert_allclose(confidence, alone, rtol=1e-4)


def test_c_net_looks_at_both_features(network, features):
    for name in ("shallow", "deep"):
        other = {**features, name: features[name][::-1]}
        assert np.abs(network(other) - network(features)).max() > 1e-4


def test_c_net_knows_where_in_the_map(network, features):
    turned = {**features, "shallow": features["shallow"][:, :, ::-1]}
    assert np.abs(network(turned) - network(features)).max() > 1e-4


def test_confidence_from_logits_preset():
    logits = np.array([0.0, 1e-3, 1e6, -1e6, 3.0])
    limit = c_net.LOGIT_LIMIT
    expected = np.exp([0.0, 1e-3, limit, -limit, limit * np.tanh(3 / limit)])
    np.testing.assert_allclose(c_net.confidence_from_logits(logits), expected, rtol=1e-6)


def test_c_net_every_weight_learns(network, features):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.math.log(network(features)) ** 2)
    gradients = tape.gradient(loss, network.trainable_variables)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        assert np.abs(gradient.numpy()).max() > 0, variable.path


def test_c_net_reloads(network, features, tmp_path):
    network.save(tmp_path / "c_net.keras")
    revived = CNet.from_preset(tmp_path / "c_net.keras")
    assert revived.get_config() == network.get_config()
    np.testing.assert_allclose(revived(features), network(features), rtol=1e-6)


def test_c_net_preset_is_small_and_close(network, features, tmp_path):
    path = presets.save_preset(network, tmp_path, "c_net", description="a test", made_by="pytest")
    assert path.stat().st_size < 500_000
    revived = presets.load_preset(CNet, "c_net", tmp_path)
    assert revived.get_config() == network.get_config()
    np.testing.assert_allclose(revived(features), network(features), rtol=0.02)


def test_c_net_mixed_precision(features):
    network = CNet("small", dtype="mixed_bfloat16")
    assert network(features).dtype == tf.float32
    assert network.get_config()["dtype"]["config"]["name"] == "mixed_bfloat16"


def test_c_net_knows_its_r_net(small_r_net, tmp_path):
    network = CNet.for_r_net(small_r_net)
    assert (network.face_model, network.face_model_fingerprint) == ("procedural-500", "f00d")
    network.check_r_net(small_r_net)
    small_r_net.save(tmp_path / "r_net.keras")
    network.check_r_net(keras.models.load_model(tmp_path / "r_net.keras"))
    CNet("small").check_r_net(small_r_net)  # Knows of none in particular.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"face_model_fingerprint": "beef"}, "face model was beef, .* is f00d"),
        ({"r_net_fingerprint": "1234"}, "fingerprint of the weights was 1234"),
        ({"deep_size": 576}, "length of the deep feature was 576, .* is 832"),
        ({"shallow_shape": (28, 28, 8)}, "map of the first stage"),
        ({"identity": 79}, "number of identity coefficients was 79"),
    ],
)
def test_c_net_of_another_r_net_exception_raised(small_r_net, arguments, message):
    with pytest.raises(ValueError, match=message):
        CNet("small", **arguments).check_r_net(small_r_net)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"preset": "large"}, "`preset` must be one of"), ({"identity": 0}, "`identity` must be at")],
)
def test_c_net_exception_raised(arguments, message):
    with pytest.raises(ValueError, match=message):
        CNet(**arguments)
