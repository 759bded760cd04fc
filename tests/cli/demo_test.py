import pathlib
import sys

import pytest

from tf_facerecon.cli import demo
from tf_facerecon.training.interruption import TrainingInterrupted


@pytest.fixture
def main(monkeypatch, tmp_path):
    """The tool, whose photograph takes no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        demo, "reconstruct_astronaut", lambda network, folder: [folder / "face.obj"]
    )
    return demo.main


def test_demo_without_scikit_image_names_the_extra(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    assert demo.main(["--no-training"]) == 2
    assert "pip install 'tf_facerecon[demo]'" in capsys.readouterr().err


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

    monkeypatch.setattr(demo, "train_briefly", train)
    assert main([]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_demo_keeps_a_training_that_is_not_its_own(tmp_path):
    remove = demo.remove_earlier_demonstration
    remove(tmp_path / "absent")
    (tmp_path / "run").mkdir()
    remove(tmp_path / "run")
    (tmp_path / "run" / "resolved_config.yaml").write_text("precious", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not an earlier demonstration"):
        remove(tmp_path / "run")
    assert (tmp_path / "run" / "resolved_config.yaml").exists()
    (tmp_path / "run" / demo.MARK).touch()
    remove(tmp_path / "run")
    assert not (tmp_path / "run").exists()
