"""The configurations of the paper and of the two Deep3D repositories.

They are read, and run for a few steps on made-up photographs.
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tests.datasets import made_up_deep3d_data
from tests.datasets.made_up_photos import FACE, landmarks_of, write_photos
from tests.toy_face import build_toy_face_model
from tf_facerecon.losses.hybrid import PAPER_LOSS_WEIGHTS
from tf_facerecon.models.backbones import small
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.r_net import RNet
from tf_facerecon.training import (
    c_net_config,
    c_net_training,
    config,
    learning_rate,
    r_net_training,
)

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
# The network of the tests in place of ResNet-50.
SMALL = (
    "network.backbone=small",
    "network.backbone_weights=null",
    "network.backbone_variant=null",
    "logging.panel_epochs=0",
)
PEOPLE = ("anna", "ben")
# The paper's networks are too large for a test, and their weights come from elsewhere.
SHORT = (
    "face_model.name=toy",
    "run.deterministic=false",
    "data.batch_size=2",
    "schedule.steps=3",
    "schedule.steps_per_epoch=3",
    "logging.progress=false",
)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Two people, three photographs of each, with 68 landmarks, and a face model."""
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    monkeypatch.setattr(small, "STAGES", (8, 8, 8))
    build_toy_face_model().save(tmp_path / "face_models" / "toy.npz")
    for module in (r_net_training, c_net_training):
        monkeypatch.setattr(
            module,
            "load_identity_network",
            lambda *_: lambda images, training: tf.reduce_mean(images, axis=(1, 2)),
        )
    for person in PEOPLE:
        folder = tmp_path / "photos" / person
        for kind, points in (("landmarks", landmarks_of(FACE)), ("detections", FACE)):
            (folder / kind).mkdir(parents=True)
            for i in range(3):
                np.savetxt(folder / kind / f"{i}.txt", points)
        write_photos(folder, [f"{i}.png" for i in range(3)])
    return tmp_path / "photos"


def paper_weights(has_terms):
    return {name: weight for name, weight in has_terms.model_dump().items() if weight}


def test_paper_is_the_published_schedule():
    settings = config.load_config(CONFIGS / "paper.yaml")
    assert (settings.data.batch_size, settings.schedule.steps) == (5, 500_000)
    assert (settings.optimizer.learning_rate, settings.optimizer.decay) == (1e-4, "constant")
    assert settings.optimizer.clip_norm is None and not settings.data.augment
    assert (settings.network.backbone, settings.network.backbone_weights) == (
        "resnet50",
        "imagenet",
    )
    assert settings.network.num_lighting == 9  # White light, hence no `white_light`.
    weights = paper_weights(settings.loss_weights)
    assert weights.pop("five_point") > 0  # Only of photographs without 68 landmarks.
    assert weights == {k: v for k, v in PAPER_LOSS_WEIGHTS.items() if k != "white_light"}


@pytest.mark.parametrize(
    ("name", "batch_size", "steps", "decay_steps", "variant", "augment"),
    [
        ("deep3d_tf1", 16, 200_000, 100_000, "deep3d_tensorflow", False),
        # 300,000 photographs: 20 epochs, a fifth of the learning rate after 10.
        ("deep3d_pytorch", 32, 187_500, 93_750, "deep3d_pytorch", True),
    ],
)
def test_deep3d_configs_are_the_published_code(
    name, batch_size, steps, decay_steps, variant, augment
):
    settings = config.load_config(CONFIGS / f"{name}.yaml")
    assert paper_weights(settings.loss_weights) == PAPER_LOSS_WEIGHTS
    assert settings.photometric.definition == "deep3d"
    assert (settings.network.backbone, settings.network.backbone_variant) == ("resnet50", variant)
    assert settings.network.num_lighting == 27
    assert settings.network.backbone_weights == "imagenet"
    assert (settings.data.batch_size, settings.schedule.steps) == (batch_size, steps)
    assert getattr(settings.data, "augment", False) is augment
    assert not getattr(settings.data, "reference_quirks", False)
    optimizer = settings.optimizer
    assert optimizer.clip_norm is None and optimizer.warmup_steps == 0
    rate = learning_rate.build_schedule(
        optimizer.learning_rate,
        optimizer.decay,
        steps,
        decay_steps=optimizer.decay_steps,
        decay_factor=optimizer.decay_factor,
    )
    for step, expected in ((0, 1e-4), (decay_steps - 1, 1e-4), (decay_steps, 2e-5)):
        np.testing.assert_allclose(rate(step), expected, rtol=1e-6)
    np.testing.assert_allclose(rate(steps - 1), 2e-5, rtol=1e-6)


def test_c_net_paper_is_the_published_schedule():
    settings = c_net_config.load_config(CONFIGS / "c_net_paper.yaml")
    assert (settings.data.batch_size, settings.data.set_size) == (5, 5)
    assert (settings.optimizer.learning_rate, settings.optimizer.decay) == (2e-5, "constant")
    assert settings.schedule.steps == 10_000 and not settings.network.train_r_net
    r_net_settings = config.load_config(CONFIGS / "paper.yaml")
    assert settings.loss_weights == r_net_settings.loss_weights


@pytest.mark.parametrize("name", ["deep3d_tf1", "deep3d_pytorch"])
def test_deep3d_configs_train_on_their_layouts(photos, tmp_path, monkeypatch, name):
    models = []
    build_model = r_net_training.build_model
    monkeypatch.setattr(
        r_net_training,
        "build_model",
        lambda settings: models.append(build_model(settings)) or models[0],
    )
    folder = tmp_path / "data"
    overrides = [*SHORT, f"data.folder={folder}", *SMALL]
    if name == "deep3d_tf1":
        made_up_deep3d_data.write_tensorflow_data(folder)
        # Rendering is the same in both.
        overrides += ["loss_weights.photometric=0", "loss_weights.perceptual=0"]
    else:
        made_up_deep3d_data.write_pytorch_data(folder)
        made_up_deep3d_data.write_pytorch_data(folder, split="val")
        overrides += ["schedule.validation_batches=1", "data.reference_quirks=true"]
    settings = config.load_config(CONFIGS / f"{name}.yaml", overrides)
    result = r_net_training.run(settings, tmp_path / "run")
    assert result.steps == 3 and result.metrics["landmark"] > 0
    assert all(np.isfinite(value) for value in result.metrics.values())
    assert models[0].photometric_definition == "deep3d"
    decoder = models[0].decoder
    has_quirks = name == "deep3d_pytorch"
    assert decoder.misnumbered_region == decoder.camera.half_pixel_offset == has_quirks
    # The network is decoded as it was trained.
    assert RNet.from_preset(result.network_path).half_pixel_offset == has_quirks


def test_paper_configs_train_on_photographs(photos, tmp_path):
    r_net_settings = config.load_config(
        CONFIGS / "paper.yaml",
        [
            *SHORT,
            *SMALL,
            f"data.folder={photos}",
        ],
    )
    result = r_net_training.run(r_net_settings, tmp_path / "r_net")
    assert result.steps == 3
    assert {"loss", *paper_weights(r_net_settings.loss_weights)} == result.metrics.keys()
    assert all(np.isfinite(value) for value in result.metrics.values())
    assert result.metrics["landmark"] > 0 and result.metrics["five_point"] == 0
    assert RNet.from_preset(result.network_path).heads.layout.lighting == 9

    c_net_settings = c_net_config.load_config(
        CONFIGS / "c_net_paper.yaml",
        [
            *SHORT,
            f"data.folder={photos}",
            "data.set_size=3",
            "network.preset=small",
            f"network.r_net={result.network_path}",
        ],
    )
    trained = c_net_training.run(c_net_settings, tmp_path / "c_net")
    assert trained.steps == 3
    assert result.metrics.keys() == trained.metrics.keys()
    assert all(np.isfinite(value) for value in trained.metrics.values())
    logits = CNet.from_preset(trained.network_path).trunk.get_layer("logits")
    assert np.abs(logits.kernel).max() > 0
