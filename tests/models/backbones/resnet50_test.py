import keras
import numpy as np
import pytest

from tf_facerecon.models.backbones import resnet50


def test_resnet50_first_pool_starts_at_pixel_zero():
    backbone = resnet50.build_resnet50_backbone(64)
    network = next(layer for layer in backbone.layers if isinstance(layer, keras.Model))
    pool = keras.Model(
        network.get_layer("pool1_pad").output, network.get_layer("pool1_pool").output
    )
    ramp = np.tile(np.arange(32, dtype=np.float32)[None, None, :, None], (1, 32, 1, 64))
    # Windows 0..2, 2..4, ...: maxima 2, 4, ..., 30 and 31; a window from -1 would give 1, 3, ...
    np.testing.assert_array_equal(pool(ramp)[0, 0, :, 0], [*range(2, 31, 2), 31])


@pytest.mark.parametrize("failure", [Exception("URL fetch failure"), ConnectionResetError("gone")])
def test_resnet50_without_network_says_where_to_put_the_weights(monkeypatch, failure):
    def download(*args, **kwargs):
        raise failure

    monkeypatch.setattr(keras.applications, "ResNet50", download)
    with pytest.raises(FileNotFoundError, match="network.backbone_weights=PATH") as caught:
        resnet50.build_resnet50_backbone(64, "imagenet")
    assert caught.value.__cause__ is failure and str(failure) in str(caught.value)


def test_resnet50_other_mistakes_keep_their_names(monkeypatch):
    with pytest.raises(ValueError, match="weights"):
        resnet50.build_resnet50_backbone(64, "no such file")

    def break_down(*args, **kwargs):
        raise TypeError("a mistake in the program")

    monkeypatch.setattr(keras.applications, "ResNet50", break_down)
    with pytest.raises(TypeError, match="a mistake"):
        resnet50.build_resnet50_backbone(64, "imagenet")


def activations(variant, names):
    """Inputs and outputs of layers of the network without its preprocessing."""
    backbone = resnet50.build_resnet50_backbone(64, variant=variant)
    network = next(layer for layer in backbone.layers if isinstance(layer, keras.Model))
    return backbone, [network.get_layer(name) for name in names]


def test_resnet50_variants_have_their_strides_and_statistics():
    names = ("conv3_block1_1_conv", "conv3_block1_2_conv", "conv3_block1_0_conv", "conv1_bn")
    for variant, strides, epsilon, momentum in [
        ("deep3d_tensorflow", (2, 1), 1.001e-5, 0.997),
        ("deep3d_pytorch", (1, 2), 1e-5, 0.9),
    ]:
        backbone, (first, second, shortcut, norm) = activations(variant, names)
        assert (first.strides[0], second.strides[0]) == strides
        assert shortcut.strides == (2, 2)
        assert (norm.epsilon, norm.momentum) == (epsilon, momentum)
        assert backbone.output["deep"].shape == (None, 2048)
        assert backbone.count_params() == 23_587_712


def test_resnet50_epsilon_of_its_own():
    backbone = resnet50.build_resnet50_backbone(64, variant="deep3d_tensorflow", epsilon=1e-3)
    network = next(layer for layer in backbone.layers if isinstance(layer, keras.Model))
    assert network.get_layer("conv1_bn").epsilon == 1e-3


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"variant": "resnet18"}, "`variant` must be one of"),
        ({"variant": "deep3d_pytorch", "weights": "keras.h5"}, r"torchvision \(.pth\)"),
        ({"variant": "deep3d_tensorflow", "weights": "a.pth"}, "file of the Keras application"),
    ],
)
def test_resnet50_variant_exception_raised(arguments, message):
    with pytest.raises(ValueError, match=message):
        resnet50.build_resnet50_backbone(64, **arguments)
