"""One training run from its configuration: the only module, beside `config`, that sees one.

A run folder holds `resolved_config.yaml` (every setting), `checkpoints/` (to go on after a kill),
`history.csv`, `logs/` (TensorBoard), `panels/` (pictures) and at the end `r_net.keras` and
`metrics.json`. Started again with the same settings, a run goes on where it stopped and ends with
the weights it would have had.
"""

import dataclasses
import json
import os
import pathlib
import time
from typing import Any

import keras
import tensorflow as tf

from tf_facerecon.data.augmentation import AugmentationRange
from tf_facerecon.data.photo_folder import build_photo_dataset
from tf_facerecon.data.procedural_stream import build_procedural_dataset
from tf_facerecon.decoding.face_decoder import FaceDecoder
from tf_facerecon.io import atomic_files
from tf_facerecon.models.hybrid_model import HybridModel
from tf_facerecon.photos.skin_probability import SkinModel
from tf_facerecon.training import callbacks as run_callbacks
from tf_facerecon.training import config as run_config
from tf_facerecon.training import face_panel, learning_rate, networks
from tf_facerecon.training.checkpoints import CheckpointFolder
from tf_facerecon.training.config import TrainingConfig
from tf_facerecon.training.epochs import epoch_segments
from tf_facerecon.training.interruption import SignalRequest

# Faces to measure on: no seed of a run reaches so far.
_VALIDATION_SEED_OFFSET = 1_000_003
_R_NET = "r_net.keras"
_METRICS = "metrics.json"


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """How a finished run ended.

    Attributes:
        r_net_path: The trained network.
        steps: Optimizer steps in all.
        metrics: Losses of the last epoch, by name.
        first_step: Steps that earlier processes of this run had done.
        seconds: Time of this process' training.
    """

    r_net_path: pathlib.Path
    steps: int
    metrics: dict[str, float]
    first_step: int
    seconds: float

    @property
    def steps_per_second(self) -> float:
        """Speed of this process; 0 if it had nothing left to do."""
        return (self.steps - self.first_step) / self.seconds if self.seconds else 0.0


def run(config: TrainingConfig, run_dir: str | os.PathLike, resume: bool = True) -> TrainingResult:
    """Trains, or goes on training, in `run_dir`.

    Sets the process' random seed and, if the configuration says so, its determinism switch.

    Args:
        config: All settings.
        run_dir: Folder of this run.
        resume: Whether to go on if the folder holds an unfinished or finished run.

    Raises:
        ValueError: If the folder holds a run with other settings; the message names them.
        FileExistsError: If it holds a run and `resume` is false.
        FileNotFoundError: If a face model, initial weights or an identity network is missing.
        FloatingPointError: If the loss or a weight stops being finite.
        TrainingInterrupted: If SIGTERM or SIGINT came; the state is saved.
    """
    run_dir = pathlib.Path(run_dir)
    checkpoints = CheckpointFolder(run_dir / "checkpoints", config.checkpoints.keep)
    _claim_run_dir(config, run_dir, resume, checkpoints)
    finished = _finished_result(config, run_dir)
    if finished is not None:
        return finished
    keras.utils.set_random_seed(config.run.seed)
    if config.run.deterministic:
        tf.config.experimental.enable_op_determinism()
    model = build_model(config)
    first_step = checkpoints.restore(_state(model))
    started = time.perf_counter()
    with SignalRequest() as request:
        history = _fit(model, config, run_dir, checkpoints, first_step, request)
    seconds = time.perf_counter() - started
    return _finish(model, run_dir, history, first_step, seconds)


def build_model(config: TrainingConfig) -> HybridModel:
    """The compiled model of a configuration, before any step."""
    decoder = FaceDecoder(config.face_model.name, num_lighting=config.network.num_lighting)
    r_net = networks.build_r_net(
        decoder.layout, decoder.face_model, **config.network.model_dump(exclude={"num_lighting"})
    )
    identity_network = None
    if config.loss_weights.perceptual > 0:
        identity_network = networks.build_identity_network(**config.perceptual.model_dump())
    model = HybridModel(r_net, decoder, identity_network, config.loss_weights.model_dump())
    optimizer = keras.optimizers.Adam(
        learning_rate.build_schedule(
            total_steps=config.schedule.steps, **config.optimizer.model_dump(exclude={"clip_norm"})
        ),
        epsilon=1e-8,
        global_clipnorm=config.optimizer.clip_norm,
    )
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer)
    return model


def build_dataset(
    config: TrainingConfig, decoder: FaceDecoder, first_batch: int = 0
) -> tf.data.Dataset:
    """Endless training batches, from number `first_batch` on."""
    if config.data.kind == "procedural":
        return build_procedural_dataset(
            decoder,
            config.data.batch_size,
            seed=config.run.seed,
            first_batch=first_batch,
            pixel_step=config.data.pixel_step,
            pool_batches=config.data.pool_batches,
        )
    return build_photo_dataset(
        config.data.folder,
        config.data.batch_size,
        seed=config.run.seed,
        first_batch=first_batch,
        augmentation=AugmentationRange() if config.data.augment else None,
        prepared_folder=config.data.prepared_folder,
        **_photo_options(config),
    )


def build_validation_dataset(config: TrainingConfig, decoder: FaceDecoder) -> tf.data.Dataset:
    """The same `schedule.validation_batches` batches of unseen faces every time."""
    if config.data.kind == "procedural":
        return build_procedural_dataset(
            decoder,
            config.data.batch_size,
            seed=config.run.seed + _VALIDATION_SEED_OFFSET,
            num_batches=config.schedule.validation_batches,
            pixel_step=config.data.pixel_step,
        )
    return build_photo_dataset(
        config.data.validation_folder,
        config.data.batch_size,
        num_batches=config.schedule.validation_batches,
        shuffle=False,
        prepared_folder=config.data.validation_prepared_folder,
        **_photo_options(config),
    )


def _photo_options(config) -> dict[str, Any]:
    """What photographs to train on and those to measure on have in common."""
    skin_model = config.data.skin_model
    return {
        "skin_model": None if skin_model is None else SkinModel.load(skin_model),
        "landmarks_y_up": config.data.landmarks_y_up,
        "progress": config.logging.progress,
    }


def _claim_run_dir(config, run_dir, resume, checkpoints):
    """Writes the resolved configuration, or checks that the one there is the same.

    A start that failed before its first checkpoint left nothing to go on with, and binds nobody.
    """
    path = run_dir / "resolved_config.yaml"
    if path.exists() and (checkpoints.paths() or (run_dir / _R_NET).exists()):
        if not resume:
            raise FileExistsError(f"{run_dir} already holds a run; choose another folder.")
        differing = run_config.differing_settings(run_config.load_config(path), config)
        if differing:
            changes = "; ".join(f"{k}: {a!r} there, {b!r} now" for k, (a, b) in differing.items())
            raise ValueError(
                f"{run_dir} holds a run with other settings ({changes}). Go on with the old ones "
                "or choose another folder."
            )
    run_config.save_config(config, path)


def _finished_result(config, run_dir) -> TrainingResult | None:
    """How the run of this folder ended; `None` if it has not."""
    r_net_path, metrics_path = run_dir / _R_NET, run_dir / _METRICS
    if not (r_net_path.is_file() and metrics_path.is_file()):
        return None
    metrics = json.loads(metrics_path.read_text(encoding="utf-8"))
    steps = metrics.pop("steps")
    if steps != config.schedule.steps:
        return None
    return TrainingResult(r_net_path, steps, metrics, first_step=steps, seconds=0.0)


def _state(model: HybridModel) -> dict[str, list[keras.Variable]]:
    return {
        "r_net": model.r_net.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }


def _fit(model, config, run_dir, checkpoints, first_step, request) -> run_callbacks.History:
    """Trains from `first_step` to the last, epoch by epoch."""
    history = run_callbacks.History(run_dir / "history.csv", first_step)
    callbacks = _callbacks(model, config, run_dir, checkpoints, history, request)
    validation = None
    if config.schedule.validation_batches:
        validation = build_validation_dataset(config, model.decoder).cache()
    partial = [value.numpy() for value in model.metrics_variables]
    schedule = config.schedule
    for segment in epoch_segments(first_step, schedule.steps, schedule.steps_per_epoch):
        continued = [run_callbacks.ContinueMetrics(partial)] if segment.is_continued else []
        model.fit(
            build_dataset(config, model.decoder, segment.first_step),
            initial_epoch=segment.first_epoch,
            epochs=segment.first_epoch + segment.num_epochs,
            steps_per_epoch=segment.steps_per_epoch,
            shuffle=False,  # The stream is already in its order.
            validation_data=validation,
            callbacks=[*continued, *callbacks],
            verbose=1 if config.logging.progress else 0,
        )
    return history


def _callbacks(model, config, run_dir, checkpoints, history, request) -> list:
    writer = tf.summary.create_file_writer(str(run_dir / "logs"))
    callbacks: list[Any] = [run_callbacks.StopOnNonFinite(), history, run_callbacks.Scalars(writer)]
    if config.logging.panel_epochs:
        panel = face_panel.FacePanelPainter(
            model.r_net, model.decoder, _panel_images(config, model.decoder)
        )
        callbacks.append(
            run_callbacks.FacePanel(
                panel.draw, writer, run_dir / "panels", config.logging.panel_epochs
            )
        )
    callbacks.append(
        run_callbacks.SaveCheckpoints(
            checkpoints,
            lambda: _state(model),
            config.checkpoints.every_steps,
            config.checkpoints.every_seconds,
            config.schedule.steps,
            lambda: request.number,
        )
    )
    return callbacks


def _panel_images(config, decoder) -> tf.Tensor:
    batch = next(iter(build_dataset(config, decoder)))
    return batch["image"][: config.logging.panel_faces]


def _finish(model, run_dir, history, first_step, seconds) -> TrainingResult:
    """Writes the network and the final numbers."""
    r_net_path = run_dir / _R_NET
    with atomic_files.atomic_path(r_net_path) as temporary:
        model.r_net.save(temporary)
    last = {name: float(value) for name, value in history.rows[-1].items()}
    steps = int(last.pop("step"))
    with atomic_files.atomic_path(run_dir / _METRICS) as temporary:
        text = json.dumps({"steps": steps, **last}, indent=2) + "\n"
        temporary.write_text(text, encoding="utf-8")
    return TrainingResult(r_net_path, steps, last, first_step, seconds)
