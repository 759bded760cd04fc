"""`arcface_pytorch` and `pytorch_files`; parity needs PyTorch, which is no test dependency."""

import numpy as np
import pytest

from tf_facerecon.models.backbones import iresnet50
from tf_facerecon.models.converters import arcface_pytorch


def test_arcface_layout():
    shapes = arcface_pytorch.expected_shapes(iresnet50.build_iresnet50())
    assert shapes["conv1.weight"] == (64, 3, 3, 3)
    assert shapes["layer1.0.downsample.0.weight"] == (64, 64, 1, 1)
    assert shapes["layer3.13.prelu.weight"] == (256,)
    assert shapes["fc.weight"] == (512, 25088)
    assert shapes["features.running_var"] == (512,)
    assert "layer2.1.downsample.0.weight" not in shapes


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def network(torch):
    """insightface's iresnet50 with random weights."""
    from torch import nn

    def conv(inputs, outputs, size, stride):
        return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.bn1 = nn.BatchNorm2d(inputs)
            self.conv1 = conv(inputs, outputs, 3, 1)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.prelu = nn.PReLU(outputs)
            self.conv2 = conv(outputs, outputs, 3, stride)
            self.bn3 = nn.BatchNorm2d(outputs)
            self.downsample = None
            if stride > 1:
                self.downsample = nn.Sequential(
                    conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
                )

        def forward(self, x):
            y = self.bn2(self.conv1(self.bn1(x)))
            y = self.bn3(self.conv2(self.prelu(y)))
            return y + (x if self.downsample is None else self.downsample(x))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = conv(3, 64, 3, 1), nn.BatchNorm2d(64)
            self.prelu = nn.PReLU(64)
            inputs = 64
            for stage, (width, count) in enumerate([(64, 3), (128, 4), (256, 14), (512, 3)], 1):
                blocks = [
                    Block(inputs if not b else width, width, 1 if b else 2) for b in range(count)
                ]
                setattr(self, f"layer{stage}", nn.Sequential(*blocks))
                inputs = width
            self.bn2 = nn.BatchNorm2d(512)
            self.fc = nn.Linear(512 * 49, 512)
            self.features = nn.BatchNorm1d(512)

        def forward(self, x):
            x = self.prelu(self.bn1(self.conv1(x)))
            for stage in range(1, 5):
                x = getattr(self, f"layer{stage}")(x)
            return self.features(self.fc(self.bn2(x).flatten(1)))

    torch.manual_seed(1)
    network = Network().eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d)):
                module.weight.uniform_(0.5, 1.0)
                module.bias.normal_(0, 0.1)
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, nn.PReLU):
                module.weight.uniform_(-0.2, 0.5)
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
    return network


def test_arcface_parity(torch, network, tmp_path, rng):
    torch.save(network.state_dict(), tmp_path / "backbone.pth")
    converted, report = arcface_pytorch.convert_arcface_weights(tmp_path / "backbone.pth")
    assert report.difference <= 1e-4 * report.scale
    images = rng.random((2, 14, 14, 3)).repeat(8, axis=1).repeat(8, axis=2).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(2 * images.transpose(0, 3, 1, 2).copy() - 1)).numpy()
    scale = np.abs(expected).max()
    assert np.abs(expected[0] - expected[1]).max() > 0.05 * scale
    np.testing.assert_allclose(converted(images), expected, rtol=0, atol=1e-4 * scale)


def test_arcface_that_computes_something_else_is_refused(torch, network, tmp_path, monkeypatch):
    torch.save(network.state_dict(), tmp_path / "backbone.pth")
    run = arcface_pytorch._run
    monkeypatch.setattr(arcface_pytorch, "_run", lambda arrays, images: run(arrays, 1 - images))
    with pytest.raises(ValueError, match="computes other vectors than .*backbone.pth"):
        arcface_pytorch.convert_arcface_weights(tmp_path / "backbone.pth")


def test_arcface_of_another_network_refused(torch, network, tmp_path):
    state = network.state_dict()
    del state["layer3.13.bn3.weight"]
    torch.save(state, tmp_path / "backbone.pth")
    with pytest.raises(ValueError, match="has no weight 'layer3.13.bn3.weight'"):
        arcface_pytorch.convert_arcface_weights(tmp_path / "backbone.pth")
