import pathlib
import runpy

import pytest

from tf_facerecon.training import experiment
from tf_facerecon.training.interruption import TrainingInterrupted

REPOSITORY = pathlib.Path(__file__).parents[2]
CONFIG = str(REPOSITORY / "configs" / "smoke.yaml")


@pytest.fixture
def main(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return runpy.run_path(str(REPOSITORY / "tools" / "train.py"))["main"]


@pytest.fixture
def runs(monkeypatch):
    """Calls of `experiment.run`, which does not train here."""
    calls = []

    def run(config, run_dir, resume):
        calls.append((config, run_dir, resume))
        return experiment.TrainingResult(
            run_dir / "r_net.keras", 20, {"loss": 0.5}, first_step=10, seconds=5.0
        )

    monkeypatch.setattr(experiment, "run", run)
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

    monkeypatch.setattr(experiment, "run", run)
    assert main(["--config", CONFIG]) == code
    assert message in capsys.readouterr().err


def test_train_help_teaches(main, capsys):
    with pytest.raises(SystemExit) as exit_code:
        main(["--help"])
    assert exit_code.value.code == 0
    help_text = capsys.readouterr().out
    assert "python tools/train.py --config configs/smoke.yaml" in help_text
    assert "section.key=value" in help_text
