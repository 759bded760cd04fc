import keras
import numpy as np
import pytest

from tf_facerecon.models import c_net, identity_network, r_net


def _trainable(model):
    """Positions of trainable variables, in the order of all variables."""
    return [i for i, variable in enumerate(model.variables) if variable.trainable]


def _reload(model, folder):
    model.save(folder / "network.keras")
    return keras.models.load_model(folder / "network.keras")


@pytest.fixture
def network():
    return r_net.RNet("small")


def test_frozen_backbone_stays_frozen(network, tmp_path):
    network.backbone.trainable = False
    reloaded = _reload(network, tmp_path)
    assert len(network.trainable_variables) == 14  # The heads'.
    assert len(reloaded.trainable_variables) == 14
    assert _trainable(reloaded) == _trainable(network)
    assert not reloaded.backbone.trainable and reloaded.heads.trainable
    for expected, received in zip(network.variables, reloaded.variables, strict=True):
        np.testing.assert_array_equal(received, expected)


def test_single_frozen_layers_and_layers_trained_within_a_frozen_backbone(network, tmp_path):
    network.heads.heads[2].trainable = False
    reloaded = _reload(network, tmp_path)
    assert _trainable(reloaded) == _trainable(network) and reloaded.backbone.trainable
    network.backbone.trainable = False
    network.backbone.layers[1].trainable = True
    reloaded = _reload(network, tmp_path)
    assert _trainable(reloaded) == _trainable(network) and not reloaded.backbone.trainable
    assert reloaded.backbone.layers[1].trainable


@pytest.mark.parametrize(
    "make_network",
    [lambda: c_net.CNet("small"), lambda: identity_network.IdentityNetwork(image_size=32)],
)
def test_frozen_layers_of_other_networks_stay_frozen(make_network, tmp_path):
    network = make_network()
    network.trunk.layers[-1].trainable = False
    network.trunk.layers[2].trainable = False
    reloaded = _reload(network, tmp_path)
    assert _trainable(reloaded) == _trainable(network) != list(range(len(network.variables)))


def test_configuration_without_frozen_layers_is_that_of_the_constructor(network):
    assert "frozen_layers" not in network.get_config()
    network.trainable = False
    assert not r_net.RNet.from_config(network.get_config()).trainable_variables
