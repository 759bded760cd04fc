import numpy as np
import PIL.Image
import pytest

from tests.toy_face import build_toy_face_model
from tf_facerecon.cli import show_face_model
from tf_facerecon.visualization import face_model_overview


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A model file; its sheet is a grey square, because the sheet has a test of its own."""
    monkeypatch.setattr(
        face_model_overview,
        "model_overview",
        lambda _, seed: np.full((9, 9, 3), seed, np.uint8),
    )
    monkeypatch.chdir(tmp_path)
    build_toy_face_model().save(tmp_path / "toy.npz")
    return str(tmp_path / "toy.npz")


def test_picture_is_written_here_or_there(toy, tmp_path, capsys):
    assert show_face_model.main([toy, "--seed", "7"]) == 0
    assert np.asarray(PIL.Image.open(tmp_path / "toy.png"))[0, 0, 0] == 7
    assert "Written to toy.png" in capsys.readouterr().out
    assert show_face_model.main([toy, "--out", "new/sheet.png"]) == 0
    assert (tmp_path / "new" / "sheet.png").is_file()


def test_older_picture_stays_unless_told(toy, tmp_path, capsys):
    (tmp_path / "toy.png").write_bytes(b"precious")
    assert show_face_model.main([toy]) == 2
    assert "toy.png exists; add --overwrite" in capsys.readouterr().err
    assert (tmp_path / "toy.png").read_bytes() == b"precious"
    assert show_face_model.main([toy, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bfm09"], "tf-facerecon build-face-model bfm09 --source FOLDER"),
        (["absent.npz"], "no face model file 'absent.npz'"),
        (["toy.npz", "--out", "toy.gif"], "must end in .png"),
    ],
)
def test_bad_input_exits_2(toy, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path / "home"))
    assert show_face_model.main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and message in said
