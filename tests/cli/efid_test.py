"""`tf-facerecon efid`, with `expression_sets`."""

import numpy as np
import PIL.Image
import pytest
import scipy.io

from tests import toy_reconstruction as toy
from tf_facerecon.cli import efid, expression_sets
from tf_facerecon.metrics import efid as metric


def test_efid_of_files(rng, tmp_path, capsys):
    generated, real = rng.normal(size=(2, 6, 257)).astype(np.float32)
    np.save(tmp_path / "generated.npy", generated)
    (tmp_path / "real").mkdir()
    for number, row in enumerate(real):
        scipy.io.savemat(tmp_path / "real" / f"{number}.mat", {"coeff": row[None]})
    assert efid.main([str(tmp_path / "generated.npy"), str(tmp_path / "real")]) == 0
    printed = capsys.readouterr().out
    expected = metric.expression_frechet_distance(generated, real)
    assert printed == f"frames: 6 generated, 6 real\nE-FID: {expected:.6g}\n"


def test_expressions_of_photographs(toy_reconstructor, tmp_path, monkeypatch):
    """The network is loaded once; a photograph that cannot be read is left out."""
    loaded = []

    def from_preset(network, face_model):
        loaded.append((network, face_model))
        return toy_reconstructor

    monkeypatch.setattr(expression_sets.FaceReconstructor, "from_preset", from_preset)
    for name in ("a.png", "b.png"):
        PIL.Image.fromarray(toy.toy_photo()).save(tmp_path / name)
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    reader = expression_sets.ExpressionReader("net", "face")
    np.testing.assert_array_equal(reader.read(tmp_path), np.zeros((2, 4)))
    assert loaded == [("net", "face")]
    assert [path.name for path in reader.failures] == ["broken.jpg"]


@pytest.mark.parametrize("name, message", [("absent.npy", "no file"), ("empty", "contains no")])
def test_efid_exit_code_of_bad_input(name, message, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert efid.main([str(tmp_path / name), str(tmp_path / "empty")]) == 2
    assert message in capsys.readouterr().err
