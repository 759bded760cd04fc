"""Gradient descent through the renderer: a closer fit of one photograph.

Convention:
    Everything lives in the aligned crop: RGB in [0, 1], points `(column, row)` in pixels. Only
    landmarks and skin that the photograph shows are compared; there is no network inside.

Source: the analysis-by-synthesis energy of Deng et al. 2019, Eq. (1) to (7), minimised per
photograph as in the fitting baselines that the paper compares with.
"""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.core import checks
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.losses import hybrid, landmark, photometric, regularization
from tf_facerecon.metrics import landmark_error, photometric_error
from tf_facerecon.morphable_models import expression_limits
from tf_facerecon.results.fitted_face import RefinementReport

# Weights of the paper where it has the term, but points count more than its 1.6e-3: there are 5 of
# them, not 68 with weights up to 20, and nothing else holds the pose. Coefficients count more than
# its 3e-4: one photograph, unlike a data set, leaves most of them free.
LOSS_WEIGHTS = {
    "photometric": 1.92,
    "points": 0.02,
    "coefficient": 1e-3,
    "albedo_flatness": 5.0,
    "white_light": 10.0,
}
# How far one step moves a group at the start, in its unit: standard deviations, radians, units of
# light, decimetres.
STEP_SIZES = {
    "identity": 0.05,
    "expression": 0.05,
    "texture": 0.05,
    "rotation": 0.01,
    "lighting": 0.02,
    "translation": 0.01,
}
FINAL_STEP_FRACTION = 0.1


class Refiner:
    """Refines one face at a time; compiled once, at the first face.

    Args:
        decoder: The differentiable decoder.
        steps: Number of gradient steps.
        loss_weights: Weight of every term; see `LOSS_WEIGHTS`.
        step_sizes: Step at the start for every group; see `STEP_SIZES`. 0 freezes a group.

    Raises:
        ValueError: If `steps` is not positive, or a name in `loss_weights` or `step_sizes` is
            missing or unknown.
    """

    def __init__(
        self,
        decoder: FaceDecoder,
        steps: int = 150,
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
        self._offsets = {
            name: keras.Variable(np.zeros((1, size), np.float32), name=name)
            for name, size in decoder.layout.sizes.items()
        }
        # Adam moves every number by about the learning rate, whatever the size of its gradient.
        # With offsets counted in steps of their group, one optimizer serves groups of unlike units.
        self._optimizer = keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(1.0, steps, alpha=FINAL_STEP_FRACTION)
        )
        self._optimizer.build(list(self._offsets.values()))
        self._initial_state = [value.numpy() for value in self._optimizer.variables]
        # The rasterizer inside is compiled by XLA, and shared with every other decoding. Compiling
        # the rest as well costs more seconds than 150 steps win.
        self._traced_step = tf.function(self._step)

    def refine(
        self,
        coefficients: np.ndarray,
        crop: np.ndarray,
        points: np.ndarray,
        skin_probability: np.ndarray,
        *,
        progress: bool = False,
    ) -> tuple[np.ndarray, RefinementReport]:
        """Moves `coefficients` closer to the photograph.

        Args:
            coefficients: `[C]`, the start.
            crop: `[H, W, 3]`, aligned photograph in [0, 1].
            points: `[5, 2]` or `[68, 2]` landmarks that were found in the crop.
            skin_probability: `[H, W]` in [0, 1].
            progress: Whether to show a progress bar.

        Returns:
            The refined coefficients `[C]` float32, and what changed.

        Raises:
            ValueError: If a shape is wrong.
        """
        size = self.decoder.camera.image_size
        checks.check_shape("coefficients", coefficients, (self.decoder.layout.total,))
        checks.check_shape("crop", crop, (size, size, 3))
        checks.check_shape("skin_probability", skin_probability, (size, size))
        if np.shape(points) not in ((5, 2), (68, 2)):
            raise ValueError(f"`points` must be [5, 2] or [68, 2]. Received: {np.shape(points)}.")
        ellipse = photometric_error.face_ellipse(points, skin_probability.shape)
        photograph = [
            tf.constant(np.asarray(value, np.float32)[None])
            for value in (crop, points, (ellipse * skin_probability)[..., None])
        ]
        start = tf.constant(np.asarray(coefficients, np.float32)[None])
        self._reset()
        for _ in tqdm(range(self.steps), desc="refine", unit="step", disable=not progress):
            self._traced_step(start, *photograph)
        end = self._coefficients(start)
        report = RefinementReport(
            self.steps,
            *(self._photometric_error(c, crop, points, skin_probability) for c in (start, end)),
            *(self._point_error(c, points) for c in (start, end)),
        )
        return end.numpy()[0], report

    def _reset(self) -> None:
        for variable in self._offsets.values():
            variable.assign(np.zeros(variable.shape, np.float32))
        for variable, value in zip(self._optimizer.variables, self._initial_state, strict=True):
            variable.assign(value)

    def _coefficients(self, start):
        groups = self.decoder.layout.split(start)
        moved = {
            name: group + self.step_sizes[name] * self._offsets[name].value
            for name, group in groups.items()
        }
        return self.decoder.layout.merge(moved)

    def _step(self, start, crop, points, skin_probability):
        variables = list(self._offsets.values())
        with tf.GradientTape() as tape:
            terms = self._terms(self._coefficients(start), crop, points, skin_probability)
            loss = hybrid.total_loss(terms, self.loss_weights)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self._optimizer.apply(gradients, variables)
        self._allow_expression(start)
        return loss

    def _allow_expression(self, start):
        """Takes back what a step moved an expression beyond what the face model allows."""
        step = self.step_sizes["expression"]
        if step > 0:
            first = self.decoder.layout.split(start)["expression"]
            offset = self._offsets["expression"]
            allowed = expression_limits.limit_expression(
                self.decoder.face_model, first + step * offset.value
            )
            offset.assign((allowed - first) / step)

    def _terms(self, coefficients, crop, points, skin_probability):
        groups = self.decoder.layout.split(coefficients)
        decoded = self.decoder(coefficients)
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
        }

    def _photometric_error(self, coefficients, crop, points, skin_probability) -> float:
        rendered = self.decoder(coefficients)["image"].numpy()[0]
        region = photometric_error.photometric_region(points, skin_probability)
        return photometric_error.photometric_error(rendered, crop, region)

    def _point_error(self, coefficients, points) -> float:
        decoded = self.decoder(coefficients, render=False)
        predicted = decoded["five_points" if len(points) == 5 else "landmarks"]
        return landmark_error.interocular_error(predicted.numpy()[0], points)


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
    """Refines one face, with arguments as in `Refiner`; for many, one `Refiner` compiles once."""
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
