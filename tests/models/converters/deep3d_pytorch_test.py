"""`deep3d_pytorch`; needs PyTorch, which is no dependency of the tests."""

import os
import pathlib
import pickle
import re
import zipfile

import numpy as np
import pytest

from tests.models.converters import made_up_deep3d
from tf_facerecon.models.converters import deep3d_pytorch, deep3d_weights


def test_pytorch_layout_has_332_entries():
    shapes = deep3d_pytorch.expected_shapes()
    assert len(shapes) == 332
    counts = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    trainable = sum(count for name, count in counts.items() if not name.endswith(buffers))
    assert trainable == 24_034_625
    heads = sum(count for name, count in counts.items() if name.startswith("final_layers."))
    assert (trainable - heads, heads) == (23_508_032, 526_593)
    averages = ("running_mean", "running_var")
    assert sum(count for name, count in counts.items() if name.endswith(averages)) == 53_120
    assert sum(name.endswith("num_batches_tracked") for name in shapes) == 53
    assert sum(len(shape) == 4 for shape in shapes.values()) == 53 + 7
    assert shapes["backbone.layer3.0.downsample.0.weight"] == (1024, 512, 1, 1)
    assert shapes["final_layers.4.weight"] == (27, 2048, 1, 1)


def test_pytorch_missing_is_explained(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "epoch_20.pth").write_bytes(b"")
    with pytest.raises(ImportError, match=r"pip install torch"):
        deep3d_pytorch.read_pytorch_checkpoint(tmp_path / "epoch_20.pth")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def network(torch):
    return made_up_deep3d.torch_network()


@pytest.fixture
def checkpoint(network):
    """Content of a training checkpoint."""
    state = dict(network.state_dict())
    return {"net_recon": state, "opt_00": {"state": {}, "param_groups": []}, "sched_00": {}}


def test_pytorch_checkpoint_parity(torch, network, checkpoint, tmp_path):
    torch.save(checkpoint, tmp_path / "epoch_20.pth")
    r_net, report = deep3d_weights.convert_deep3d_weights(tmp_path / "epoch_20.pth")
    rng = np.random.default_rng(5)
    images = rng.random((2, 14, 14, 3)).repeat(16, axis=1).repeat(16, axis=2).astype(np.float32)
    with torch.no_grad():
        features, coefficients = network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    scale = float(coefficients.abs().max())
    assert float((coefficients[0] - coefficients[1]).abs().max()) > 0.01 * scale
    np.testing.assert_allclose(r_net(images), coefficients, rtol=0, atol=1e-4 * scale)
    scale = float(features.abs().max())
    np.testing.assert_allclose(r_net.features(images)["deep"], features, rtol=0, atol=1e-4 * scale)
    assert report.coefficient_difference <= 1e-4 * report.coefficient_scale
    assert (report.format, r_net.backbone_variant) == ("pytorch", "deep3d_pytorch")
    assert (r_net.face_model, r_net.half_pixel_offset) == ("bfm09", True)


def test_pytorch_state_dict_alone(torch, network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "net.pth")
    weights, _ = deep3d_pytorch.read_pytorch_checkpoint(tmp_path / "net.pth")
    expected = network.final_layers[6].bias.detach().numpy()
    np.testing.assert_array_equal(weights.head_bias[256:], expected)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda s: s.pop("backbone.bn1.bias"),
            "has no weight 'backbone.bn1.bias', .* Its first weight is 'backbone.conv1.weight'",
        ),
        (
            lambda s: s.update({"final_layers.0.weight": s["final_layers.1.weight"]}),
            r"'final_layers.0.weight' of net.pth must have shape \[80, .*Received: \[64, 2048",
        ),
        (
            lambda s: s.update({"backbone.fc.weight": s["final_layers.0.bias"]}),
            "has a weight 'backbone.fc.weight' that the network does not have",
        ),
        (lambda s: s.update({"final_layers.0.bias": 3.0}), "must be a dense tensor.*float"),
        (
            lambda s: s.update({"final_layers.0.bias": s["final_layers.0.bias"].to("meta")}),
            "'final_layers.0.bias' of net.pth must be a dense tensor",
        ),
        (
            lambda s: s.update({"final_layers.0.bias": s["final_layers.0.bias"] * 1j}),
            "'final_layers.0.bias' of net.pth must hold floats. Received: torch.complex64",
        ),
        (
            lambda s: s.update({"final_layers.6.bias": s["final_layers.6.bias"] * float("nan")}),
            "'final_layers.6.bias' of net.pth has values that are not finite",
        ),
    ],
)
def test_pytorch_checkpoint_of_another_network_refused(
    torch, checkpoint, change, message, tmp_path
):
    change(checkpoint["net_recon"])
    torch.save(checkpoint, tmp_path / "net.pth")
    with pytest.raises(ValueError, match=message):
        deep3d_pytorch.read_pytorch_checkpoint(tmp_path / "net.pth")


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, target: pathlib.Path):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


@pytest.mark.parametrize("kind", ["zip", "legacy", "bare pickle"])
def test_pytorch_hostile_pickle_is_not_executed(torch, kind, checkpoint, tmp_path):
    target, path = tmp_path / "executed", tmp_path / "net.pth"
    checkpoint["sched_00"] = Bomb(target)
    if kind == "bare pickle":
        path.write_bytes(pickle.dumps(Bomb(target)))
    else:
        torch.save(checkpoint, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(ValueError, match="nothing in it was executed: ") as refused:
        deep3d_pytorch.read_pytorch_checkpoint(path)
    assert not target.exists()
    # Of what it calls, without PyTorch's advice how to load the file nevertheless.
    assert re.search(r"executed: it(s pickle is damaged| refers to [\w.]+)", str(refused.value))
    assert "weights_only" not in str(refused.value) and "safe_globals" not in str(refused.value)


def test_pytorch_damaged_file_refused(torch, checkpoint, tmp_path):
    path = tmp_path / "net.pth"
    torch.save(checkpoint, path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"<html>", whole[1000:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a PyTorch checkpoint"):
            deep3d_pytorch.read_pytorch_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02cos\nsystem\nq\x00.")
    with pytest.raises(ValueError, match="is not a PyTorch checkpoint"):
        deep3d_pytorch.read_pytorch_checkpoint(path)
