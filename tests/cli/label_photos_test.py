import numpy as np
import pytest

from tests.datasets.made_up_photos import FACE, landmarks_of, write_photos
from tf_facerecon.cli import main as cli


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.npz"
    mesh = np.zeros((2, 478, 3))
    mesh[:, 100:168, :2] = landmarks_of(FACE) + 0.22
    np.savez(path, names=["anna/1.jpg", "p9/1.jpg"], landmarks478=mesh, map68=np.arange(100, 168))
    return path


def test_label_photos(tmp_path, labels, capsys):
    write_photos(tmp_path / "lfw", ["anna/1.jpg", "p9/1.jpg", "bert/1.jpg"])
    out = tmp_path / "out"
    arguments = ["--photos", tmp_path / "lfw", "--labels", labels, "--out", out]
    assert cli.main(["label-photos", *map(str, arguments)]) == 0
    printed = capsys.readouterr().out
    assert f"1 photographs with landmarks are in {out / 'train'}" in printed
    assert f"1 photographs with landmarks are in {out / 'held_out'}" in printed
    assert "1 photographs have no labels: left out" in printed
    written = np.loadtxt(out / "held_out/p9/landmarks/1.txt")
    np.testing.assert_allclose(written, landmarks_of(FACE), atol=5e-4)


def test_label_photos_exception_raised(tmp_path, labels, capsys):
    arguments = ["--photos", tmp_path / "none", "--labels", labels, "--out", tmp_path / "out"]
    assert cli.main(["label-photos", *map(str, arguments)]) == 2
    assert "error: There is no folder or archive" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
