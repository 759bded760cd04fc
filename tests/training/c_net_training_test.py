import inspect
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.datasets import synthetic_set_dataset
from tf_facerecon.models import presets
from tf_facerecon.models.backbones import small
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.training import c_net_training, network_builders
from tf_facerecon.training.c_net_config import CNetConfig
from tf_facerecon.training.checkpoints import CheckpointFolder


@pytest.fixture(scope="module", autouse=True)
def light_parts():
    """A narrow network and a stream without rendering: what is tested here is the road."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "STAGES", (8, 8, 8))
        patch.setattr(c_net_training, "build_synthetic_set_dataset", plain_sets)
        yield


def plain_sets(decoder, batch_size, set_size, *, seed, first_batch=0, num_batches=None, **unused):
    """Noise for pictures, random people for truth; batch i depends on `(seed, i)` only."""
    inspect.signature(synthetic_set_dataset.build_synthetic_set_dataset).bind(
        decoder, batch_size, set_size, seed=seed, first_batch=first_batch, **unused
    )
    total = decoder.layout.total

    def make_batch(number):
        pair = tf.stack([tf.constant(seed, tf.int64), number])
        coefficients = 0.1 * tf.random.stateless_normal((batch_size * set_size, total), pair)
        landmarks = decoder(coefficients, render=False)["landmarks"]
        shape = (batch_size, set_size)
        return {
            "image": tf.random.stateless_uniform((*shape, 224, 224, 3), pair),
            "landmarks": tf.reshape(landmarks, (*shape, 68, 2)),
            "landmark_weights": tf.ones((*shape, 68)),
            "coefficients": tf.reshape(coefficients, (*shape, total)),
            "image_mask": tf.ones(shape),
        }

    numbers = tf.data.Dataset.counter(start=first_batch)
    return (numbers if num_batches is None else numbers.take(num_batches)).map(make_batch)


@pytest.fixture(scope="module")
def parts(tmp_path_factory, light_parts):
    """Folder with a face model and an R-Net of it that has an opinion."""
    folder = tmp_path_factory.mktemp("parts")
    face_model = toy_face.build_toy_face_model()
    face_model.save(folder / "toy.npz")
    layout = CoefficientLayout(identity=6, expression=4, texture=5)
    r_net = network_builders.build_r_net(layout, face_model, "small")
    rng = np.random.default_rng(1)
    for head in r_net.heads.heads:
        head.kernel.assign(rng.normal(0, 0.1, head.kernel.shape))
    r_net.save(folder / "r_net.keras")
    return folder


def make_config(parts, **sections):
    return CNetConfig.model_validate(
        {
            # Determinism is a switch of the whole process, hence left to processes of their own.
            "run": {"seed": 5, "deterministic": False},
            "face_model": {"name": str(parts / "toy.npz")},
            "network": {"r_net": str(parts / "r_net.keras")},
            "data": {"batch_size": 2, "set_size": 3},
            "loss_weights": {"landmark": 1.6e-3, "identity_mse": 1.0},
            "optimizer": {"learning_rate": 1e-2, "warmup_steps": 1},
            "schedule": {"steps": 5, "steps_per_epoch": 2, "validation_batches": 1},
            "checkpoints": {"every_steps": 3},
            "logging": {"progress": False},
            **sections,
        }
    )


@pytest.fixture(scope="module")
def finished(parts, tmp_path_factory):
    """A finished run: its settings, folder and result."""
    run_dir = tmp_path_factory.mktemp("runs") / "whole"
    config = make_config(parts)
    return config, run_dir, c_net_training.run(config, run_dir)


def test_run_leaves_what_it_promises(finished, parts):
    _, run_dir, result = finished
    assert result.network_path == run_dir / "c_net.keras"
    assert (result.steps, result.first_step) == (5, 0)
    assert {"loss", "landmark", "identity_mse", "val_loss"} <= result.metrics.keys()
    metrics = json.loads((run_dir / "metrics.json").read_text(encoding="utf-8"))
    assert metrics == {"steps": 5, **result.metrics}
    assert list((run_dir / "logs").iterdir())
    assert not (run_dir / "r_net.keras").exists()
    c_net = CNet.from_preset(result.network_path)
    c_net.check_r_net(RNet.from_preset(parts / "r_net.keras"))
    assert c_net.face_model == "toy"
    assert np.abs(c_net.trunk.get_layer("logits").kernel).max() > 0


def test_checkpoints_hold_the_c_net_alone(finished):
    _, run_dir, result = finished
    with np.load(CheckpointFolder(run_dir / "checkpoints").paths()[-1]) as file:
        groups = [name.split("/")[0] for name in file.files]
    assert set(groups) == {"step", "c_net", "optimizer", "metrics"}
    assert groups.count("c_net") == len(CNet.from_preset(result.network_path).variables)


def test_resumed_run_is_bit_equal(finished, tmp_path):
    config, run_dir, result = finished
    (tmp_path / "checkpoints").mkdir()
    notes = ("resolved_config.yaml", "history.csv", "r_net.sha256", "face_model.sha256")
    for name in (*notes, "checkpoints/step_00000003.npz"):
        shutil.copy(run_dir / name, tmp_path / name)
    resumed = c_net_training.run(config, tmp_path)
    assert resumed.first_step == 3
    weights = [CNet.from_preset(r.network_path).get_weights() for r in (result, resumed)]
    for whole, cut in zip(*weights, strict=True):
        np.testing.assert_array_equal(whole, cut)
    for name in ("history.csv", "metrics.json"):
        assert (tmp_path / name).read_text() == (run_dir / name).read_text()


def test_finished_run_builds_nothing(finished, monkeypatch):
    config, run_dir, result = finished
    monkeypatch.delattr(c_net_training, "build_model")
    again = c_net_training.run(config, run_dir)
    assert (again.metrics, again.seconds) == (result.metrics, 0.0)


def test_run_of_an_r_net_with_other_weights_exception_raised(finished, parts, tmp_path):
    config, run_dir, _ = finished
    before = {path.name for path in run_dir.iterdir()}
    path = parts / "r_net.keras"
    whole = path.read_bytes()
    r_net = RNet.from_preset(path)
    r_net.heads.heads[0].bias.assign_add(np.ones(r_net.heads.heads[0].bias.shape))
    r_net.save(path)
    try:
        with pytest.raises(ValueError, match="begun with another r net"):
            c_net_training.run(config, run_dir)
    finally:
        path.write_bytes(whole)
    assert {path.name for path in run_dir.iterdir()} == before


def test_fine_tuned_r_net_is_saved_with_its_c_net(parts, tmp_path):
    network = {"r_net": str(parts / "r_net.keras"), "train_r_net": True}
    schedule = {"steps": 2, "steps_per_epoch": 2}
    result = c_net_training.run(make_config(parts, network=network, schedule=schedule), tmp_path)
    before, after = (RNet.from_preset(f / "r_net.keras") for f in (parts, tmp_path))
    c_net = CNet.from_preset(result.network_path)
    c_net.check_r_net(after)
    with pytest.raises(ValueError, match="belongs to another R-Net"):
        c_net.check_r_net(before)
    with np.load(CheckpointFolder(tmp_path / "checkpoints").paths()[-1]) as file:
        assert any(name.startswith("r_net/") for name in file.files)


def test_build_model_starts_from_initial_weights(finished, parts):
    _, run_dir, result = finished
    network = {"r_net": str(parts / "r_net.keras"), "initial_weights": str(result.network_path)}
    model = c_net_training.build_model(make_config(parts, network=network))
    initial = CNet.from_preset(result.network_path)
    for a, b in zip(initial.get_weights(), model.c_net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.c_net.r_net_fingerprint == presets.weights_fingerprint(model.r_net)


def test_build_model_takes_the_jaw_of_the_configuration(parts):
    model = c_net_training.build_model(make_config(parts, landmarks={"jaw": "contour"}))
    assert model.decoder.jaw == "contour"


def test_build_model_places_landmarks_as_those_of_its_r_net(parts, tmp_path):
    r_net = RNet.from_preset(parts / "r_net.keras")
    config = {**r_net.get_config(), "half_pixel_offset": True}
    RNet.from_config(config).save(tmp_path / "converted.keras")
    network = {"r_net": str(tmp_path / "converted.keras")}
    model = c_net_training.build_model(make_config(parts, network=network))
    assert model.decoder.camera.half_pixel_offset


def test_build_model_other_face_model_exception_raised(parts, tmp_path):
    toy_face.build_toy_face_model(seed=8).save(tmp_path / "other.npz")
    config = make_config(parts, face_model={"name": str(tmp_path / "other.npz")})
    with pytest.raises(ValueError, match="is not the one that was saved with"):
        c_net_training.build_model(config)


def test_build_model_initial_weights_of_another_r_net_exception_raised(parts, tmp_path):
    CNet("small", identity=6, shallow_shape=(28, 28, 8), r_net_fingerprint="beef").save(
        tmp_path / "other.keras"
    )
    network = {
        "r_net": str(parts / "r_net.keras"),
        "initial_weights": str(tmp_path / "other.keras"),
    }
    with pytest.raises(ValueError, match="belongs to another R-Net"):
        c_net_training.build_model(make_config(parts, network=network))


def test_photographs_are_taken_as_the_configuration_says(parts, monkeypatch):
    data = {
        "kind": "photos",
        "folder": "people",
        "validation_folder": "others",
        "set_size": 4,
        "min_photos": 3,
        "bad_frames": (1, 2),
        "augment": False,
    }
    config = make_config(parts, data=data, loss_weights={"landmark": 1.0})
    signature = inspect.signature(c_net_training.build_photo_set_dataset)
    calls = []

    def note(*args, **kw):
        signature.bind(*args, **kw)
        calls.append((args, kw))

    monkeypatch.setattr(c_net_training, "build_photo_set_dataset", note)
    c_net_training.build_dataset(config, None, first_batch=4)
    c_net_training.build_validation_dataset(config, None)
    (people, training), (others, validation) = calls
    assert people == ("people", 2, 4) and others == ("others", 2, 4)
    assert (training["first_batch"], training["augmentation"]) == (4, None)
    assert (validation["num_batches"], validation["shuffle"]) == (1, False)
    assert training["min_photos"] == validation["min_photos"] == 3
    assert training["bad_frames"] == (1, 2) and "bad_frames" not in validation
