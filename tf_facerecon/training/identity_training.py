"""Trains the identity network of the perceptual loss on procedural people.

Every batch shows new people. The supervised contrastive loss separates the images of one person
from those of the others; an auxiliary linear head, dropped after training, regresses the identity
and texture coefficients, which speeds up the beginning.

A run folder holds `resolved_config.yaml`, `checkpoints/` (to resume after a kill), `history.csv`
and at the end `identity_network.keras` and `verification.json`: verification accuracy on unseen
people, with that of raw pixels as a baseline.
"""

import os

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import identity_dataset
from tf_facerecon.evaluation.verification import verification_scores
from tf_facerecon.io import json_files
from tf_facerecon.models import presets
from tf_facerecon.models.identity_network import IdentityNetwork
from tf_facerecon.models.r_net import RNet
from tf_facerecon.training import fit_loop
from tf_facerecon.training.identity_config import IdentityConfig
from tf_facerecon.training.run_folder import RunFolder, fit_in_folder

# People for verification: beyond the seeds of all runs.
_VERIFICATION_SEED_OFFSET = 1_000_003
_VERIFICATION_BATCH = 16  # people


def supervised_contrastive_loss(
    embeddings: tf.Tensor, people: tf.Tensor, temperature: float
) -> tf.Tensor:
    """Cross entropy of finding the other images of a person; Khosla et al. 2020, Eq. (2).

    `-mean_p log( exp(z·z_p / t) / sum_a exp(z·z_a / t) )`, p over the other images of the same
    person, a over all other images of the batch.

    Args:
        embeddings: Unit vectors `[B, D]`.
        people: `[B]`, equal where images show the same person; each person at least twice.
        temperature: t; the smaller, the more the most similar other people dominate.

    Returns:
        Losses `[B]`.
    """
    similarities = tf.matmul(embeddings, embeddings, transpose_b=True) / temperature
    itself = tf.eye(tf.shape(embeddings)[0], dtype=embeddings.dtype)
    logits = similarities - 1e9 * itself
    log_share = logits - tf.reduce_logsumexp(logits, axis=-1, keepdims=True)
    same = tf.cast(people[:, None] == people[None, :], embeddings.dtype) - itself
    return -tf.reduce_sum(same * log_share, axis=-1) / tf.reduce_sum(same, axis=-1)


class IdentityTrainer(keras.Model):
    """Trains an identity network on batches of `identity_dataset.build_identity_dataset`.

    Args:
        network: Learns.
        num_traits: Number of coefficients that make a person.
        temperature: See `supervised_contrastive_loss`.
        trait_weight: Weight of the unexplained share of shape plus that of albedo, 2 at the start.
    """

    def __init__(
        self,
        network: IdentityNetwork,
        num_traits: int,
        temperature: float,
        trait_weight: float,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network = network
        self.temperature = temperature
        self.trait_weight = trait_weight
        self.trait_head = keras.layers.Dense(num_traits, kernel_initializer="zeros", name="traits")
        self.trait_head.build((None, network.embedding_size))
        names = ("contrast", "trait_error", "nearest_is_same")
        self.term_metrics = {name: keras.metrics.Mean(name=name, dtype="float32") for name in names}
        self.built = True

    def call(self, images, training=False):
        """Vectors `[B, D]` of `images`, of any length."""
        return self.network.vectors(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Batch mean of both losses; `y` holds `people` and `traits`."""
        unit = tf.math.l2_normalize(y_pred, axis=-1)
        contrast = supervised_contrastive_loss(unit, y["people"], self.temperature)
        trait_error = tf.reduce_sum((self.trait_head(y_pred) - y["traits"]) ** 2, axis=-1)
        self.term_metrics["contrast"].update_state(contrast)
        self.term_metrics["trait_error"].update_state(trait_error)
        self.term_metrics["nearest_is_same"].update_state(nearest_is_same(unit, y["people"]))
        # Keras sums the replicas' gradients and leaves the scaling of a loss of our own to us.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.reduce_mean(contrast + self.trait_weight * trait_error) / replicas


def nearest_is_same(embeddings: tf.Tensor, people: tf.Tensor) -> tf.Tensor:
    """1 where the nearest neighbour of a vector `[B, D]` is of the same person, else 0: `[B]`."""
    similarities = tf.matmul(embeddings, embeddings, transpose_b=True)
    others = tf.linalg.set_diag(similarities, tf.fill(tf.shape(people), -2.0))
    return tf.cast(tf.gather(people, tf.argmax(others, axis=-1)) == people, tf.float32)


def run(config: IdentityConfig, run_dir: str | os.PathLike) -> tuple[IdentityNetwork, dict]:
    """Trains, or resumes training, in `run_dir`, and measures the result.

    Args:
        config: All settings.
        run_dir: Folder of this run.

    Returns:
        The trained network and the content of `verification.json`.

    Raises:
        ValueError: If the folder holds a run with other settings or another face model, or the
            R-Net to start from is of another backbone.
        FileNotFoundError: If the R-Net to start from or the face model is missing.
        FloatingPointError: If the loss or a weight stops being finite.
        TrainingInterrupted: If SIGTERM or SIGINT came; the state is saved.
    """
    folder = RunFolder(run_dir, "identity_network.keras", config.checkpoints.keep)
    with folder.starting():
        folder.claim(config)
        fit_loop.seed_process(**config.run.model_dump())
        renderer = identity_dataset.PersonRenderer(
            config.face_model.name, config.network.image_size
        )
        folder.bind("face_model", renderer.decoder.face_model.fingerprint)
        sizes = renderer.decoder.layout.sizes
        initial = config.network.initial_r_net
        if initial is not None:
            folder.bind("initial_r_net", presets.weights_fingerprint(RNet.from_preset(initial)))
        trainer = build_trainer(config, num_traits=sizes["identity"] + sizes["texture"])
        fitted = _fit(trainer, renderer, config, folder)
    report = {
        "steps": config.schedule.steps,
        "seconds_of_last_process": round(fitted.seconds, 1),
        "face_model_fingerprint": renderer.decoder.face_model.fingerprint,
        **verify(trainer.network, renderer, config),
    }
    folder.save(trainer.network)
    json_files.write_json(folder.path / "verification.json", report)
    return trainer.network, report


def build_trainer(config: IdentityConfig, num_traits: int) -> IdentityTrainer:
    """The compiled trainer of a configuration, before any step."""
    network = IdentityNetwork(**config.network.model_dump(exclude={"initial_r_net"}))
    if config.network.initial_r_net is not None:
        _copy_backbone(RNet.from_preset(config.network.initial_r_net), network)
    trainer = IdentityTrainer(
        network, num_traits, config.people.temperature, config.people.trait_weight
    )
    fit_loop.compile_with_adam(
        trainer, config.schedule.steps, epsilon=1e-7, **config.optimizer.model_dump()
    )
    return trainer


def verify(
    network: IdentityNetwork, renderer: identity_dataset.PersonRenderer, config: IdentityConfig
) -> dict:
    """Scores of the network, and of raw pixels, on people that no training batch has.

    Returns:
        Dict of `people`, `views`, and the `verification.verification_scores` of
        `embedding` and `raw_pixels`.
    """
    settings = config.verification
    dataset = identity_dataset.build_identity_dataset(
        renderer,
        _VERIFICATION_BATCH,
        settings.num_views,
        seed=config.run.seed + _VERIFICATION_SEED_OFFSET,
        num_batches=-(-settings.num_people // _VERIFICATION_BATCH),
    )
    embed = tf.function(lambda images: network(images, training=False))
    embeddings, pixels = [], []
    for images, _ in dataset:
        embeddings.append(embed(images).numpy())
        centred = images.numpy() - images.numpy().mean(axis=(1, 2), keepdims=True)
        pixels.append(centred.reshape(len(centred), -1))
    num_images = settings.num_people * settings.num_views
    people = np.repeat(np.arange(settings.num_people), settings.num_views)
    return {
        "people": settings.num_people,
        "views": settings.num_views,
        "embedding": verification_scores(np.concatenate(embeddings)[:num_images], people),
        "raw_pixels": verification_scores(np.concatenate(pixels)[:num_images], people),
    }


def _fit(trainer, renderer, config, folder) -> fit_loop.FitReport:
    """Trains to the last step."""
    people = config.people
    return fit_in_folder(
        config,
        folder,
        trainer,
        lambda first_step: identity_dataset.build_identity_dataset(
            renderer,
            people.num_people,
            people.num_views,
            seed=config.run.seed,
            first_batch=first_step,
        ),
        _state,
    )


def _copy_backbone(r_net: RNet, network: IdentityNetwork) -> None:
    if r_net.backbone_name != "small":
        raise ValueError(
            "`network.initial_r_net` must be of the backbone 'small'. "
            f"Received: {r_net.backbone_name!r}."
        )
    network.trunk.set_weights(r_net.backbone.get_weights())


def _state(trainer: IdentityTrainer) -> dict[str, list[keras.Variable]]:
    return {
        "network": trainer.network.variables,
        "trait_head": trainer.trait_head.variables,
        "optimizer": trainer.optimizer.variables,
        "metrics": trainer.metrics_variables,
    }
