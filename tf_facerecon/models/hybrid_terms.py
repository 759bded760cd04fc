"""The terms of the hybrid-level loss: which tensors each loss function compares.

The arithmetic is that of `losses`. Deng et al. 2019, Section 4, for photographs; in addition terms
that compare with ground truth, which only synthetic faces have.
"""

import functools
from collections.abc import Callable, Collection, Mapping

import numpy as np
import tensorflow as tf

from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.losses import (
    consistency,
    landmark,
    perceptual,
    photometric,
    regularization,
    supervised,
)
from tf_facerecon.morphable_models.coefficients import GROUPS

_FACE_GROUPS = ("identity", "expression", "texture")

PIXEL_TERMS = frozenset({"photometric", "perceptual"})
"""Terms that need the rendered image."""
GROUND_TRUTH_TERMS = frozenset(
    {"vertices", "albedo", "dense_landmark", *(f"{group}_mse" for group in GROUPS)}
)
"""Terms that need the true `coefficients`."""
TERMS = PIXEL_TERMS | GROUND_TRUTH_TERMS
TERMS |= {"landmark", "five_point", "coefficient", "albedo_flatness", "white_light"}
TERMS |= {"shape_consistency", *(f"{group}_norm" for group in _FACE_GROUPS)}
"""Names of all terms."""

BATCH_KEYS: Mapping[str, tuple[str, ...]] = {
    "photometric": ("image", "skin"),
    "landmark": ("landmarks", "landmark_weights"),
    "five_point": ("five_points", "landmark_weights"),
    "perceptual": ("image",),
    "shape_consistency": ("person",),
    **dict.fromkeys(GROUND_TRUTH_TERMS, ("coefficients",)),
}
"""What a batch must hold for a term; terms that are not listed need nothing."""


def check_loss_weights(loss_weights: Mapping[str, float]) -> None:
    """Checks names and values.

    Raises:
        ValueError: If a name is no term, a weight negative or not finite, or none positive.
    """
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


class HybridTerms:
    """Computes the wanted terms, unweighted, one value per image.

    Args:
        names: The wanted terms.
        decoder: `FaceDecoder` of the predicted coefficients.
        embed: Identity network of the term `perceptual`, images `[B, H, W, 3]` in [0, 1] to
            embeddings `[B, D]`; `None` if that is not wanted.
        embed_by_points: Whether `embed` also takes the `five_points` of the faces: those of the
            labels for photographs, those predicted, without gradient, for rendered faces.
        point_vertices: Vertices whose projections the network predicts as `points`, for
            the term `dense_landmark`.
        photometric_definition: See `losses.photometric`.
    """

    def __init__(
        self,
        names: Collection[str],
        decoder: FaceDecoder,
        embed: Callable | None = None,
        embed_by_points: bool = False,
        point_vertices: tf.Tensor | None = None,
        photometric_definition: photometric.Definition = "paper",
    ):
        photometric.check_definition(photometric_definition)
        self.names = tuple(names)
        self.renders = not PIXEL_TERMS.isdisjoint(names)
        self._decoder = decoder
        self._embed = embed
        self._embed_by_points = embed_by_points
        self._point_vertices = point_vertices
        self._photometric_definition = photometric_definition

    def __call__(
        self,
        batch: Mapping[str, tf.Tensor],
        coefficients: tf.Tensor,
        points: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """The terms `{name: [B]}` of a prediction.

        Args:
            batch: Images and labels, see `HybridModel`.
            coefficients: Predicted, `[B, 257]`.
            points: Predicted image points `[B, K, 2]`, -1 and 1 at the edges of the image; for the
                term `dense_landmark` only.

        Raises:
            ValueError: If `batch` lacks what a term needs.
        """
        self.check_keys(batch)
        coefficients = tf.cast(coefficients, tf.float32)
        decoded = self._decoder(coefficients, render=self.renders)
        groups = self._decoder.layout.split(coefficients)
        # Decoded once for all terms that compare with it, and not at all if none does.
        truth = functools.cache(
            lambda: self._decoder(tf.cast(batch["coefficients"], tf.float32), render=False)
        )
        terms = {
            "photometric": lambda: self._photometric(batch, decoded),
            "landmark": lambda: _landmark(batch, decoded),
            "five_point": lambda: _five_point(batch, decoded),
            "perceptual": lambda: self._perceptual(batch, decoded),
            "coefficient": lambda: regularization.coefficient_loss(
                groups["identity"], groups["expression"], groups["texture"]
            ),
            "albedo_flatness": lambda: regularization.albedo_flatness_loss(
                decoded["albedo"], self._decoder.face_model.skin_region
            ),
            "white_light": lambda: regularization.white_light_loss(groups["lighting"]),
            "shape_consistency": lambda: consistency.shape_consistency_loss(
                groups["identity"], batch["person"]
            ),
            "vertices": lambda: supervised.vertex_loss(decoded["shape"], truth()["shape"]),
            "albedo": lambda: supervised.albedo_loss(decoded["albedo"], truth()["albedo"]),
            "dense_landmark": lambda: self._dense_landmark(points, truth()["vertices"]),
        }
        for group in _FACE_GROUPS:
            terms[f"{group}_norm"] = functools.partial(
                regularization.squared_norm, groups[group], group
            )
        for group in GROUPS:
            terms[f"{group}_mse"] = functools.partial(self._mse, batch, groups, group)
        return {name: _with_truth(name, terms[name](), batch) for name in self.names}

    @property
    def keys(self) -> frozenset[str]:
        """The entries of a batch that the terms need, and those that they take if present."""
        optional = () if GROUND_TRUTH_TERMS.isdisjoint(self.names) else ("has_truth",)
        needed = (key for name in self.names for key in self._keys_of(name))
        return frozenset([*needed, *optional])

    def _keys_of(self, name):
        points = ("five_points",) if name == "perceptual" and self._embed_by_points else ()
        return (*BATCH_KEYS.get(name, ()), *points)

    def check_keys(self, batch: Mapping[str, tf.Tensor]) -> None:
        """Raises unless `batch` has all entries that the terms need.

        Raises:
            ValueError: If one is missing.
        """
        for name in self.names:
            missing = [key for key in self._keys_of(name) if key not in batch]
            if missing:
                truth = " (the truth of synthetic faces)" if name in GROUND_TRUTH_TERMS else ""
                raise ValueError(
                    f"The loss term `{name}` needs the entries {missing} of a batch{truth}. "
                    f"Received: {sorted(batch)}. Add them, or set the term's weight to 0."
                )

    def _photometric(self, batch, decoded):
        definition = self._photometric_definition
        attention = photometric.skin_attention(decoded["region_mask"], batch["skin"], definition)
        return photometric.photometric_loss(
            batch["image"], decoded["image"], attention, definition=definition
        )

    def _perceptual(self, batch, decoded):
        photo_points = rendered_points = {}
        if self._embed_by_points:
            photo_points = {"five_points": batch["five_points"]}
            rendered_points = {"five_points": tf.stop_gradient(decoded["five_points"])}
        # The photograph's embedding is the target: no gradient, so its activations are not kept.
        photo = tf.stop_gradient(self._embed(batch["image"], **photo_points))
        rendered = self._embed(decoded["image"], **rendered_points)
        return perceptual.perceptual_loss(photo, rendered)

    def _dense_landmark(self, points, true_vertices):
        true = self._decoder.projection(tf.gather(true_vertices, self._point_vertices, axis=1))
        pixels = (points + 1) * (self._decoder.camera.image_size / 2) - 0.5
        return supervised.dense_landmark_loss(pixels, true)

    def _mse(self, batch, groups, group):
        true = self._decoder.layout.split(tf.cast(batch["coefficients"], tf.float32))
        return supervised.coefficient_mse({group: groups[group]}, {group: true[group]})[group]


def _with_truth(name: str, values: tf.Tensor, batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Terms `[B]`, those that compare with the truth 0 for images that have none."""
    if name not in GROUND_TRUTH_TERMS or "has_truth" not in batch:
        return values
    return values * tf.cast(batch["has_truth"], values.dtype)


def _landmark(batch, decoded):
    weights = landmark.LANDMARK_WEIGHTS * batch["landmark_weights"]
    return landmark.landmark_loss(decoded["landmarks"], batch["landmarks"], weights=weights)


def _five_point(batch, decoded):
    # Only of images without 68 landmarks, of which the five points would be a repetition.
    has_landmarks = tf.reduce_any(batch["landmark_weights"] > 0, axis=-1)
    values = landmark.five_point_loss(decoded["five_points"], batch["five_points"])
    return tf.where(has_landmarks, 0.0, values)
