"""The configuration of the face models that need files, run with made-up models of their names."""

import dataclasses
import pathlib

import numpy as np
import pytest

from tests.toy_face import build_toy_face_model
from tf_facerecon.models.backbones import small
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.training import r_net_training
from tf_facerecon.training.config import load_config

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
SHORT = (
    "run.deterministic=false",
    "data.batch_size=2",
    "data.pool_batches=3",
    "schedule.steps=20",
    "schedule.steps_per_epoch=10",
    "schedule.validation_batches=0",
    "optimizer.warmup_steps=2",
    "logging.progress=false",
    "logging.panel_epochs=0",
)


@pytest.mark.parametrize(
    "name",
    ["ict", *(pytest.param(name, marks=pytest.mark.slow) for name in ("bfm09", "bfm17", "bfm19"))],
)
def test_config_trains_its_model(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    monkeypatch.setattr(small, "STAGES", (8, 8, 8))
    model = dataclasses.replace(build_toy_face_model(), name=name)
    if name == "ict":
        model = dataclasses.replace(model, expression_range=np.tile([0.0, 1.0], (4, 1)))
    model.save(tmp_path / "face_models" / f"{name}.npz")
    overrides = [f"face_model.name={name}"]
    if name == "ict":
        overrides.append("loss_weights.expression_mse=2.0")
    config = load_config(CONFIGS / "r_net_face_model.yaml", [*SHORT, *overrides])
    assert config.face_model.name == name
    result = r_net_training.run(config, tmp_path / "run")
    assert result.steps == 20 and np.isfinite(result.metrics["loss"])
    r_net = RNet.from_preset(tmp_path / "run" / "r_net.keras")
    assert r_net.face_model == name
    assert r_net.face_model_fingerprint == MorphableModel.from_preset(name).fingerprint
