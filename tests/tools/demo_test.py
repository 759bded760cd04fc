import pathlib
import runpy

import pytest

from tf_facerecon.training.interruption import TrainingInterrupted

REPOSITORY = pathlib.Path(__file__).parents[2]


@pytest.fixture
def main(monkeypatch, tmp_path):
    """The tool, whose photograph takes no time."""
    monkeypatch.chdir(tmp_path)
    main = runpy.run_path(str(REPOSITORY / "tools" / "demo.py"))["main"]
    monkeypatch.setitem(
        main.__globals__, "reconstruct_astronaut", lambda weights, folder: [folder / "face.obj"]
    )
    return main


def test_demo_says_what_it_made(main, capsys):
    assert main(["--no-training", "--out", "here"]) == 0
    assert str(pathlib.Path("here") / "face.obj") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (FloatingPointError("Not finite at step 3: loss."), 1, "training failed: Not finite"),
        (TrainingInterrupted(2, 7), 130, "SIGINT after step 7. The demonstration ends here."),
        (ValueError("There is no preset 'x'."), 2, "error: There is no preset"),
    ],
)
def test_demo_exit_codes(main, monkeypatch, capsys, error, code, message):
    def train(config, overrides, run_dir):
        raise error

    monkeypatch.setitem(main.__globals__, "train_briefly", train)
    assert main([]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_demo_keeps_a_training_that_is_not_its_own(main, tmp_path):
    remove = main.__globals__["remove_earlier_demonstration"]
    remove(tmp_path / "absent")
    (tmp_path / "run").mkdir()
    remove(tmp_path / "run")
    (tmp_path / "run" / "resolved_config.yaml").write_text("precious", encoding="utf-8")
    with pytest.raises(FileExistsError, match="no earlier demonstration"):
        remove(tmp_path / "run")
    assert (tmp_path / "run" / "resolved_config.yaml").exists()
    (tmp_path / "run" / main.__globals__["MARK"]).touch()
    remove(tmp_path / "run")
    assert not (tmp_path / "run").exists()
