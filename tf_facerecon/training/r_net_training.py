"""One training run of an R-Net from its configuration.

A run folder holds `resolved_config.yaml` (every setting), `checkpoints/` (to resume after a kill),
`history.csv`, `logs/` (TensorBoard), `panels/` (images) and at the end `r_net.keras` and
`metrics.json`. Started again with the same settings, a run continues where it stopped and ends with
the weights of an uninterrupted one.
"""

import os
from typing import Any

import keras
import tensorflow as tf

from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.datasets.deep3d_dataset import (
    build_deep3d_pytorch_dataset,
    build_deep3d_tensorflow_dataset,
)
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange
from tf_facerecon.datasets.mixed_dataset import mix_photos_and_renderings
from tf_facerecon.datasets.photo_dataset import build_photo_dataset
from tf_facerecon.datasets.synthetic_dataset import build_synthetic_dataset
from tf_facerecon.geometry.camera import PerspectiveCamera
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.models.hybrid_model import HybridModel
from tf_facerecon.models.identity_network import load_identity_network
from tf_facerecon.models.r_net import RNet
from tf_facerecon.photos.skin_probability import SkinModel
from tf_facerecon.training import callbacks as run_callbacks
from tf_facerecon.training import fit_loop, network_builders
from tf_facerecon.training.config import SyntheticData, TrainingConfig
from tf_facerecon.training.run_folder import RunFolder, TrainingResult, train_in_folder
from tf_facerecon.visualization import training_panel

# Validation faces: beyond the seeds of all runs.
VALIDATION_SEED_OFFSET = 1_000_003


def run(config: TrainingConfig, run_dir: str | os.PathLike, resume: bool = True) -> TrainingResult:
    """Trains, or resumes training, in `run_dir`.

    Sets the process' random seed and, if the configuration says so, its determinism switch.

    Args:
        config: All settings.
        run_dir: Folder of this run.
        resume: Whether to continue if the folder holds an unfinished or finished run.

    Raises:
        ValueError: If the folder holds a run with other settings; the message names them.
        FileExistsError: If it holds a run and `resume` is false.
        FileNotFoundError: If a face model, initial weights or an identity network is missing.
        FloatingPointError: If the loss or a weight stops being finite.
        TrainingInterrupted: If SIGTERM or SIGINT came; the state is saved.
    """
    folder = RunFolder(run_dir, "r_net.keras", config.checkpoints.keep)
    with folder.starting():
        return train_in_folder(
            config,
            folder,
            resume,
            load_initial=RNet.from_preset,
            build_model=lambda: build_model(config),
            build_dataset=build_dataset,
            build_validation_dataset=build_validation_dataset,
            state=_state,
            callbacks=lambda model: _panels_and_curves(model, config, folder),
            finish=lambda model, report: folder.finish(model.r_net, report),
        )


def build_model(config: TrainingConfig) -> HybridModel:
    """The compiled model of a configuration, before any step."""
    has_quirks = getattr(config.data, "reference_quirks", False)
    decoder = FaceDecoder(
        config.face_model.name,
        num_lighting=config.network.num_lighting,
        renderer_backend=config.renderer.backend,
        jaw=config.landmarks.jaw,
        camera=PerspectiveCamera(half_pixel_offset=has_quirks),
        misnumbered_region=has_quirks and config.data.kind == "deep3d_pytorch",
    )
    r_net = network_builders.build_r_net(
        decoder.layout,
        decoder.face_model,
        half_pixel_offset=has_quirks,
        **config.network.model_dump(exclude={"num_lighting"}),
    )
    identity_network = None
    if config.loss_weights.perceptual > 0:
        identity_network = load_identity_network(
            config.perceptual.network, config.perceptual.weights
        )
    model = HybridModel(
        r_net,
        decoder,
        identity_network,
        config.loss_weights.model_dump(),
        photometric_definition=config.photometric.definition,
    )
    fit_loop.compile_with_adam(model, config.schedule.steps, **config.optimizer.model_dump())
    return model


def build_dataset(
    config: TrainingConfig, decoder: FaceDecoder, first_batch: int = 0
) -> tf.data.Dataset:
    """Endless training batches, from number `first_batch` on."""
    order: dict[str, Any] = {"seed": config.run.seed, "first_batch": first_batch}
    if config.data.kind == "synthetic":
        return _build_renderings(config.data, decoder, order)
    photos = _build_photos(config, order)
    if config.renderings is None:
        return photos
    return mix_photos_and_renderings(photos, _build_renderings(config.renderings, decoder, order))


def _build_renderings(
    data: SyntheticData, decoder: FaceDecoder, order: dict[str, Any]
) -> tf.data.Dataset:
    return build_synthetic_dataset(
        decoder,
        data.batch_size,
        distribution=FaceDistribution(max_yaw=data.max_yaw),
        pixel_step=data.pixel_step,
        pool_batches=data.pool_batches,
        lifelike=data.lifelike,
        **order,
    )


def _build_photos(config: TrainingConfig, order: dict[str, Any]) -> tf.data.Dataset:
    data = config.data
    if data.kind == "deep3d_tensorflow":
        return build_deep3d_tensorflow_dataset(data.folder, data.batch_size, **order)
    augmentation = AugmentationRange() if data.augment else None
    if data.kind == "deep3d_pytorch":
        return build_deep3d_pytorch_dataset(
            data.folder,
            data.batch_size,
            list_file=data.list_file,
            augmentation=augmentation,
            reference_quirks=data.reference_quirks,
            **order,
        )
    return build_photo_dataset(
        data.folder,
        data.batch_size,
        per_person=data.per_person,
        augmentation=augmentation,
        prepared_folder=data.prepared_folder,
        **order,
        **photo_options(config),
    )


def build_validation_dataset(config: TrainingConfig, decoder: FaceDecoder) -> tf.data.Dataset:
    """The same `schedule.validation_batches` batches of unseen faces every time."""
    if config.data.kind == "synthetic":
        return _build_validation_renderings(config, config.data, decoder)
    photos = _build_validation_photos(config)
    if config.renderings is None:
        return photos
    renderings = _build_validation_renderings(config, config.renderings, decoder)
    return mix_photos_and_renderings(photos, renderings)


def _build_validation_renderings(
    config: TrainingConfig, data: SyntheticData, decoder: FaceDecoder
) -> tf.data.Dataset:
    return build_synthetic_dataset(
        decoder,
        data.batch_size,
        seed=config.run.seed + VALIDATION_SEED_OFFSET,
        num_batches=config.schedule.validation_batches,
        pixel_step=data.pixel_step,
    )


def _build_validation_photos(config: TrainingConfig) -> tf.data.Dataset:
    data, num_batches = config.data, config.schedule.validation_batches
    in_order: dict[str, Any] = {"num_batches": num_batches, "shuffle": False}
    if data.kind == "deep3d_tensorflow":
        return build_deep3d_tensorflow_dataset(data.validation_folder, data.batch_size, **in_order)
    if data.kind == "deep3d_pytorch":
        return build_deep3d_pytorch_dataset(
            data.folder, data.batch_size, list_file=data.validation_list_file, **in_order
        )
    return build_photo_dataset(
        data.validation_folder,
        data.batch_size,
        per_person=data.per_person,
        prepared_folder=data.validation_prepared_folder,
        **in_order,
        **photo_options(config),
    )


def photo_options(config: TrainingConfig) -> dict[str, Any]:
    """Options common to training and validation photographs."""
    skin_model = config.data.skin_model
    return {
        "skin_model": None if skin_model is None else SkinModel.load(skin_model),
        "landmarks_y_up": config.data.landmarks_y_up,
        "progress": config.logging.progress,
    }


def _state(model: HybridModel) -> dict[str, list[keras.Variable]]:
    return {
        "r_net": model.r_net.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }


def _panels_and_curves(
    model: HybridModel, config: TrainingConfig, folder: RunFolder
) -> list[keras.callbacks.Callback]:
    writer = tf.summary.create_file_writer(str(folder.logs_path))
    callbacks: list[keras.callbacks.Callback] = [run_callbacks.Scalars(writer)]
    if config.logging.panel_epochs:
        batch = next(iter(build_dataset(config, model.decoder)))
        panel = training_panel.TrainingPanel(
            model.r_net, model.decoder, batch["image"][: config.logging.panel_faces]
        )
        callbacks.append(
            run_callbacks.FacePanel(
                panel.draw, writer, folder.path / "panels", config.logging.panel_epochs
            )
        )
    return callbacks
