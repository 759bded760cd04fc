"""Refinement of a fit to one photo by gradient descent through the differentiable renderer.

Convention:
    Images are aligned crops, RGB in [0, 1]; points are `(column, row)` in crop pixels. The data
    terms are landmarks and photometric residuals on visible skin; no network is involved.

Source: analysis by synthesis with the losses of Deng et al. 2019, Eq. (1) to (7), minimised for
each photo, as in the optimisation-based methods that the paper compares with.
"""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.core import checks
from tf_facerecon.inference import adam
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.losses import hybrid, landmark, photometric, regularization
from tf_facerecon.metrics import image_error, landmark_error
from tf_facerecon.morphable_models import expression_limits
from tf_facerecon.results.fitted_face import RefinementReport

# The paper's weights for the terms that it has, with two exceptions. Points: 0.02 instead of the
# 1.6e-3 for landmarks, as there may be only 5 instead of 68 with weights up to 20, and no other
# term constrains the pose. Coefficients: 1e-3 instead of 3e-4, as a single photo, unlike a dataset,
# leaves most of them unconstrained.
LOSS_WEIGHTS = {
    "photometric": 1.92,
    "points": 0.02,
    "coefficient": 1e-3,
    "albedo_flatness": 5.0,
    "white_light": 10.0,
    "mouth_opening": 5.0,
}
# Initial step size of each group in its own unit: standard deviations, radians, spherical-harmonics
# coefficients, decimetres.
STEP_SIZES = {
    "identity": 0.05,
    "expression": 0.05,
    "texture": 0.05,
    "rotation": 0.01,
    "lighting": 0.02,
    "translation": 0.01,
}
FINAL_STEP_FRACTION = 0.1
# Finding the visible triangles takes more than half of a step's time. In between, the gradient
# flows through the triangles seen last, extended over their edges.
_FIRST_STEPS = 10
_STEPS_PER_VISIBILITY = 6


class Refiner:
    """Refines one face at a time; the optimisation step is traced once, for the first face.

    Args:
        decoder: Differentiable decoder from coefficients to meshes and rendered images.
        steps: Gradient steps of Adam with a cosine schedule.
        loss_weights: Weight of every loss term; by default `LOSS_WEIGHTS`.
        step_sizes: Initial step size of every coefficient group, in its unit; by default
            `STEP_SIZES`. 0 freezes a group.

    Raises:
        ValueError: If `steps` is not positive, or a name in `loss_weights` or `step_sizes` is
            missing or unknown.
    """

    def __init__(
        self,
        decoder: FaceDecoder,
        steps: int = 120,
        loss_weights: Mapping[str, float] | None = None,
        step_sizes: Mapping[str, float] | None = None,
    ):
        if steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: {steps}.")
        self.decoder = decoder
        self.steps = steps
        self.loss_weights = _named("loss_weights", loss_weights, LOSS_WEIGHTS)
        self.step_sizes = _named("step_sizes", step_sizes, STEP_SIZES)
        self._skin_region = tf.constant(decoder.face_model.skin_region)
        sizes = decoder.layout.sizes
        scales = [np.full(size, self.step_sizes[name], np.float32) for name, size in sizes.items()]
        self._scales = tf.constant(np.concatenate(scales))
        # Adam's steps have about the size of the learning rate, whatever the gradient's scale. With
        # offsets in units of their group's step size, one rate serves groups of unlike units.
        self._learning_rate = keras.optimizers.schedules.CosineDecay(
            1.0, steps, alpha=FINAL_STEP_FRACTION
        )
        # No XLA: the rasterizer is compiled by itself, and the rest is not worth a compilation.
        self._compiled_step = tf.function(self._step)
        self._compiled_projection = tf.function(self._project)
        self._compiled_decoder = tf.function(lambda coefficients: decoder(coefficients))

    def refine(
        self,
        coefficients: np.ndarray,
        crop: np.ndarray,
        points: np.ndarray,
        skin_probability: np.ndarray,
        *,
        progress: bool = False,
    ) -> tuple[np.ndarray, RefinementReport]:
        """Fits `coefficients` more closely to the photo.

        Args:
            coefficients: `[C]` initial coefficients, see `decoder.layout`.
            crop: `[224, 224, 3]` aligned crop, RGB in [0, 1].
            points: `[5, 2]` or `[68, 2]` target landmarks, crop pixels `(column, row)`.
            skin_probability: `[224, 224]` in [0, 1].
            progress: Whether to show a progress bar.

        Returns:
            Refined coefficients `[C]` float32, and the errors before and after.

        Raises:
            ValueError: If a shape is wrong.
        """
        size = self.decoder.camera.image_size
        checks.check_shape("coefficients", coefficients, (self.decoder.layout.total,))
        checks.check_shape("crop", crop, (size, size, 3))
        checks.check_shape("skin_probability", skin_probability, (size, size))
        if np.shape(points) not in ((5, 2), (68, 2)):
            raise ValueError(f"`points` must be [5, 2] or [68, 2]. Received: {np.shape(points)}.")
        ellipse = image_error.face_ellipse(points, skin_probability.shape)
        targets = [
            tf.constant(np.asarray(value, np.float32)[None])
            for value in (crop, points, (ellipse * skin_probability)[..., None])
        ]
        start = tf.constant(np.asarray(coefficients, np.float32)[None])
        # Offsets and optimizer state belong to this call: threads share nothing that changes.
        offsets = tf.zeros_like(start)
        state = adam.initial_state(offsets)
        for step in tqdm(range(self.steps), desc="refine", unit="step", disable=not progress):
            if _sees_anew(step):
                offsets, triangle_ids = self._compiled_projection(start, offsets)
            offsets, state = self._compiled_step(offsets, state, triangle_ids, start, *targets)
        offsets, _ = self._compiled_projection(start, offsets)
        end = start + self._scales * offsets
        before, after = (self._errors(c, crop, points, skin_probability) for c in (start, end))
        report = RefinementReport(self.steps, before[0], after[0], before[1], after[1])
        return end.numpy()[0], report

    def _step(self, offsets, state, triangle_ids, start, *targets):
        """One step of Adam; returns the offsets and its state."""
        with tf.GradientTape() as tape:
            tape.watch(offsets)
            terms = self._terms(start + self._scales * offsets, triangle_ids, start, *targets)
            loss = hybrid.total_loss(terms, self.loss_weights)
        rate = self._learning_rate(state.step)
        return adam.adam_step(offsets, tape.gradient(loss, offsets), state, rate)

    def _project(self, start, offsets):
        """Offsets to the nearest valid expression, and the triangles then visible."""
        allowed = expression_limits.limit_coefficients(
            self.decoder.face_model, self.decoder.layout, start + self._scales * offsets
        )
        offsets = tf.math.divide_no_nan(allowed - start, self._scales)
        return offsets, self.decoder.visible_triangles(start + self._scales * offsets)

    def _terms(self, coefficients, triangle_ids, start, crop, points, skin_probability):
        groups = self.decoder.layout.split(coefficients)
        decoded = self.decoder(coefficients, triangle_ids=triangle_ids)
        attention = photometric.skin_attention(decoded["region_mask"], skin_probability)
        return {
            "photometric": photometric.photometric_loss(crop, decoded["image"], attention),
            "points": _point_loss(decoded, points),
            "coefficient": regularization.coefficient_loss(
                groups["identity"], groups["expression"], groups["texture"]
            ),
            "albedo_flatness": regularization.albedo_flatness_loss(
                decoded["albedo"], self._skin_region
            ),
            "white_light": regularization.white_light_loss(groups["lighting"]),
            "mouth_opening": self._mouth_change(decoded, start, points),
        }

    def _mouth_change(self, decoded, start, points):
        """Squared change of the gap between the lips, square decimetres, `[B]`; 0 with 68 points.

        Skin is a closer match to lips than to teeth or the dark of a mouth, so that the photometric
        term closes open mouths; of five points none tells otherwise, but the network has seen it.
        """
        if points.shape[1] != 5:
            return tf.zeros(tf.shape(points)[:1])
        change = decoded["shape"] - self.decoder(start, render=False)["shape"]
        upper, lower = self.decoder.face_model.landmarks[[[61, 62, 63], [67, 66, 65]]]
        moved = tf.gather(change[..., 1], upper, axis=1) - tf.gather(change[..., 1], lower, axis=1)
        return tf.reduce_mean(tf.square(moved), axis=-1)

    def _errors(self, coefficients, crop, points, skin_probability) -> tuple[float, float]:
        """Photometric and landmark error."""
        decoded = self._compiled_decoder(coefficients)
        predicted = decoded["five_points" if len(points) == 5 else "landmarks"]
        region = image_error.photometric_region(points, skin_probability)
        return (
            image_error.photometric_error(decoded["image"].numpy()[0], crop, region),
            landmark_error.interocular_error(predicted.numpy()[0], points),
        )


def _sees_anew(step: int) -> bool:
    """Whether visible triangles are found anew: always at first, when the pose moves by pixels."""
    return step < _FIRST_STEPS or step % _STEPS_PER_VISIBILITY == 0


def refine(
    decoder: FaceDecoder,
    coefficients: np.ndarray,
    crop: np.ndarray,
    points: np.ndarray,
    skin_probability: np.ndarray,
    *,
    progress: bool = False,
    **settings,
) -> tuple[np.ndarray, RefinementReport]:
    """Refines one face; for several faces a `Refiner`, which compiles once, is faster.

    Args:
        decoder: As for `Refiner`.
        coefficients: As for `Refiner.refine`, as all that follow.
        crop: `[224, 224, 3]` aligned crop.
        points: `[5, 2]` or `[68, 2]` target landmarks.
        skin_probability: `[224, 224]`.
        progress: Whether to show a progress bar.
        **settings: `steps`, `loss_weights`, `step_sizes` for `Refiner`.

    Returns:
        Refined coefficients `[C]` float32, and the errors before and after.
    """
    return Refiner(decoder, **settings).refine(
        coefficients, crop, points, skin_probability, progress=progress
    )


def _point_loss(decoded, points):
    if points.shape[1] == 5:
        return landmark.five_point_loss(decoded["five_points"], points)
    return landmark.landmark_loss(decoded["landmarks"], points)


def _named(argument: str, given: Mapping[str, float] | None, default: Mapping[str, float]) -> dict:
    values = dict(default if given is None else given)
    if values.keys() != default.keys():
        raise ValueError(
            f"`{argument}` must name exactly {sorted(default)}. Received: {sorted(values)}."
        )
    return values
