"""`tf-facerecon convert-weights`; conversion itself is tested with `models.converters`."""

import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.cli import convert_weights
from tf_facerecon.models import arcface, r_net
from tf_facerecon.models.backbones import iresnet50
from tf_facerecon.models.converters import arcface_pytorch, deep3d_weights


def test_convert_weights_writes_a_network_and_prints_the_differences(tmp_path, monkeypatch, capsys):
    def convert(path):
        network = r_net.RNet("small")
        return network, deep3d_weights.ConversionReport("slim", 1e-5, 3.0, 2e-5, 4.0)

    monkeypatch.setattr(deep3d_weights, "convert_deep3d_weights", convert)
    target = tmp_path / "new" / "net.keras"
    assert convert_weights.main(["iter.ckpt", "--to", str(target)]) == 0
    printed = capsys.readouterr().out
    assert "largest feature difference: 1.00e-05 (largest feature: 3.00e+00)" in printed
    assert "largest coefficient difference: 2.00e-05 (largest coefficient: 4.00e+00)" in printed
    images = np.zeros((1, 224, 224, 3), np.float32)
    assert r_net.RNet.from_preset(target)(images).shape == (1, 257)
    assert convert_weights.main(["iter.ckpt", "--to", str(target)]) == 2
    assert "exists already; see --overwrite" in capsys.readouterr().err
    assert convert_weights.main(["iter.ckpt", "--to", str(target), "--overwrite"]) == 0


def test_convert_weights_of_arcface(tmp_path, monkeypatch, capsys):
    converted = iresnet50.build_iresnet50(), arcface_pytorch.ArcFaceReport(1e-6, 3.0)
    monkeypatch.setattr(arcface_pytorch, "convert_arcface_weights", lambda _: converted)
    target = tmp_path / "arcface.keras"
    command = ["backbone.pth", "--to", str(target), "--network", "arcface"]
    assert convert_weights.main(command) == 0
    printed = capsys.readouterr().out
    assert "source: backbone.pth (ArcFace, iresnet50)" in printed
    assert "largest vector difference: 1.00e-06 (largest vector: 3.00e+00)" in printed
    assert arcface.is_arcface_file(target)
    assert arcface.load_arcface(target).embedding_size == 512


def test_convert_weights_refuses_what_does_not_fit(tmp_path, capsys):
    target = tmp_path / "net.keras"
    with tf.Graph().as_default() as graph:
        tf.io.write_file(str(tmp_path / "executed"), "text", name="coeff")
        tf.compat.v1.placeholder(tf.float32, name="input_imgs")
    (tmp_path / "model.pb").write_bytes(graph.as_graph_def().SerializeToString())
    for name, message in {
        "absent.pb": "There is no frozen graph",
        "model.pb": "is an operation 'WriteFile'",
        "model.onnx": "must be a .pth file",
    }.items():
        assert convert_weights.main([str(tmp_path / name), "--to", str(target)]) == 2
        assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["model.pb"]


def test_convert_weights_target_must_be_a_keras_file(capsys):
    with pytest.raises(SystemExit):
        convert_weights.main(["epoch_20.pth", "--to", "net.h5"])
    assert "--to must end in .keras" in capsys.readouterr().err
