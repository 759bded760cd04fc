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
