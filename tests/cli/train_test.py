import pathlib
import shlex

import numpy as np
import pytest

from tf_facerecon.cli import train
from tf_facerecon.models import presets
from tf_facerecon.models.backbones import small
from tf_facerecon.models.r_net import RNet
from tf_facerecon.training import r_net_training
from tf_facerecon.training.config import load_config
from tf_facerecon.training.interruption import TrainingInterrupted

REPOSITORY = pathlib.Path(__file__).parents[2]
CONFIG = "smoke"


@pytest.fixture
def main(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return train.main


@pytest.fixture
def runs(monkeypatch):
    """Calls of `r_net_training.run`, which does not train here."""
    calls = []

    def run(config, run_dir, resume):
        calls.append((config, run_dir, resume))
        return r_net_training.TrainingResult(
            run_dir / "r_net.keras", 20, {"loss": 0.5}, first_step=10, seconds=5.0
        )

    monkeypatch.setattr(r_net_training, "run", run)
    return calls


def test_train_hands_over_settings_and_says_where_things_are(main, runs, capsys):
    assert main(["--config", CONFIG, "schedule.steps=8", "run.seed=3"]) == 0
    ((config, run_dir, resume),) = runs
    assert (config.schedule.steps, config.run.seed) == (8, 3)
    assert (run_dir, resume) == (pathlib.Path("runs/smoke"), True)
    output = capsys.readouterr().out
    assert "20 steps (10 of them now, 5 s, 2.00 steps/s)" in output
    assert "tensorboard --logdir runs/smoke/logs" in output
    assert "runs/smoke/r_net.keras" in output


def test_train_takes_a_run_folder(main, runs, tmp_path):
    assert main(["--config", CONFIG, "--run-dir", str(tmp_path / "x"), "--no-resume"]) == 0
    assert runs[0][1:] == (tmp_path / "x", False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "absent.yaml"], "no configuration file 'absent.yaml'"),
        (["--config", CONFIG, "optimizer.learnig_rate=1"], "did you mean `optimizer.learning_rate"),
        (["--config", CONFIG, "schedule.steps"], "Expected `section.key=value`"),
    ],
)
def test_train_bad_input_exits_2(main, runs, capsys, arguments, message):
    assert main(arguments) == 2
    assert not runs
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (FloatingPointError("Not finite at step 3: loss."), 1, "training failed: Not finite"),
        (TrainingInterrupted(15, 7), 143, "SIGTERM after step 7. The state is saved"),
        (FileNotFoundError("There is no face model 'x'."), 2, "error: There is no face model"),
    ],
)
def test_train_exit_codes(main, monkeypatch, capsys, error, code, message):
    def run(config, run_dir, resume):
        raise error

    monkeypatch.setattr(r_net_training, "run", run)
    assert main(["--config", CONFIG]) == code
    assert message in capsys.readouterr().err


@pytest.fixture
def trained(monkeypatch):
    """A run that is finished: its network is a narrow one."""
    monkeypatch.setattr(small, "STAGES", (8, 8, 8))

    def run(config, run_dir, resume):
        run_dir.mkdir(parents=True, exist_ok=True)
        path = run_dir / "r_net.keras"
        if not path.exists():
            RNet("small", identity=6, expression=4, texture=5).save(path)
        return r_net_training.TrainingResult(path, 20, {"loss": 0.5}, first_step=20, seconds=0.0)

    monkeypatch.setattr(r_net_training, "run", run)


def test_train_makes_a_preset(main, trained, tmp_path, capsys):
    arguments = ["--config", CONFIG, "--preset", "mine", "--out", str(tmp_path / "weights")]
    assert (
        main([*arguments, "schedule.steps=8", f"face_model.name={tmp_path / 'my face.npz'}"]) == 0
    )
    assert f"'mine', {tmp_path / 'weights' / 'mine.weights.h5'}" in capsys.readouterr().out
    entry = presets.read_table(tmp_path / "weights")["mine"]
    assert entry["made_by"] == (
        "tf-facerecon train --config smoke --preset mine --out weights "
        "schedule.steps=8 'face_model.name=my face.npz'"
    )
    assert entry["description"].endswith("a small network for CPUs, trained on synthetic faces")
    network = presets.load_preset(RNet, "mine", tmp_path / "weights")
    for saved, kept in zip(
        RNet.from_preset(tmp_path / "runs/smoke/r_net.keras").get_weights(),
        network.get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(kept, saved, rtol=2**-11, atol=1e-7)


def test_train_puts_a_preset_into_the_run_folder(main, trained, tmp_path):
    assert main(["--config", CONFIG, "--preset", "mine"]) == 0
    assert presets.preset_path("mine", tmp_path / "runs" / "smoke").is_file()


def test_train_bad_preset_name_exits_2(main, trained, capsys):
    assert main(["--config", CONFIG, "--preset", "my/preset"]) == 2
    assert "letters, digits" in capsys.readouterr().err


def test_train_out_without_preset_exits_2(main, runs, capsys):
    with pytest.raises(SystemExit) as exit_code:
        main(["--config", CONFIG, "--out", "weights"])
    assert exit_code.value.code == 2
    assert "--preset NAME" in capsys.readouterr().err
    assert not runs


def test_shipped_network_names_the_command_that_makes_it(main, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    made_by = presets.read_table()["r_net_small"]["made_by"]
    options = train.parse_arguments(shlex.split(made_by)[2:])
    config = load_config(options.config)
    assert train.made_by(options, config.network.initial_weights) == made_by
    assert (options.preset, config.network.backbone) == ("r_net_small", "small")
    assert config.face_model.name == "ict_london"
    assert options.out.resolve() == presets.weights_folder().resolve()


def test_settings_may_stand_before_and_after_options(main):
    options = train.parse_arguments(
        ["schedule.steps=8", "--config", CONFIG, "run.seed=2", "--preset", "mine", "data.x=1"]
    )
    assert options.overrides == ["schedule.steps=8", "run.seed=2", "data.x=1"]


def test_train_help_teaches(main, capsys):
    with pytest.raises(SystemExit) as exit_code:
        main(["--help"])
    assert exit_code.value.code == 0
    help_text = capsys.readouterr().out
    assert "tf-facerecon train --config smoke" in help_text
    assert "section.key=value" in help_text
