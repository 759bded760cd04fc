"""Rendered images of random people for training an identity network: several views of each.

Views of a person differ in pose, expression, lighting, framing, camera artefacts, background and
occluders. Half of them have a black background, like the rendered faces that the perceptual loss
compares with photographs.

Batch j depends only on `(seed, j)` and the options.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import (
    backgrounds,
    camera_artifacts,
    compositing,
    occluders,
    synthetic_set_dataset,
)
from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.morphable_models.morphable_model import MorphableModel

_BLACK_PROBABILITY = 0.5  # Of a black background.


class PersonRenderer:
    """Renders views of random people.

    Args:
        face_model: The 3DMM of the people.
        image_size: Height and width of the images, pixels; half the size costs a quarter.
        distribution: Distribution of the coefficients.
    """

    def __init__(
        self,
        face_model: MorphableModel | str,
        image_size: int,
        distribution: FaceDistribution | None = None,
    ):
        self.decoder = FaceDecoder(face_model)
        camera = self.decoder.camera
        # The same field of view at a lower resolution.
        small_camera = dataclasses.replace(
            camera, focal=camera.focal * image_size / camera.image_size, image_size=image_size
        )
        self.small_decoder = FaceDecoder(self.decoder.face_model, camera=small_camera)
        self.trait_scales = tf.constant(_trait_scales(self.decoder.face_model), tf.float32)
        self._decode = tf.function(self.small_decoder, jit_compile=True)
        self.image_size = image_size
        self.distribution = distribution or FaceDistribution()

    def sample_views(self, num_people: int, num_views: int, seed: tf.Tensor) -> tf.Tensor:
        """Coefficients `[num_people * num_views, 257]`, the views of one person adjacent.

        Args:
            num_people: Number of people.
            num_views: Number of views of each person.
            seed: Integer tensor `[2]`.
        """
        return synthetic_set_dataset.sample_views_of_people(
            self.decoder, num_people, num_views, seed, self.distribution
        )

    def traits(self, coefficients: tf.Tensor) -> tf.Tensor:
        """Scaled identity and texture coefficients `[B, 160]`, the regression target of a person.

        Each coefficient is multiplied by the root of its mode's share of the total variance, so
        that the sum of squared errors is the unexplained fraction of the variance of shape plus
        that of albedo.
        """
        groups = self.decoder.layout.split(coefficients)
        return tf.concat([groups["identity"], groups["texture"]], axis=-1) * self.trait_scales

    def render(self, coefficients: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Renders faces with random backgrounds, occluders and camera artefacts.

        Args:
            coefficients: `[B, 257]`.
            seed: Integer tensor `[2]`, of everything but the faces.

        Returns:
            Images `[B, S, S, 3]` in [0, 1].
        """
        batch_size, size = coefficients.shape[0], self.image_size
        seeds = tf.unstack(tf.random.split(seed, 5))
        face = self._decode(coefficients)
        scene = backgrounds.cluttered_background(batch_size, size, seeds[0])
        black = tf.random.stateless_uniform((batch_size, 1, 1, 1), seeds[1]) < _BLACK_PROBABILITY
        scene = tf.where(black, 0.0, scene)
        lit = tf.clip_by_value(face["image"], 0.0, 1.0)
        scene = scene * (1 - face["mask"]) + lit * face["mask"]
        colours = tf.random.stateless_uniform((batch_size, 3), seeds[3])
        occluded = occluders.random_ellipse_mask(batch_size, size, seeds[2])
        scene = compositing.alpha_blend(scene, colours, occluded)
        return camera_artifacts.add_artifacts_per_image(scene, seeds[4])


def build_identity_dataset(
    renderer: PersonRenderer,
    num_people: int,
    num_views: int,
    *,
    seed: int,
    first_batch: int = 0,
    num_batches: int | None = None,
) -> tf.data.Dataset:
    """Batches of `num_people` new people with `num_views` images of each.

    Args:
        renderer: Renders the views.
        num_people: People per batch.
        num_views: Images of each person.
        seed: Of the dataset.
        first_batch: Index of the first batch, to resume a run.
        num_batches: Number of batches; endless if `None`.

    Returns:
        A dataset of `(images [B, S, S, 3], truth)`, B = num_people * num_views, where `truth` is a
        dict of `people`, int32 `[B]`, the label of the person within the batch, and `traits`
        `[B, 160]`, see `PersonRenderer.traits`.

    Raises:
        ValueError: If there are fewer than two people or views, or `first_batch` is negative.
    """
    if min(num_people, num_views) < 2:
        raise ValueError(
            "`num_people` and `num_views` must be at least 2. "
            f"Received: num_people={num_people}, num_views={num_views}."
        )
    if first_batch < 0:
        raise ValueError(f"`first_batch` must not be negative. Received: {first_batch}.")
    numbers = tf.data.Dataset.counter(start=first_batch)
    if num_batches is not None:
        numbers = numbers.take(num_batches)
    people = tf.repeat(tf.range(num_people), num_views)

    def make_batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch_seed = tf.stack([tf.constant(seed, tf.int64), number])
        coefficients = renderer.sample_views(
            num_people, num_views, tf.random.fold_in(batch_seed, 0)
        )
        images = renderer.render(coefficients, tf.random.fold_in(batch_seed, 1))
        return images, {"people": people, "traits": renderer.traits(coefficients)}

    return numbers.map(make_batch).prefetch(2)


def _trait_scales(face_model: MorphableModel) -> np.ndarray:
    """Relative RMS `[160]` of every identity and texture mode; squares sum to 1 in each group."""
    scales = []
    for basis in (face_model.identity_basis, face_model.albedo_basis):
        power = np.square(basis, dtype=np.float64).mean(axis=(0, 1))
        scales.append(np.sqrt(power / power.sum()))
    return np.concatenate(scales)
