"""`torchvision_resnet50` and `resnet50_layers`: files in torchvision's layout, made by PyTorch."""

import hashlib
import shutil

import keras
import numpy as np
import pytest

from tests.models.converters import made_up_deep3d
from tests.models.converters.deep3d_pytorch_test import Bomb
from tf_facerecon.models.backbones import resnet50
from tf_facerecon.models.converters import resnet50_layers, torchvision_resnet50
from tf_facerecon.models.r_net import RNet


def test_resnet50_has_its_53_convolutions():
    convolutions = list(resnet50_layers.resnet50_convolutions())
    assert len({convolution.name for convolution in convolutions}) == 53
    # Kernels, and scale and offset of each normalisation: the 23,508,032 weights of torchvision.
    total = sum(np.prod(c.shape) + 2 * c.shape[3] for c in convolutions)
    assert total == 23_508_032
    shapes = torchvision_resnet50.expected_shapes()
    assert len(shapes) == 53 * 6  # With the counters; torchvision's 320 entries without `fc`.
    assert shapes["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def network(torch):
    return made_up_deep3d.torch_network(seed=2)


@pytest.fixture(scope="module")
def state(torch, network):
    """All 320 entries of `torchvision.models.resnet50().state_dict()`."""
    backbone = {
        name.removeprefix("backbone."): value
        for name, value in network.state_dict().items()
        if name.startswith("backbone.")
    }
    return {**backbone, "fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}


def save(torch, content, folder):
    """A file with the name that torchvision would give it."""
    torch.save(content, folder / "unnamed.pth")
    sha256 = hashlib.sha256((folder / "unnamed.pth").read_bytes()).hexdigest()
    return (folder / "unnamed.pth").rename(folder / f"resnet50-{sha256[:8]}.pth"), sha256


def test_torchvision_file_parity(torch, network, state, tmp_path):
    assert len(state) == 320
    path, _ = save(torch, state, tmp_path)
    r_net = RNet(backbone_variant="deep3d_pytorch", backbone_weights=str(path))
    rng = np.random.default_rng(5)
    images = rng.random((1, 14, 14, 3)).repeat(16, axis=1).repeat(16, axis=2).astype(np.float32)
    with torch.no_grad():
        features, _ = network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    found = r_net.features(images)["deep"]
    scale = float(features.abs().max())
    np.testing.assert_allclose(found, features, rtol=0, atol=1e-4 * scale)
    np.testing.assert_array_equal(r_net(images), np.zeros((1, 257)))  # The heads start at zero.


def test_torchvision_file_without_counters(torch, state, tmp_path):
    """As saved before PyTorch 0.4.1."""
    early = {name: value for name, value in state.items() if "num_batches" not in name}
    path, _ = save(torch, early, tmp_path)
    convolutions = torchvision_resnet50.read_torchvision_weights(path)
    np.testing.assert_array_equal(convolutions["conv1"].gamma, state["bn1.weight"])


def test_torchvision_file_exception_raised(torch, state, tmp_path):
    read = torchvision_resnet50.read_torchvision_weights
    path, _ = save(torch, {**state, "conv1.weight": torch.zeros(64, 3, 3, 3)}, tmp_path)
    with pytest.raises(ValueError, match=r"'conv1.weight' .* must have shape \[64, 3, 7, 7\]"):
        read(path)
    shutil.copy(path, tmp_path / "resnet50.pth")
    with pytest.raises(ValueError, match="must have torchvision's name"):
        read(tmp_path / "resnet50.pth")
    damaged = tmp_path / "resnet50-0676ba61.pth"
    damaged.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="expected sha256 0676ba61, found"):
        read(damaged)
    with pytest.raises(FileNotFoundError, match="There is no file of ResNet-50 weights"):
        read(tmp_path / "absent-0676ba61.pth")
    path, _ = save(torch, {**state, "fc.bias": Bomb(tmp_path / "executed")}, tmp_path)
    with pytest.raises(ValueError, match="nothing in it was executed"):
        read(path)
    assert not (tmp_path / "executed").exists()


def test_imagenet_weights_come_from_the_cache_of_pytorch(torch, state, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    path, sha256 = save(torch, state, tmp_path)
    asked = []

    def download(url, target, hash_prefix):
        asked.append((url, hash_prefix))
        shutil.copy(path, target)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(ValueError, match="expected sha256 0676ba61b6795bbe1773cffd859882e5e297624"):
        torchvision_resnet50.read_torchvision_weights("imagenet")
    monkeypatch.setattr(torchvision_resnet50, "IMAGENET_SHA256", sha256)
    for _ in range(2):  # The second time it is there.
        convolutions = torchvision_resnet50.read_torchvision_weights("imagenet")
    assert convolutions["conv1"].kernel.shape == (7, 7, 3, 64)
    assert [url for url, _ in asked] == [
        "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    ]
    assert asked[0][1].startswith("0676ba61b679")


@pytest.mark.parametrize(
    "failure, expected, message",
    [
        (ConnectionResetError("gone"), FileNotFoundError, "network.backbone_weights=PATH"),
        (RuntimeError("invalid hash value"), ValueError, "is not the expected file: invalid hash"),
    ],
)
def test_imagenet_weights_without_network(torch, tmp_path, monkeypatch, failure, expected, message):
    def download(*args, **options):
        raise failure

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(expected, match=message):
        resnet50.build_resnet50_backbone(224, "imagenet", variant="deep3d_pytorch")
    assert not list((tmp_path / "hub").rglob("*.pth"))


def test_set_convolutions_by_name(rng):
    backbone = resnet50.build_resnet50_backbone(64, variant="deep3d_pytorch")
    network = next(layer for layer in backbone.layers if isinstance(layer, keras.Model))
    convolutions = {
        c.name: resnet50_layers.NormalizedConvolution(
            np.float32(rng.random(c.shape)), *np.float32(rng.random((5, c.shape[3])))
        )
        for c in resnet50_layers.resnet50_convolutions()
    }
    resnet50_layers.set_convolutions(network, convolutions)
    layer = network.get_layer("conv4_block1_0_conv")
    np.testing.assert_array_equal(layer.kernel, convolutions["conv4_block1_0"].kernel)
    norm = network.get_layer("conv5_block3_2_bn")
    np.testing.assert_array_equal(norm.moving_variance, convolutions["conv5_block3_2"].variance)
