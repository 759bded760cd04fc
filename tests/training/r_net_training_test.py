import csv
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.models.backbones import small
from tf_facerecon.models.r_net import RNet
from tf_facerecon.photos.skin_probability import SkinModel
from tf_facerecon.training import callbacks as run_callbacks
from tf_facerecon.training import r_net_training
from tf_facerecon.training.config import TrainingConfig, load_config, save_config
from tf_facerecon.training.interruption import TrainingInterrupted
from tf_facerecon.training.run_folder import RunFolder

REPOSITORY = pathlib.Path(__file__).parents[2]


# A few steps make rounding errors of 1e-7 this large; another order of batches makes 1e-1.
ROUNDING = 5e-3


@pytest.fixture(scope="module")
def face_model_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("face_models") / "toy.npz"
    toy_face.build_toy_face_model().save(path)
    return path


@pytest.fixture(scope="module", autouse=True)
def light_parts():
    """A narrow network and a stream without rendering: what is tested here is the road."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "STAGES", (8, 8, 8))
        patch.setattr(r_net_training, "build_synthetic_dataset", plain_stream)
        yield


def plain_stream(
    decoder,
    batch_size,
    *,
    seed,
    first_batch=0,
    num_batches=None,
    distribution=None,
    pixel_step=1,
    pool_batches=None,
    lifelike=False,
):
    """Noise for pictures and random faces for truth; batch i depends on `(seed, i)` only."""
    del distribution, pixel_step, pool_batches, lifelike

    def make_batch(number):
        pair = tf.stack([tf.constant(seed, tf.int64), number])
        coefficients = tf.random.stateless_normal((batch_size, decoder.layout.total), pair) * 0.1
        return {
            "image": tf.random.stateless_uniform((batch_size, 224, 224, 3), pair),
            "landmarks": decoder(coefficients, render=False)["landmarks"],
            "landmark_weights": tf.ones((batch_size, 68)),
            "coefficients": coefficients,
        }

    numbers = tf.data.Dataset.counter(start=first_batch)
    return (numbers if num_batches is None else numbers.take(num_batches)).map(make_batch)


def test_training_faces_alone_are_lifelike(monkeypatch):
    asked = []
    monkeypatch.setattr(
        r_net_training, "build_synthetic_dataset", lambda *_, **options: asked.append(options)
    )
    smoke = pathlib.Path(__file__).parents[2] / "configs" / "smoke.yaml"
    config = load_config(smoke, ["data.lifelike=true", "data.max_yaw=70"])
    r_net_training.build_dataset(config, decoder=None)
    r_net_training.build_validation_dataset(config, decoder=None)
    assert asked[0]["lifelike"] is True and asked[0]["distribution"].max_yaw == 70
    assert not asked[1].get("lifelike", False) and "distribution" not in asked[1]


def test_renderings_are_mixed_into_photographs(monkeypatch):
    asked = []

    def photos(*arguments, **options):
        asked.append(options)
        return tf.data.Dataset.from_tensors({"image": tf.zeros((2, 4, 4, 3))})

    def renderings(*arguments, **options):
        asked.append(options)
        batch = {"image": tf.ones((3, 4, 4, 3)), "coefficients": tf.ones((3, 5))}
        return tf.data.Dataset.from_tensors(batch)

    monkeypatch.setattr(r_net_training, "build_photo_dataset", photos)
    monkeypatch.setattr(r_net_training, "build_synthetic_dataset", renderings)
    photo_config = pathlib.Path(__file__).parents[2] / "configs" / "r_net_photos.yaml"
    config = load_config(photo_config, ["renderings={max_yaw: 80}", "run.seed=3"])
    (batch,) = r_net_training.build_dataset(config, decoder=None, first_batch=7)
    np.testing.assert_array_equal(batch["has_truth"], [0, 0, 1, 1, 1])
    assert all((options["seed"], options["first_batch"]) == (3, 7) for options in asked)
    assert asked[1]["distribution"].max_yaw == 80
    (batch,) = r_net_training.build_validation_dataset(config, decoder=None)
    assert batch["image"].shape[0] == 5
    assert asked[3]["seed"] == 3 + r_net_training.VALIDATION_SEED_OFFSET


@pytest.fixture
def settings(face_model_path):
    return plain_settings(face_model_path)


def plain_settings(face_model_path):
    return {
        # Determinism is a switch of the whole process, hence left to processes of their own.
        "run": {"seed": 5, "deterministic": False},
        "face_model": {"name": str(face_model_path)},
        "data": {"batch_size": 2},
        "loss_weights": {"landmark": 1.6e-3, "vertices": 0.01},
        "optimizer": {"learning_rate": 1e-3, "warmup_steps": 2, "clip_norm": 5.0},
        "schedule": {"steps": 7, "steps_per_epoch": 3},
        "checkpoints": {"every_steps": 2},
        "logging": {"progress": False, "panel_epochs": 0},
    }


@pytest.fixture(scope="module")
def uncut_run(tmp_path_factory, face_model_path, light_parts):
    run_dir = tmp_path_factory.mktemp("uncut")
    config = TrainingConfig.model_validate(plain_settings(face_model_path))
    return run_dir, r_net_training.run(config, run_dir)


def weights_of(run_dir):
    return RNet.from_preset(run_dir / "r_net.keras").get_weights()


def assert_same_run(first, second, tolerance=0.0):
    """The same network, optimizer state, averages and notes, up to `tolerance`.

    Without the determinism switch, which is one of whole processes, sums over a picture's points
    have no fixed order; runs then agree up to rounding. With it, to the last bit.
    """
    for run_dir in (first, second):
        assert (run_dir / "r_net.keras").is_file()
    newest = [sorted((run_dir / "checkpoints").iterdir())[-1] for run_dir in (first, second)]
    assert newest[0].name == newest[1].name
    with np.load(newest[0]) as a, np.load(newest[1]) as b:
        assert a.files == b.files
        for name in a.files:
            np.testing.assert_allclose(a[name], b[name], tolerance, tolerance, err_msg=name)
    texts = [
        (run_dir / "history.csv").read_text(encoding="utf-8").splitlines()
        for run_dir in (first, second)
    ]
    assert texts[0][0] == texts[1][0]
    rows = [np.array([row.split(",") for row in text[1:]], float) for text in texts]
    np.testing.assert_allclose(*rows, tolerance, tolerance)
    metrics = [json.loads((run_dir / "metrics.json").read_text()) for run_dir in (first, second)]
    assert metrics[0] == pytest.approx(metrics[1], rel=tolerance, abs=tolerance)


def test_run_leaves_what_it_promises(uncut_run):
    run_dir, result = uncut_run
    assert (result.steps, result.first_step) == (7, 0)
    assert result.metrics.keys() == {"loss", "landmark", "vertices"}
    assert json.loads((run_dir / "metrics.json").read_text(encoding="utf-8")) == {
        "steps": 7,
        **result.metrics,
    }
    with open(run_dir / "history.csv", newline="", encoding="utf-8") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["3", "6", "7"]
    assert sorted(path.name for path in (run_dir / "checkpoints").iterdir()) == [
        "step_00000006.npz",
        "step_00000007.npz",
    ]
    assert list((run_dir / "logs").iterdir())
    r_net = RNet.from_preset(result.network_path)
    assert r_net.face_model == "toy"
    assert r_net.face_model_fingerprint == toy_face.build_toy_face_model().fingerprint


def test_checkpoints_hold_neither_basis_nor_more_than_the_network(uncut_run):
    run_dir, _ = uncut_run
    r_net = RNet.from_preset(run_dir / "r_net.keras")
    with np.load(run_dir / "checkpoints" / "step_00000007.npz") as file:
        groups = [name.split("/")[0] for name in file.files]
    assert set(groups) == {"step", "r_net", "optimizer", "metrics"}
    assert groups.count("r_net") == len(r_net.variables)


def test_cut_and_resumed_run_ends_alike(uncut_run, settings, tmp_path, monkeypatch):
    class PowerCut(Exception):
        """What a test uses in place of SIGKILL."""

    def cut(callback, batch, logs=None):
        if callback.step > 5:
            raise PowerCut

    config = TrainingConfig.model_validate(settings)
    with monkeypatch.context() as patch:
        patch.setattr(run_callbacks.StopOnNonFinite, "on_train_batch_end", cut)
        with pytest.raises(PowerCut):
            r_net_training.run(config, tmp_path)
    result = r_net_training.run(config, tmp_path)
    # Checkpoints stand at even steps: within the second epoch, whose metrics are in them.
    assert result.first_step == 4
    assert_same_run(uncut_run[0], tmp_path, tolerance=ROUNDING)


def test_interrupted_run_saves_and_goes_on(uncut_run, settings, tmp_path, monkeypatch):
    def interrupt(callback, batch, logs=None):
        if callback.step == 3:
            signal.raise_signal(signal.SIGTERM)

    handler = signal.getsignal(signal.SIGTERM)
    config = TrainingConfig.model_validate(settings)
    with monkeypatch.context() as patch:
        patch.setattr(run_callbacks.StopOnNonFinite, "on_train_batch_end", interrupt)
        with pytest.raises(TrainingInterrupted, match="SIGTERM after step 3") as error:
            r_net_training.run(config, tmp_path)
    assert error.value.signal_number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is handler
    assert r_net_training.run(config, tmp_path).first_step == 3
    assert_same_run(uncut_run[0], tmp_path, tolerance=ROUNDING)


def test_finished_run_has_nothing_left_to_do(uncut_run, settings):
    run_dir, result = uncut_run
    before = weights_of(run_dir)
    again = r_net_training.run(TrainingConfig.model_validate(settings), run_dir)
    assert (again.first_step, again.metrics) == (7, result.metrics)
    for a, b in zip(before, weights_of(run_dir), strict=True):
        np.testing.assert_array_equal(a, b)


def test_run_other_settings_exception_raised(uncut_run, settings):
    settings["optimizer"]["learning_rate"] = 0.5
    with pytest.raises(ValueError, match=r"optimizer.learning_rate: 0.001 there, 0.5 now"):
        r_net_training.run(TrainingConfig.model_validate(settings), uncut_run[0])


def test_run_after_a_start_that_failed_takes_other_settings(settings, tmp_path):
    settings["network"] = {"initial_weights": str(tmp_path / "absent.keras")}
    with pytest.raises(FileNotFoundError, match="absent"):
        r_net_training.run(TrainingConfig.model_validate(settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    mended = TrainingConfig.model_validate(plain_settings(settings["face_model"]["name"]))
    RunFolder(tmp_path / "run", "r_net.keras").claim(mended)
    assert load_config(tmp_path / "run" / "resolved_config.yaml") == mended


def test_finished_run_builds_nothing(uncut_run, settings, monkeypatch):
    monkeypatch.delattr(r_net_training, "build_model")
    config = TrainingConfig.model_validate(settings)
    again = r_net_training.run(config, uncut_run[0])
    assert (again.network_path, again.steps, again.seconds) == (uncut_run[1].network_path, 7, 0.0)


def test_photographs_are_prepared_as_the_configuration_says(settings, tmp_path, monkeypatch):
    published = SkinModel.default()
    SkinModel(published.skin, published.other, prior=0.5).save(tmp_path / "skin.npz")
    settings["data"] = {
        "kind": "photos",
        "folder": "photos",
        "validation_folder": "others",
        "prepared_folder": "photos_ready",
        "validation_prepared_folder": "others_ready",
        "skin_model": str(tmp_path / "skin.npz"),
        "landmarks_y_up": True,
    }
    settings["loss_weights"] = {"landmark": 1.0}
    settings["schedule"]["validation_batches"] = 3
    config = TrainingConfig.model_validate(settings)
    calls = []
    monkeypatch.setattr(
        r_net_training,
        "build_photo_dataset",
        lambda *args, **options: calls.append((args, options)),
    )
    r_net_training.build_dataset(config, decoder=None, first_batch=4)
    r_net_training.build_validation_dataset(config, decoder=None)
    (photos, training), (others, validation) = calls
    assert (photos[0], training["prepared_folder"]) == ("photos", "photos_ready")
    assert (others[0], validation["prepared_folder"]) == ("others", "others_ready")
    assert (training["first_batch"], validation["num_batches"]) == (4, 3)
    for options in (training, validation):
        assert options["skin_model"].prior == 0.5
        assert options["landmarks_y_up"]


def test_run_no_resume_exception_raised(uncut_run, settings):
    with pytest.raises(FileExistsError, match="already holds a run"):
        r_net_training.run(TrainingConfig.model_validate(settings), uncut_run[0], resume=False)


def test_run_starts_from_initial_weights(uncut_run, settings):
    settings["network"] = {"initial_weights": str(uncut_run[0] / "r_net.keras")}
    model = r_net_training.build_model(TrainingConfig.model_validate(settings))
    for a, b in zip(weights_of(uncut_run[0]), model.r_net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_run_is_bound_to_the_content_of_initial_weights(uncut_run, settings, tmp_path):
    shutil.copy(uncut_run[0] / "r_net.keras", tmp_path / "initial.keras")
    settings["network"] = {"initial_weights": str(tmp_path / "initial.keras")}
    config, folder = TrainingConfig.model_validate(settings), RunFolder(tmp_path / "run", "r.keras")
    folder.claim(config)
    shutil.copy(uncut_run[0] / "face_model.sha256", folder.path)
    folder.bind("initial_weights", "f00d")
    folder.checkpoints.folder.mkdir()
    (folder.checkpoints.folder / "step_00000001.npz").touch()
    with pytest.raises(ValueError, match="begun with another initial weights"):
        r_net_training.run(config, folder.path)


@pytest.mark.parametrize("backend", ["native", "tensorflow_graphics"])
def test_renderer_backend_of_the_configuration_is_the_decoder_s(settings, backend):
    if backend == "tensorflow_graphics":
        pytest.importorskip("tensorflow_graphics.rendering.barycentrics")
    settings["renderer"] = {"backend": backend}
    config = TrainingConfig.model_validate(settings)
    assert r_net_training.build_model(config).decoder.renderer.backend == backend


@pytest.mark.parametrize("jaw", ["fixed", "contour"])
def test_jaw_of_the_configuration_is_the_decoder_s(settings, jaw):
    settings["landmarks"] = {"jaw": jaw}
    config = TrainingConfig.model_validate(settings)
    assert r_net_training.build_model(config).decoder.jaw == jaw


def test_unknown_renderer_backend_exception_raised(settings):
    settings["renderer"] = {"backend": "opengl"}
    with pytest.raises(ValueError, match="tensorflow_graphics"):
        TrainingConfig.model_validate(settings)


def test_run_with_validation_pictures_and_schedule(settings, tmp_path):
    settings["schedule"] = {"steps": 2, "steps_per_epoch": 2, "validation_batches": 1}
    settings["optimizer"]["warmup_steps"] = 1
    settings["logging"] = {"progress": False, "panel_epochs": 1, "panel_faces": 2}
    result = r_net_training.run(TrainingConfig.model_validate(settings), tmp_path)
    assert {"val_loss", "val_landmark", "val_vertices"} <= result.metrics.keys()
    panel = keras.utils.img_to_array(keras.utils.load_img(tmp_path / "panels/step_00000002.png"))
    assert panel.shape == (2 * 224, 3 * 224, 3)


def test_loss_that_is_not_finite_stops_the_run(settings, tmp_path):
    settings["optimizer"] = {"learning_rate": 1e30, "decay": "constant"}
    with pytest.raises(FloatingPointError, match="[Nn]ot finite"):
        r_net_training.run(TrainingConfig.model_validate(settings), tmp_path)
    assert not (tmp_path / "r_net.keras").exists()


def train_as_a_process(config_path, run_dir, dies_while_saving):
    """What the processes of the test below do; the step is that of a checkpoint."""

    def write_half(path, **arrays):
        if int(arrays["step"]) == dies_while_saving:
            pathlib.Path(path).write_bytes(b"PK half of a checkpoint")
            os.kill(os.getpid(), signal.SIGKILL)
        savez(path, **arrays)

    savez, np.savez = np.savez, write_half
    small.STAGES = (8, 8, 8)
    r_net_training.build_synthetic_dataset = plain_stream
    r_net_training.run(load_config(config_path), run_dir)


def test_process_killed_while_saving_resumes(uncut_run, settings, tmp_path):
    path, run_dir = tmp_path / "config.yaml", tmp_path / "run"
    save_config(TrainingConfig.model_validate(settings), path)

    def train(dies_while_saving):
        code = "import sys; from tests.training import r_net_training_test as test; "
        code += "test.train_as_a_process(sys.argv[1], sys.argv[2], int(sys.argv[3]))"
        command = [sys.executable, "-c", code, path, run_dir, str(dies_while_saving)]
        return subprocess.run(command, cwd=REPOSITORY, check=False).returncode

    assert train(dies_while_saving=4) == -signal.SIGKILL
    checkpoints = run_dir / "checkpoints"
    assert [path.name for path in checkpoints.glob("step_*")] == ["step_00000002.npz"]
    assert len(list(checkpoints.iterdir())) == 2  # And the half of one.
    assert train(dies_while_saving=0) == 0
    assert_same_run(uncut_run[0], run_dir, tolerance=ROUNDING)


@pytest.mark.slow
def test_killed_process_resumes_bit_equal(settings, tmp_path):
    settings["run"]["deterministic"] = True
    settings["schedule"] = {"steps": 12, "steps_per_epoch": 5}
    path = tmp_path / "config.yaml"
    save_config(TrainingConfig.model_validate(settings), path)

    def start(run_dir):
        command = [sys.executable, "tools/train.py", "--config", path, "--run-dir", run_dir]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        return subprocess.Popen(command, cwd=REPOSITORY, env=environment)

    killed, alone = tmp_path / "killed", tmp_path / "alone"
    process = start(killed)
    while process.poll() is None and not list(killed.glob("checkpoints/step_0000000[4-9].npz")):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (killed / "r_net.keras").exists()
    assert start(killed).wait() == 0
    assert start(alone).wait() == 0
    assert_same_run(alone, killed)
