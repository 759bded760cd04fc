import pathlib

import pytest

from tf_facerecon.cli import train_identity_network
from tf_facerecon.models import presets
from tf_facerecon.models.identity_network import IdentityNetwork
from tf_facerecon.training import identity_training


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Calls of `identity_training.run`, which does not train here."""
    monkeypatch.chdir(tmp_path)
    calls = []

    def run(config, run_dir):
        calls.append((config, run_dir))
        return IdentityNetwork(8, 32), {"auc": 0.5}

    monkeypatch.setattr(identity_training, "run", run)
    return calls


def test_train_identity_network_makes_a_preset(runs, capsys):
    arguments = ["--config", "identity_small", "--out", "weights", "run.seed=3"]
    assert train_identity_network.main(arguments) == 0
    ((config, run_dir),) = runs
    assert (config.run.seed, run_dir) == (3, pathlib.Path("runs/identity_small"))
    assert presets.read_table("weights")["identity_small"]["made_by"] == (
        "tf-facerecon train --config r_net_small && tf-facerecon train-identity-network "
        "--config identity_small --out weights run.seed=3"
    )
    presets.load_preset(IdentityNetwork, "identity_small", "weights")
    output = capsys.readouterr().out
    assert '"auc": 0.5' in output and "weights/identity_small.weights.h5" in output


def test_shipped_network_names_the_command_that_makes_it(runs):
    made_by = presets.read_table()["identity_small"]["made_by"]
    assert made_by.endswith(
        " && tf-facerecon train-identity-network --config identity_small --out tf_facerecon/weights"
    )


def test_train_identity_network_bad_input_exits_2(runs, capsys):
    assert train_identity_network.main(["--config", "absent.yaml"]) == 2
    assert "no configuration file 'absent.yaml'" in capsys.readouterr().err
    assert not runs
