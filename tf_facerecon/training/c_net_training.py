"""Trains a C-Net, and if wanted its R-Net, on image sets; see `models.image_set_model`.

A run folder is that of `run_folder`; at its end stand `c_net.keras` and, if the R-Net was
fine-tuned, the `r_net.keras` that belongs to it.
"""

import os

import keras
import tensorflow as tf

from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange
from tf_facerecon.datasets.photo_set_dataset import build_photo_set_dataset
from tf_facerecon.datasets.synthetic_set_dataset import build_synthetic_set_dataset
from tf_facerecon.geometry.camera import PerspectiveCamera
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.models import presets
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.identity_network import load_identity_network
from tf_facerecon.models.image_set_model import ImageSetModel
from tf_facerecon.models.r_net import RNet
from tf_facerecon.training import callbacks as run_callbacks
from tf_facerecon.training import fit_loop, r_net_training
from tf_facerecon.training.c_net_config import CNetConfig
from tf_facerecon.training.run_folder import RunFolder, TrainingResult, train_in_folder


def run(config: CNetConfig, run_dir: str | os.PathLike, resume: bool = True) -> TrainingResult:
    """Trains, or resumes training, in `run_dir`.

    Sets the process' random seed and, if the configuration says so, its determinism switch.

    Args:
        config: All settings.
        run_dir: Folder of this run.
        resume: Whether to continue if the folder holds an unfinished or finished run.

    Raises:
        ValueError: If the folder holds a run with other settings or of another R-Net; the message
            says so. If the networks or the face model do not belong together.
        FileExistsError: If it holds a run and `resume` is false.
        FileNotFoundError: If a face model or a network is missing.
        FloatingPointError: If the loss or a weight stops being finite.
        TrainingInterrupted: If SIGTERM or SIGINT came; the state is saved.
    """
    folder = RunFolder(run_dir, "c_net.keras", config.checkpoints.keep)
    with folder.starting():
        folder.claim(config, resume)
        # A C-Net is of no use with another R-Net.
        r_net = RNet.from_preset(config.network.r_net)
        folder.bind("r_net", presets.weights_fingerprint(r_net))

        def finish(model, report):
            if config.network.train_r_net:
                model.c_net.r_net_fingerprint = presets.weights_fingerprint(model.r_net)
                folder.save(model.r_net, folder.path / "r_net.keras")
            return folder.finish(model.c_net, report)

        return train_in_folder(
            config,
            folder,
            resume,
            load_initial=CNet.from_preset,
            build_model=lambda: build_model(config),
            build_dataset=build_dataset,
            build_validation_dataset=build_validation_dataset,
            state=_state,
            callbacks=lambda model: _curves(folder),
            finish=finish,
        )


def build_model(config: CNetConfig) -> ImageSetModel:
    """The compiled model of a configuration, before any step.

    Raises:
        ValueError: If the face model is not the R-Net's, or initial weights are of another R-Net.
        FileNotFoundError: If a face model or a network is missing.
    """
    r_net = RNet.from_preset(config.network.r_net)
    decoder = FaceDecoder(
        config.face_model.name,
        num_lighting=r_net.heads.layout.lighting,
        fingerprint=r_net.face_model_fingerprint or None,
        renderer_backend=config.renderer.backend,
        jaw=config.landmarks.jaw,
        camera=PerspectiveCamera(half_pixel_offset=r_net.half_pixel_offset),
    )
    c_net = CNet.for_r_net(r_net, config.network.preset)
    if config.network.initial_weights is not None:
        initial = CNet.from_preset(config.network.initial_weights)
        initial.check_r_net(r_net)
        c_net.set_weights(initial.get_weights())
    identity_network = None
    if config.loss_weights.perceptual > 0:
        identity_network = load_identity_network(
            config.perceptual.network, config.perceptual.weights
        )
    model = ImageSetModel(
        r_net,
        c_net,
        decoder,
        identity_network,
        config.loss_weights.model_dump(),
        train_r_net=config.network.train_r_net,
        photometric_definition=config.photometric.definition,
    )
    fit_loop.compile_with_adam(model, config.schedule.steps, **config.optimizer.model_dump())
    return model


def build_dataset(
    config: CNetConfig, decoder: FaceDecoder, first_batch: int = 0
) -> tf.data.Dataset:
    """Endless training batches, from number `first_batch` on."""
    data = config.data
    if data.kind == "synthetic":
        return build_synthetic_set_dataset(
            decoder,
            data.batch_size,
            data.set_size,
            seed=config.run.seed,
            first_batch=first_batch,
            distribution=FaceDistribution(max_yaw=data.max_yaw),
            bad_frames=data.bad_frames,
            pixel_step=data.pixel_step,
            pool_batches=data.pool_batches,
        )
    return build_photo_set_dataset(
        data.folder,
        data.batch_size,
        data.set_size,
        seed=config.run.seed,
        first_batch=first_batch,
        min_photos=data.min_photos,
        bad_frames=data.bad_frames,
        augmentation=AugmentationRange() if data.augment else None,
        prepared_folder=data.prepared_folder,
        **r_net_training.photo_options(config),
    )


def build_validation_dataset(config: CNetConfig, decoder: FaceDecoder) -> tf.data.Dataset:
    """The same `schedule.validation_batches` batches of unseen people every time."""
    data = config.data
    if data.kind == "synthetic":
        return build_synthetic_set_dataset(
            decoder,
            data.batch_size,
            data.set_size,
            seed=config.run.seed + r_net_training.VALIDATION_SEED_OFFSET,
            num_batches=config.schedule.validation_batches,
            bad_frames=data.bad_frames,
            pixel_step=data.pixel_step,
        )
    return build_photo_set_dataset(
        data.validation_folder,
        data.batch_size,
        data.set_size,
        num_batches=config.schedule.validation_batches,
        shuffle=False,
        min_photos=data.min_photos,
        prepared_folder=data.validation_prepared_folder,
        **r_net_training.photo_options(config),
    )


def _state(model: ImageSetModel) -> dict[str, list[keras.Variable]]:
    state = {
        "c_net": model.c_net.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
    # A frozen R-Net is read from its own file again.
    return {**state, "r_net": model.r_net.variables} if model.train_r_net else state


def _curves(folder: RunFolder) -> list[keras.callbacks.Callback]:
    writer = tf.summary.create_file_writer(str(folder.logs_path))
    return [run_callbacks.Scalars(writer)]
