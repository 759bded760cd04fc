"""The ablation of losses: what is switched off, what is reported, in which order."""

import json
import types

import numpy as np
import pytest

from benchmarks import loss_ablation
from tf_facerecon.training import config as run_config

VERTICES = {"photometric": 3.0, "photometric + landmark": 2.5, "hybrid": 2.0}


def measured(losses):
    people = np.linspace(0.9, 1.1, 8)
    return {
        loss: [
            {"vertices": {"mean_face": 4 * people, "single": (value + shift) * people}}
            for shift in (-0.1, 0.1)
        ]
        for loss, value in losses.items()
    }


def test_config_has_every_term_that_is_switched_off():
    config = run_config.load_config(loss_ablation.ROOT / "configs" / "loss_ablation.yaml")
    for switched_off in loss_ablation.LOSSES.values():
        for term in switched_off:
            assert getattr(config.loss_weights, term) > 0
    assert not config.loss_weights.ground_truth_terms()


def test_train_switches_terms_off(tmp_path, monkeypatch):
    from tf_facerecon.training import r_net_training

    seen = {}

    def run(config, run_dir):
        seen[run_dir.name] = config
        return types.SimpleNamespace(network_path=run_dir / "r_net.keras")

    monkeypatch.setattr(r_net_training, "run", run)
    options = loss_ablation.parse_arguments(
        ["--out", str(tmp_path), "--count", "5", "schedule.steps=200"]
    )
    for loss in loss_ablation.LOSSES:
        path = loss_ablation.train(options, loss, 3)
        assert path.parent.parent == tmp_path
    config = seen["photometric_landmark_3"]
    assert (config.loss_weights.landmark, config.loss_weights.perceptual) == (1.6e-3, 0.0)
    assert (config.run.seed, config.schedule.steps) == (3, 200)
    assert seen["hybrid_3"].loss_weights.perceptual == 0.2
    assert seen["photometric_3"].loss_weights.landmark == 0.0
    assert len(seen) == 4


def test_collect_and_report(tmp_path):
    errors = loss_ablation.collect(measured(VERTICES))
    assert list(errors["vertices"]) == ["mean face", *VERTICES]
    assert errors["vertices"]["hybrid"].mean() == pytest.approx(2.0)
    options = loss_ablation.parse_arguments(["--out", str(tmp_path)])
    text = loss_ablation.write_report(errors, options)
    assert "hybrid loss is best" in text and "| mean face | 4.00" in text
    data = json.loads((tmp_path / "losses.json").read_text(encoding="utf-8"))
    assert data["mean face_mm"] == pytest.approx(4.0) and data["hybrid_mm"] == pytest.approx(2.0)
    assert (tmp_path / "losses.md").read_text(encoding="utf-8") == text


def test_verdict_says_where_the_order_is_another():
    errors = loss_ablation.collect(measured({**VERTICES, "hybrid": 3.1}))
    verdict = loss_ablation.verdict(errors["vertices"])
    assert "photometric + landmark is best" in verdict and "1.240 times" in verdict
    assert "beyond the spread over people" in verdict


def test_arguments_exception_raised(capsys):
    with pytest.raises(SystemExit):
        loss_ablation.parse_arguments(["--out", "x", "--count", "1"])
    assert "expected --count" in capsys.readouterr().err
