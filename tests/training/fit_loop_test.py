import csv

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.training import fit_loop
from tf_facerecon.training.checkpoints import CheckpointFolder


def build_model(**optimizer):
    fit_loop.seed_process(seed=4, deterministic=False)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    settings = {"clip_norm": 1.0, "learning_rate": 0.1, "decay": "cosine", **optimizer}
    fit_loop.compile_with_adam(model, 9, **settings)
    # `compile_with_adam` serves models that bring their loss; this one has none.
    model.compute_loss = lambda x, y, y_pred, sample_weight, training: tf.reduce_mean(
        tf.square(y_pred - y)
    )
    return model


def build_dataset(first_step):
    def make_batch(number):
        x = tf.random.stateless_normal((4, 3), tf.stack([number, 7]))
        return x, tf.reduce_sum(x, axis=-1, keepdims=True)

    return tf.data.Dataset.counter(start=first_step).map(make_batch)


def fit(folder, model, steps=9, **arguments):
    return fit_loop.fit(
        model,
        build_dataset,
        state=lambda: {
            "model": model.variables,
            "optimizer": model.optimizer.variables,
            "metrics": model.metrics_variables,
        },
        checkpoints=CheckpointFolder(folder / "checkpoints"),
        history_path=folder / "history.csv",
        steps=steps,
        steps_per_epoch=4,
        every_steps=2,
        every_seconds=0,
        progress=False,
        **arguments,
    )


class PowerCut(Exception):
    """What a test uses in place of SIGKILL."""


class Cut(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == 7:
            raise PowerCut


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uncut")
    model = build_model()
    return folder, model, fit(folder, model)


def test_fit_goes_to_the_last_step(uncut):
    folder, model, report = uncut
    assert int(model.optimizer.iterations) == 9
    assert (report.first_step, [row["step"] for row in report.rows]) == (0, [4, 8, 9])
    assert report.rows[-1]["loss"] < report.rows[0]["loss"]
    assert report.seconds > 0
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["4", "8", "9"]


def test_fit_after_a_cut_is_bit_equal(uncut, tmp_path):
    with pytest.raises(PowerCut):
        fit(tmp_path, build_model(), callbacks=lambda: [Cut()])
    model = build_model()
    report = fit(tmp_path, model)
    assert report.first_step == 6  # Checkpoints stand at even steps.
    for resumed, whole in zip(model.get_weights(), uncut[1].get_weights(), strict=True):
        np.testing.assert_array_equal(resumed, whole)
    assert (tmp_path / "history.csv").read_text() == (uncut[0] / "history.csv").read_text()


def test_fit_with_accumulation_after_a_cut_is_bit_equal(tmp_path):
    models = [build_model(accumulation_steps=2) for _ in range(2)]
    whole = fit(tmp_path / "whole", models[0])
    assert [row["step"] for row in whole.rows] == [4, 8, 9]
    with pytest.raises(PowerCut):
        fit(tmp_path, build_model(accumulation_steps=2), callbacks=lambda: [Cut()])
    assert fit(tmp_path, models[1]).first_step == 6
    for a, b in zip(models[0].optimizer.variables, models[1].optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    histories = [folder / "history.csv" for folder in (tmp_path, tmp_path / "whole")]
    assert histories[0].read_text() == histories[1].read_text()


def test_fit_with_accumulation_steps_by_the_mean_of_its_batches():
    whole, halves = (build_model(accumulation_steps=n, decay="constant") for n in (1, 2))
    batch = next(iter(build_dataset(0)))
    whole.fit(*batch, batch_size=4, verbose=0, shuffle=False)
    halves.fit(*batch, batch_size=2, verbose=0, shuffle=False)
    for a, b in zip(whole.get_weights(), halves.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_learning_rate_with_accumulation_follows_the_steps():
    single, double = (build_model(accumulation_steps=n, warmup_steps=4).optimizer for n in (1, 2))
    for optimizer, batches in ((single, 3), (double, 6)):
        optimizer.variables[0].assign(batches)
    assert int(single.iterations) == int(double.iterations) == 3
    np.testing.assert_allclose(single.learning_rate, 0.075)
    np.testing.assert_allclose(double.learning_rate, single.learning_rate)


def test_fit_of_a_finished_run_does_nothing(uncut):
    model = build_model()
    report = fit(uncut[0], model)
    assert report.first_step == 9
    assert [int(row["step"]) for row in report.rows] == [4, 8, 9]
    for restored, whole in zip(model.get_weights(), uncut[1].get_weights(), strict=True):
        np.testing.assert_array_equal(restored, whole)


def test_fit_measures_on_validation_data(tmp_path):
    report = fit(tmp_path, build_model(), steps=2, validation_data=build_dataset(50).take(1))
    assert "val_loss" in report.rows[-1]


def test_compile_with_adam_preset():
    optimizer = build_model().optimizer
    assert (optimizer.epsilon, optimizer.global_clipnorm) == (1e-8, 1.0)
    np.testing.assert_allclose(optimizer.learning_rate, 0.1)
    assert len(optimizer.variables) > 2  # Made, for a checkpoint to fill.
