"""R-Net, decoder and hybrid-level loss joined to one `keras.Model` for `model.fit`.

A batch is the dict of `docs/architecture.md`, "data"; a term of the loss is a named `[B]` tensor.
This file chooses which tensors each loss compares; the arithmetic lives in `losses`.
"""

import functools
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.losses import (
    hybrid,
    landmark,
    perceptual,
    photometric,
    regularization,
    supervised,
)
from tf_facerecon.models import presets
from tf_facerecon.morphable_models import vertex_sampling
from tf_facerecon.morphable_models.coefficients import GROUPS

PIXEL_TERMS = frozenset({"photometric", "perceptual"})
SUPERVISED_TERMS = frozenset(
    {"vertices", "albedo", "dense_landmark", *(f"{group}_distance" for group in GROUPS)}
)
TERMS = PIXEL_TERMS | SUPERVISED_TERMS
TERMS |= {"landmark", "five_point", "coefficient", "albedo_flatness", "white_light"}


class HybridModel(keras.Model):
    """Trains an R-Net through the decoder with the hybrid-level loss of Deng et al. 2019, Sec. 4.

    Only the R-Net learns, and only the R-Net is worth saving (`model.r_net.save(...)`): the
    decoder has no weights, and the identity network is held outside Keras' tracking, so that
    neither its weights nor a licensed face basis can enter a checkpoint of this model.

    Args:
        r_net: Built Keras model, images `[B, H, W, 3]` in [0, 1] to coefficients `[B, 257]`; for
            the term `dense_landmark` an `RNet` whose features have `points`.
        decoder: `FaceDecoder` of the face model whose coefficients `r_net` answers.
        identity_network: Frozen network, images in [0, 1] to unit vectors `[B, D]`; may be `None`
            if the perceptual term is not used.
        loss_weights: Weight of each term, by name (`TERMS`). A term of weight 0, or without an
            entry, is not computed; if no remaining term looks at pixels nothing is rendered.

    Raises:
        ValueError: If `loss_weights` names an unknown term, holds a negative weight or no positive
            one, or wants the perceptual term without an `identity_network`, or dense landmarks of
            a network that finds no points.
    """

    def __init__(
        self,
        r_net: keras.Model,
        decoder: FaceDecoder,
        identity_network: Callable | None,
        loss_weights: Mapping[str, float],
        **kwargs,
    ):
        super().__init__(**kwargs)
        _check_loss_weights(loss_weights, identity_network)
        self.r_net = r_net
        self.decoder = decoder
        self.term_weights = {name: weight for name, weight in loss_weights.items() if weight > 0}
        self.renders = not PIXEL_TERMS.isdisjoint(self.term_weights)
        self.term_metrics = {name: keras.metrics.Mean(name=name) for name in self.term_weights}
        self.identity_fingerprint = (
            presets.weights_fingerprint(identity_network)
            if isinstance(identity_network, keras.Model)
            else None
        )
        # A closure is not tracked: the optimizer never sees the network, nor does a checkpoint.
        self._embed = lambda image: identity_network(image, training=False)
        if "dense_landmark" in self.term_weights:
            num_points = _num_points(r_net)
            self._point_vertices = vertex_sampling.sample_vertices(decoder.face_model, num_points)
        self.built = True

    def call(self, batch, training=False):
        """What the network reads off `batch["image"]`, as arguments of `loss_terms`."""
        if "dense_landmark" not in self.term_weights:
            return {"coefficients": self.r_net(batch["image"], training=training)}
        features = self.r_net.features(batch["image"], training=training)
        return {"coefficients": self.r_net.heads(features["deep"]), "points": features["points"]}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Weighted sum of the terms' batch means; `x` is the batch, `y_pred` what `call` said."""
        terms = self.loss_terms(x, **y_pred)
        for name, values in terms.items():
            self.term_metrics[name].update_state(values)
        # Keras sums the replicas' gradients and leaves the scaling of a loss of our own to us.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return hybrid.total_loss(terms, self.term_weights) / replicas

    def loss_terms(
        self,
        batch: Mapping[str, tf.Tensor],
        coefficients: tf.Tensor,
        points: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """The unweighted terms `{name: [B]}` of an answer against `batch`.

        Args:
            batch: Photographs and what is known of them.
            coefficients: `[B, 257]`.
            points: `[B, K, 2]` places of vertices, -1 and 1 at the edges of the picture; for the
                term `dense_landmark` only.

        Raises:
            ValueError: If a supervised term meets a batch without true `coefficients`.
        """
        coefficients = tf.cast(coefficients, tf.float32)
        decoded = self.decoder(coefficients, render=self.renders)
        named = self.decoder.layout.split(coefficients)
        # Decoded once for all terms that want it, and not at all if none does.
        truth = functools.cache(lambda: self.decoder(_true_coefficients(batch), render=False))
        terms = {
            "photometric": lambda: _photometric(batch, decoded),
            "landmark": lambda: _landmark(batch, decoded),
            "five_point": lambda: landmark.five_point_loss(
                decoded["five_points"], batch["five_points"]
            ),
            "perceptual": lambda: self._perceptual(batch, decoded),
            "coefficient": lambda: regularization.coefficient_loss(
                named["identity"], named["expression"], named["texture"]
            ),
            "albedo_flatness": lambda: regularization.albedo_flatness_loss(
                decoded["albedo"], self.decoder.face_model.skin_region
            ),
            "white_light": lambda: regularization.white_light_loss(named["lighting"]),
            "vertices": lambda: supervised.vertex_loss(decoded["shape"], truth()["shape"]),
            "albedo": lambda: supervised.albedo_loss(decoded["albedo"], truth()["albedo"]),
            "dense_landmark": lambda: self._dense_landmark(points, truth()["vertices"]),
        }
        for group in GROUPS:
            terms[f"{group}_distance"] = functools.partial(self._distance, batch, named, group)
        return {name: terms[name]() for name in self.term_weights}

    def get_config(self):
        raise NotImplementedError(
            "A HybridModel is only a way to train and is not saved; save its network: "
            '`model.r_net.save("r_net.keras")`.'
        )

    def _perceptual(self, batch, decoded):
        # The photograph's embedding is the target: no gradient, so its activations are not kept.
        photo = tf.stop_gradient(self._embed(batch["image"]))
        return perceptual.perceptual_loss(photo, self._embed(decoded["image"]))

    def _dense_landmark(self, points, true_vertices):
        camera = self.decoder.camera
        true = cameras.project(tf.gather(true_vertices, self._point_vertices, axis=1), camera)
        # The picture's middle, 0, is half a pixel from where labels have it (CONVENTIONS.md); a
        # constant, which the places learn as they learn where a point lies.
        pixels = (points + 1) * (camera.image_size / 2) - 0.5
        return supervised.dense_landmark_loss(pixels, true)

    def _distance(self, batch, named, group):
        true = self.decoder.layout.split(_true_coefficients(batch))
        return supervised.coefficient_distance({group: named[group]}, {group: true[group]})[group]


def _photometric(batch, decoded):
    attention = photometric.skin_attention(decoded["region_mask"], batch["skin"])
    return photometric.photometric_loss(batch["image"], decoded["image"], attention)


def _landmark(batch, decoded):
    weights = landmark.LANDMARK_WEIGHTS * batch["landmark_weights"]
    return landmark.landmark_loss(decoded["landmarks"], batch["landmarks"], weights=weights)


def _num_points(r_net) -> int:
    outputs = r_net.backbone.output if hasattr(r_net, "backbone") else {}
    if "points" not in outputs:
        raise ValueError(
            "The term `dense_landmark` needs a network that finds points, an `RNet` with the "
            f"backbone 'small'. Received: {type(r_net).__name__} {r_net.name!r}."
        )
    return outputs["points"].shape[1]


def _true_coefficients(batch):
    if "coefficients" not in batch:
        raise ValueError(
            f"The loss terms {sorted(SUPERVISED_TERMS)} need the true `coefficients` of synthetic "
            f"faces. Received a batch with only {sorted(batch)}; set their weights to 0."
        )
    return tf.cast(batch["coefficients"], tf.float32)


def _check_loss_weights(loss_weights, identity_network):
    unknown = sorted(set(loss_weights) - TERMS)
    if unknown:
        raise ValueError(
            f"`loss_weights` may name only the terms {sorted(TERMS)}. Received: {unknown}."
        )
    weights = np.array(list(loss_weights.values()), np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any() or not (weights > 0).any():
        raise ValueError(
            "`loss_weights` must hold finite weights, none negative and at least one positive. "
            f"Received: {dict(loss_weights)}."
        )
    if loss_weights.get("perceptual", 0) > 0 and identity_network is None:
        raise ValueError("The term `perceptual` needs an `identity_network`. Received: None.")
