import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.training import callbacks as run_callbacks
from tf_facerecon.training.checkpoints import CheckpointFolder
from tf_facerecon.training.interruption import TrainingInterrupted


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def fit(model, *callbacks, epochs=2, steps=3):
    data = tf.data.Dataset.from_tensors((tf.ones((2, 1)), tf.zeros((2, 1)))).repeat()
    model.fit(
        data,
        epochs=epochs,
        steps_per_epoch=steps,
        callbacks=list(callbacks),
        shuffle=False,
        verbose=0,
    )


def save_checkpoints(folder, model, **changes):
    arguments = {
        "every_steps": 0,
        "every_seconds": 0.0,
        "total_steps": 99,
        "requested_signal": lambda: None,
        **changes,
    }
    return run_callbacks.SaveCheckpoints(
        CheckpointFolder(folder, keep=99), lambda: {"weights": model.variables}, **arguments
    )


def saved_steps(folder):
    return [int(path.stem[5:]) for path in CheckpointFolder(folder).paths()]


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, []),
        ({"every_steps": 2}, [2, 4, 6]),
        ({"total_steps": 6}, [6]),
        ({"every_seconds": 1e-9}, [1, 2, 3, 4, 5, 6]),
        ({"every_seconds": 1e9}, []),
    ],
)
def test_save_checkpoints_preset(model, tmp_path, changes, steps):
    fit(model, save_checkpoints(tmp_path, model, **changes))
    assert saved_steps(tmp_path) == steps


@pytest.mark.parametrize("stop_at", [2, 3])
def test_save_checkpoints_saves_before_it_stops(model, tmp_path, stop_at):
    history = run_callbacks.History(tmp_path / "history.csv")
    callback = save_checkpoints(
        tmp_path,
        model,
        requested_signal=lambda: 15 if int(model.optimizer.iterations) >= stop_at else None,
    )
    with pytest.raises(TrainingInterrupted) as error:
        fit(model, history, callback)
    assert error.value.step == stop_at
    assert saved_steps(tmp_path) == [stop_at]
    # A finished epoch is noted, one that was cut is not.
    assert [row["step"] for row in history.rows] == ([3] if stop_at == 3 else [])


def test_history_drops_rows_after_the_resumed_step(tmp_path, model):
    path = tmp_path / "history.csv"
    path.write_text("step,loss\n3,0.5\n6,0.25\n", encoding="utf-8")
    assert run_callbacks.History(path, first_step=4).rows == [{"step": "3", "loss": "0.5"}]
    assert run_callbacks.History(path, first_step=0).rows == []


def test_stop_on_non_finite_exception_raised(model):
    model.set_weights([np.full((1, 1), np.nan), np.zeros(1)])
    with pytest.raises(FloatingPointError, match="Not finite at step 1: loss"):
        fit(model, run_callbacks.StopOnNonFinite())


def test_continue_metrics_goes_on_averaging(model):
    class Logs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.loss = logs["loss"]

    model.optimizer.learning_rate = 0.0
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    # Two values with mean 7 before, two of 1 now.
    logs = Logs()
    values = [np.float32(14.0), np.float32(2.0)]
    fit(model, run_callbacks.ContinueMetrics(values), logs, epochs=1, steps=1)
    assert logs.loss == pytest.approx(4.0)


def test_scalars_and_face_panel_write_for_tensorboard(model, tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path / "logs"))
    picture = np.full((4, 6, 3), 200, np.uint8)
    panel = run_callbacks.FacePanel(lambda: picture, writer, tmp_path / "panels", every_epochs=2)
    fit(model, run_callbacks.Scalars(writer), panel)
    assert [path.name for path in (tmp_path / "panels").iterdir()] == ["step_00000006.png"]
    (events,) = (tmp_path / "logs").iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            found.setdefault(value.tag, []).append(event.step)
    assert found == {
        "loss": [3, 6],
        "learning_rate": [3, 6],
        "steps_per_second": [3, 6],
        "faces": [6],
    }
