import pathlib

import pytest

from tf_facerecon.cli import train_c_net
from tf_facerecon.models import presets
from tf_facerecon.models.c_net import CNet
from tf_facerecon.training import c_net_training
from tf_facerecon.training.interruption import TrainingInterrupted
from tf_facerecon.training.run_folder import TrainingResult

CONFIG = "c_net_small"


@pytest.fixture
def main(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return train_c_net.main


@pytest.fixture
def runs(monkeypatch):
    """Calls of `c_net_training.run`, which does not train here."""
    calls = []

    def run(config, run_dir, resume):
        calls.append((config, run_dir, resume))
        run_dir.mkdir(parents=True, exist_ok=True)
        CNet("small").save(run_dir / "c_net.keras")
        return TrainingResult(run_dir / "c_net.keras", 20, {"loss": 0.5}, 10, seconds=5.0)

    monkeypatch.setattr(c_net_training, "run", run)
    return calls


def test_train_c_net_makes_a_preset(main, runs, capsys):
    assert main(["--config", CONFIG, "--no-resume", "--out", "weights", "schedule.steps=90"]) == 0
    ((config, run_dir, resume),) = runs
    assert (config.schedule.steps, run_dir, resume) == (90, pathlib.Path("runs/c_net_small"), False)
    entry = presets.read_table("weights")["c_net_small"]
    assert entry["parameters"] == 161_152
    assert entry["made_by"] == (
        "tf-facerecon train-c-net --config c_net_small --out weights schedule.steps=90"
    )
    presets.load_preset(CNet, "c_net_small", "weights")
    output = capsys.readouterr().out
    assert "Trained 20 steps (10 of them now, 5 s, 2.00 steps/s)" in output
    assert "weights/c_net_small.weights.h5" in output


def test_train_c_net_puts_the_preset_into_the_run_folder(main, runs, tmp_path):
    assert main(["--config", CONFIG, "--run-dir", str(tmp_path / "x")]) == 0
    assert presets.preset_path("c_net_small", tmp_path / "x").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "absent.yaml"], "no configuration file 'absent.yaml'"),
        (["--config", CONFIG, "data.set_sise=1"], "did you mean `data.set_size"),
        (["--config", CONFIG, "--preset", "my net"], "letters, digits"),
    ],
)
def test_train_c_net_bad_input_exits_2(main, runs, capsys, arguments, message):
    assert main(arguments) == 2
    assert not runs
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (FloatingPointError("Not finite at step 3: loss."), 1, "training failed: Not finite"),
        (TrainingInterrupted(15, 7), 143, "SIGTERM after step 7. The state is saved"),
        (FileNotFoundError("There is no network file x."), 2, "error: There is no network"),
    ],
)
def test_train_c_net_exit_codes(main, monkeypatch, capsys, error, code, message):
    def run(config, run_dir, resume):
        raise error

    monkeypatch.setattr(c_net_training, "run", run)
    assert main(["--config", CONFIG]) == code
    assert message in capsys.readouterr().err


def test_train_c_net_names_the_preset_as_told(main, runs, tmp_path):
    run_dir = str(tmp_path / "x")
    assert main(["--config", CONFIG, "--run-dir", run_dir, "--preset", "mine"]) == 0
    assert "--preset mine" in presets.read_table(run_dir)["mine"]["made_by"]
