import json
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.cli import train_identity_network
from tf_facerecon.models import presets
from tf_facerecon.models.identity_network import IdentityNetwork
from tf_facerecon.models.r_net import RNet
from tf_facerecon.training import identity_config, identity_training, interruption

SETTINGS = """
run: {seed: 3, deterministic: false}
network: {embedding_size: 8, image_size: 32}
people: {num_people: 4, num_views: 2}
optimizer: {learning_rate: 1.0e-3, warmup_steps: 1}
schedule: {steps: 6, steps_per_epoch: 4}
verification: {num_people: 6, num_views: 2}
checkpoints: {every_steps: 3, every_seconds: 0}
"""


@pytest.fixture(scope="module")
def config_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("identity")
    toy_face.build_toy_face_model().save(folder / "toy.npz")
    path = folder / "identity.yaml"
    path.write_text(SETTINGS + f"face_model: {{name: '{folder / 'toy.npz'}'}}\n")
    return path


@pytest.fixture(scope="module")
def finished(config_path):
    """A finished run: configuration, folder, network, report."""
    config = identity_config.load_config(config_path)
    run_dir = config_path.parent / "run"
    return config, run_dir, *identity_training.run(config, run_dir)


def test_supervised_contrastive_loss_preset():
    embeddings = tf.constant([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    people = tf.constant([5, 5, 9, 9])
    # Each picture sees its partner at cosine 1 and two strangers at cosine 0.
    loss = identity_training.supervised_contrastive_loss(embeddings, people, temperature=1.0)
    np.testing.assert_allclose(loss, np.full(4, np.log(np.e + 2) - 1), rtol=1e-6)


def test_supervised_contrastive_loss_random(rng):
    embeddings = rng.normal(size=(9, 4))
    embeddings /= np.linalg.norm(embeddings, axis=-1, keepdims=True)
    people = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
    weights = np.exp(embeddings @ embeddings.T / 0.3)
    expected = []
    for i, person in enumerate(people):
        others = [j for j in range(9) if j != i]
        total = sum(weights[i, j] for j in others)
        shares = [np.log(weights[i, j] / total) for j in others if people[j] == person]
        expected.append(-np.mean(shares))
    loss = identity_training.supervised_contrastive_loss(
        tf.constant(embeddings), tf.constant(people), temperature=0.3
    )
    np.testing.assert_allclose(loss, expected, rtol=1e-9)


def test_supervised_contrastive_loss_jacobian(rng):
    people = tf.constant([0, 0, 1, 1, 1])
    analytic, numeric = tf.test.compute_gradient(
        lambda z: identity_training.supervised_contrastive_loss(z, people, temperature=0.5),
        [tf.constant(rng.normal(size=(5, 3)))],
        delta=1e-5,
    )
    np.testing.assert_allclose(analytic[0], numeric[0], atol=1e-7)


def test_nearest_is_same_preset():
    unit = tf.math.l2_normalize(tf.constant([[1.0, 0], [0.9, 0.1], [0, 1.0], [0.8, 0.3]]), axis=-1)
    # Only the last one's nearest, the second, is a stranger.
    same = identity_training.nearest_is_same(unit, tf.constant([0, 0, 1, 1]))
    np.testing.assert_array_equal(same, [1, 1, 1, 0])


def test_run_writes_report_and_history(finished):
    config, run_dir, network, report = finished
    assert json.loads((run_dir / "verification.json").read_text()) == report
    assert set(report["embedding"]) == set(report["raw_pixels"])
    assert report["people"] == 6 and report["steps"] == 6
    rows = (run_dir / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "4", "6"]
    assert network.embedding_size == 8


def test_run_resumed_ends_with_the_same_weights(finished, tmp_path):
    config, run_dir, network, _ = finished
    (tmp_path / "checkpoints").mkdir()
    notes = ("resolved_config.yaml", "face_model.sha256")
    for name in (*notes, "checkpoints/step_00000003.npz"):
        shutil.copy(run_dir / name, tmp_path / name)
    resumed, _ = identity_training.run(config, tmp_path)
    for variable, expected in zip(resumed.variables, network.variables, strict=True):
        # Threads of a busy machine add in another order, which Adam magnifies: 1e-5 was seen, a
        # tenth of a step is allowed. Without Adam's moments in the checkpoint it is 1e-2.
        np.testing.assert_allclose(variable, expected, atol=1e-4)
    history = [(folder / "history.csv").read_text().splitlines() for folder in (tmp_path, run_dir)]
    np.testing.assert_allclose(
        *[np.array([row.split(",") for row in rows[1:]], float) for rows in history], rtol=1e-3
    )


def test_run_refuses_folder_of_other_settings(finished):
    config, run_dir, _, _ = finished
    other = config.model_copy(
        update={"network": identity_config.IdentityNetworkSettings(image_size=48)}
    )
    with pytest.raises(ValueError, match="holds a run with other settings"):
        identity_training.run(other, run_dir)


def test_build_trainer_starts_from_an_r_net(config_path, tmp_path):
    r_net = RNet("small")
    r_net.backbone.set_weights([w + 0.01 for w in r_net.backbone.get_weights()])
    r_net.save(tmp_path / "r_net.keras")
    override = f"network.initial_r_net={tmp_path / 'r_net.keras'}"
    config = identity_config.load_config(config_path, [override])
    trunk = identity_training.build_trainer(config, num_traits=3).network.trunk
    for weight, expected in zip(trunk.get_weights(), r_net.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_tool_writes_preset_and_takes_overrides(finished, config_path, tmp_path, capsys):
    arguments = ["--config", str(config_path), "--run-dir", str(tmp_path / "run")]
    arguments += ["--out", str(tmp_path / "weights"), "schedule.steps=2"]
    assert train_identity_network.main(arguments) == 0
    network = presets.load_preset(IdentityNetwork, "identity_small", tmp_path / "weights")
    assert network.image_size == 32
    assert "identity_small" in capsys.readouterr().out


def test_tool_bad_settings_exit_code(config_path, tmp_path, capsys):
    arguments = ["--config", str(config_path), "--run-dir", str(tmp_path), "people.num_vews=3"]
    assert train_identity_network.main(arguments) == interruption.EXIT_BAD_INPUT
    assert "did you mean `people.num_views`" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_shipped_config_is_valid():
    assert identity_config.load_config("configs/identity_small.yaml").network.image_size == 112


def test_loss_of_replicas_adds_up(config_path, rng, monkeypatch):
    """Keras sums the gradients of all replicas: each has its share of the loss."""
    trainer = identity_training.build_trainer(identity_config.load_config(config_path), 6)
    ignore = types.SimpleNamespace(update_state=lambda values: None)
    trainer.term_metrics = dict.fromkeys(trainer.term_metrics, ignore)
    batch = {"people": tf.constant([1, 1, 2, 2]), "traits": tf.zeros((4, 6))}
    embeddings = tf.constant(rng.normal(size=(4, 8)), tf.float32)
    whole = trainer.compute_loss(None, batch, embeddings)
    two = types.SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(identity_training.tf.distribute, "get_strategy", lambda: two)
    np.testing.assert_allclose(2 * trainer.compute_loss(None, batch, embeddings), whole, rtol=1e-6)
