import dataclasses

import numpy as np
import pytest

from tests import toy_face
from tf_facerecon.models.backbones import small
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.training import network_builders

LAYOUT = CoefficientLayout(identity=6, expression=4, texture=5)


@pytest.fixture(scope="module")
def face_model():
    return toy_face.build_toy_face_model()


@pytest.fixture(autouse=True)
def narrow_network(monkeypatch):
    monkeypatch.setattr(small, "STAGES", (8, 8, 8))


def test_build_r_net_remembers_its_face_model(face_model):
    r_net = network_builders.build_r_net(LAYOUT, face_model, "small")
    assert r_net.face_model == "toy"
    assert r_net.face_model_fingerprint == face_model.fingerprint
    assert r_net(np.zeros((1, 224, 224, 3), "float32")).shape == (1, LAYOUT.total)


def test_build_r_net_copies_initial_weights(face_model, tmp_path):
    source = network_builders.build_r_net(LAYOUT, face_model, "small")
    source.save(tmp_path / "start.keras")
    r_net = network_builders.build_r_net(
        LAYOUT, face_model, "small", initial_weights=str(tmp_path / "start.keras")
    )
    for a, b in zip(source.get_weights(), r_net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_build_r_net_of_another_face_exception_raised(face_model, tmp_path):
    network_builders.build_r_net(LAYOUT, face_model, "small").save(tmp_path / "start.keras")
    other = dataclasses.replace(face_model, name="other", mean_shape=face_model.mean_shape + 0.1)
    with pytest.raises(ValueError, match="another version .*'toy'.* not those of 'other'"):
        network_builders.build_r_net(
            LAYOUT, other, "small", initial_weights=str(tmp_path / "start.keras")
        )


def test_build_r_net_takes_the_scales_of_its_start(face_model, tmp_path):
    sizes = {**LAYOUT.sizes, "face_model": "toy", "face_model_fingerprint": face_model.fingerprint}
    source = RNet("small", **sizes, head_scales={})
    source.save(tmp_path / "start.keras")
    start = str(tmp_path / "start.keras")
    r_net = network_builders.build_r_net(LAYOUT, face_model, "small", initial_weights=start)
    assert r_net.heads.scales == source.heads.scales


def test_build_r_net_of_other_coefficients_exception_raised(face_model, tmp_path):
    network_builders.build_r_net(LAYOUT, face_model, "small").save(tmp_path / "start.keras")
    white = dataclasses.replace(LAYOUT, lighting=9)
    start = str(tmp_path / "start.keras")
    with pytest.raises(ValueError, match=r"start\.keras' answer other coefficients"):
        network_builders.build_r_net(white, face_model, "small", initial_weights=start)


def test_build_r_net_starts_from_a_network_without_fingerprint(face_model, tmp_path):
    """Converted networks have the name of their face model only."""
    start = str(tmp_path / "start.keras")
    for name, message in (("toy", None), ("bfm09", "another face model")):
        RNet("small", **LAYOUT.sizes, face_model=name).save(start)
        arguments = (LAYOUT, face_model, "small", None, start)
        if message is None:
            r_net = network_builders.build_r_net(*arguments)
            assert r_net.face_model_fingerprint == face_model.fingerprint
        else:
            with pytest.raises(ValueError, match=message):
                network_builders.build_r_net(*arguments)


def test_build_r_net_of_a_variant(face_model, monkeypatch):
    calls = []
    monkeypatch.setattr(
        network_builders.RNet, "for_face_model", lambda *_, **options: calls.append(options)
    )
    network_builders.build_r_net(LAYOUT, face_model, "resnet50", backbone_variant="deep3d_pytorch")
    network_builders.build_r_net(LAYOUT, face_model, "resnet50")
    assert [call["backbone_variant"] for call in calls] == ["deep3d_pytorch", "imagenet"]


def test_build_r_net_of_another_variant_exception_raised(face_model, tmp_path):
    network_builders.build_r_net(LAYOUT, face_model, "small").save(tmp_path / "start.keras")
    with pytest.raises(ValueError, match="are of the variant 'imagenet'. Expected: 'deep3d_py"):
        network_builders.build_r_net(
            LAYOUT,
            face_model,
            "small",
            backbone_variant="deep3d_pytorch",
            initial_weights=str(tmp_path / "start.keras"),
        )
