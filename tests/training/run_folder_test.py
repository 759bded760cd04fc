import dataclasses
import pathlib

import keras
import pytest

from tf_facerecon.training.config import TrainingConfig
from tf_facerecon.training.fit_loop import FitReport
from tf_facerecon.training.run_folder import RunFolder, TrainingResult

ROWS = [{"step": 4, "loss": 0.5}, {"step": 6, "loss": 0.25, "landmark": 2.0}]


def settings(**schedule):
    return TrainingConfig.model_validate({"loss_weights": {"landmark": 1.0}, "schedule": schedule})


@pytest.fixture
def finished(tmp_path):
    """The folder of a run that is over, and its result."""
    folder = RunFolder(tmp_path / "run", "net.keras")
    folder.claim(settings(steps=6))
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    return folder, folder.finish(network, FitReport(2, 8.0, ROWS))


def test_finish_writes_what_finished_result_reads(finished):
    folder, result = finished
    assert result.metrics == {"loss": 0.25, "landmark": 2.0}
    assert (result.steps, result.first_step, result.steps_per_second) == (6, 2, 0.5)
    assert keras.models.load_model(result.network_path).count_params() == 3
    again = folder.finished_result(6)
    assert again == dataclasses.replace(result, first_step=6, seconds=0.0)
    assert again.steps_per_second == 0.0


def test_finished_result_of_an_unfinished_run(finished, tmp_path):
    folder, _ = finished
    assert folder.finished_result(7) is None
    assert RunFolder(tmp_path / "fresh", "net.keras").finished_result(6) is None
    folder.network_path.unlink()
    assert folder.finished_result(6) is None


def test_claim_takes_the_same_settings_again(finished):
    finished[0].claim(settings(steps=6))


def test_claim_exception_raised(finished):
    folder, _ = finished
    with pytest.raises(ValueError, match=r"other settings \(schedule.steps: 6 there, 9 now\)"):
        folder.claim(settings(steps=9))
    with pytest.raises(FileExistsError, match="already holds a run"):
        folder.claim(settings(steps=6), resume=False)


def test_claim_binds_nobody_before_the_first_checkpoint(tmp_path):
    folder = RunFolder(tmp_path, "net.keras")
    folder.claim(settings(steps=6))
    folder.claim(settings(steps=9), resume=False)


def test_save_leaves_no_half_network(finished, monkeypatch):
    folder, _ = finished
    before = folder.network_path.read_bytes()

    class Broken:
        def save(self, path):
            pathlib.Path(path).write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        folder.save(Broken())
    assert folder.network_path.read_bytes() == before


def test_result_speed_preset():
    result = TrainingResult(pathlib.Path("x"), 30, {}, first_step=10, seconds=4.0)
    assert result.steps_per_second == 5.0
    assert dataclasses.replace(result, seconds=0.0).steps_per_second == 0.0


def test_bind_goes_on_with_the_same_only(tmp_path):
    folder = RunFolder(tmp_path, "net.keras")
    folder.bind("face_model", "f00d")
    folder.bind("face_model", "beef")  # Nothing has begun.
    (tmp_path / "net.keras").touch()
    folder.bind("face_model", "beef")
    for part, fingerprint in (("face_model", "f00d"), ("identity_network", "beef")):
        with pytest.raises(ValueError, match="begun with another " + part.replace("_", " ")):
            folder.bind(part, fingerprint)


@pytest.mark.parametrize("existed", [False, True])
def test_failed_start_leaves_nothing(tmp_path, existed):
    folder = RunFolder(tmp_path / "run", "net.keras")
    if existed:
        folder.path.mkdir()
    with pytest.raises(FileNotFoundError), folder.starting():
        folder.claim(settings(steps=6))
        folder.bind("face_model", "f00d")
        raise FileNotFoundError
    assert folder.path.exists() == existed
    assert not existed or not list(folder.path.iterdir())


def test_run_that_fails_later_keeps_its_files(tmp_path):
    folder = RunFolder(tmp_path / "run", "net.keras")
    with pytest.raises(FloatingPointError), folder.starting():
        folder.claim(settings(steps=6))
        folder.history_path.touch()
        raise FloatingPointError
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"resolved_config.yaml", "history.csv"}
