"""Pictures of procedural people for an identity network: several views of each.

A view changes everything but the person: pose, expression, light, framing, camera, and what
surrounds and covers the face. Half of the views have a black background, as the rendered faces
that the perceptual loss compares with photographs.

Batch j depends on `(seed, j)` and the sizes, and nothing else.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import backgrounds, synthetic_set_dataset
from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.photos import face_alignment

_BLACK_SHARE = 0.5
_COVERED_SHARE = 0.3


class PersonRenderer:
    """Draws views of random people.

    Args:
        face_model: The 3DMM of the people.
        image_size: Side of the pictures, pixels; a half-size picture costs a quarter.
        distribution: How varied people and views are.
    """

    def __init__(
        self,
        face_model: MorphableModel | str,
        image_size: int,
        distribution: FaceDistribution | None = None,
    ):
        self.decoder = FaceDecoder(face_model)
        camera = self.decoder.camera
        # The same view of the world on a coarser grid.
        small_camera = dataclasses.replace(
            camera, focal=camera.focal * image_size / camera.image_size, image_size=image_size
        )
        self.small_decoder = FaceDecoder(self.decoder.face_model, camera=small_camera)
        self.trait_scales = tf.constant(_trait_scales(self.decoder.face_model), tf.float32)
        self._draw = tf.function(self.small_decoder, jit_compile=True)
        self.image_size = image_size
        self.distribution = distribution or FaceDistribution()

    def sample_views(self, num_people: int, num_views: int, seed: tf.Tensor) -> tf.Tensor:
        """Coefficients `[num_people * num_views, 257]`, the views of a person side by side.

        Args:
            num_people: How many people.
            num_views: How many views of each.
            seed: Integer tensor `[2]`.
        """
        return synthetic_set_dataset.sample_people(
            self.decoder, num_people, num_views, seed, self.distribution
        )

    def traits(self, coefficients: tf.Tensor) -> tf.Tensor:
        """What makes the person: identity and texture of `coefficients`, `[B, 160]`, scaled.

        Each coefficient is multiplied by how much of all visible variation its mode makes, so that
        a sum of squared errors over all modes is the unexplained share of shape plus that of
        albedo.
        """
        groups = self.decoder.layout.split(coefficients)
        return tf.concat([groups["identity"], groups["texture"]], axis=-1) * self.trait_scales

    def paint(self, coefficients: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Pictures `[B, S, S, 3]` in [0, 1] of `coefficients` `[B, 257]` in random scenes."""
        batch_size, size = coefficients.shape[0], self.image_size
        seeds = tf.unstack(tf.random.split(seed, 5))
        face = self._draw(coefficients)
        scene = backgrounds.cluttered_background(batch_size, size, seeds[0])
        black = tf.random.stateless_uniform((batch_size, 1, 1, 1), seeds[1]) < _BLACK_SHARE
        scene = tf.where(black, 0.0, scene)
        lit = tf.clip_by_value(face["image"], 0.0, 1.0)
        scene = scene * (1 - face["mask"]) + lit * face["mask"]
        colours = tf.random.stateless_uniform((batch_size, 3), seeds[3])
        covered = covering_ellipse(batch_size, size, seeds[2])
        scene = backgrounds.blend(scene, colours, covered)
        return photograph(scene, seeds[4])


def photograph(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blurs, exposes and dirties `images` `[B, S, S, 3]`, each by its own amount; in [0, 1]."""
    seeds = tf.unstack(tf.random.split(seed, 2))
    shape = (images.shape[0], 3, 1, 1)
    blur, noise, exposure = tf.split(tf.random.stateless_uniform(shape, seeds[0]), 3, axis=1)
    images = images + blur * (soften(images) - images)
    dirt = 0.03 * noise * tf.random.stateless_normal(images.shape, seeds[1])
    return tf.clip_by_value((0.85 + 0.3 * exposure) * images + dirt, 0.0, 1.0)


def soften(images: tf.Tensor) -> tf.Tensor:
    """Binomial blur (1, 4, 6, 4, 1) / 16 along both axes of `images` `[B, H, W, C]`."""
    # Sums of shifted pictures: for three channels several times faster than a convolution.
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="SYMMETRIC")
    for _ in range(4):
        padded = (padded[:, 1:] + padded[:, :-1]) / 2
        padded = (padded[:, :, 1:] + padded[:, :, :-1]) / 2
    return padded


def covering_ellipse(batch_size: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Opacity `[batch_size, size, size]` of one thing in front of some of the faces."""
    column, row = backgrounds.pixel_grid(size)
    place = tf.random.stateless_uniform((batch_size, 5, 1, 1), seed)
    crop = face_alignment.CROP_SIZE  # The grid's unit, whatever the resolution of the picture.
    centre_x, centre_y = crop * place[:, 0], crop * place[:, 1]
    radius_x, radius_y = (crop * (0.05 + 0.17 * place[:, axis]) for axis in (2, 3))
    distance = ((column - centre_x) / radius_x) ** 2 + ((row - centre_y) / radius_y) ** 2
    inside = backgrounds.soft_step(0.1 * crop * (1 - distance))
    return inside * tf.cast(place[:, 4] < _COVERED_SHARE, tf.float32)


def build_identity_dataset(
    painter: PersonRenderer,
    num_people: int,
    num_views: int,
    *,
    seed: int,
    first_batch: int = 0,
    num_batches: int | None = None,
) -> tf.data.Dataset:
    """Batches of `num_people` people that no other batch has, `num_views` pictures of each.

    Args:
        painter: Draws.
        num_people: People per batch.
        num_views: Pictures of each.
        seed: Chooses the stream.
        first_batch: Number of the first batch, to go on where a run stopped.
        num_batches: How many batches; endless if `None`.

    Returns:
        A dataset of `(images [B, S, S, 3], truth)`, B = num_people * num_views, where `truth` is a
        dict of `people` int32 `[B]`, equal where pictures show the same person, and `traits`
        `[B, 160]` are those of the painter.

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
        coefficients = painter.sample_views(num_people, num_views, tf.random.fold_in(batch_seed, 0))
        images = painter.paint(coefficients, tf.random.fold_in(batch_seed, 1))
        return images, {"people": people, "traits": painter.traits(coefficients)}

    return numbers.map(make_batch).prefetch(2)


def _trait_scales(face_model: MorphableModel) -> np.ndarray:
    """Root-mean-square of every identity and texture mode `[160]`, each group of total power 1."""
    scales = []
    for basis in (face_model.identity_basis, face_model.albedo_basis):
        power = np.square(basis, dtype=np.float64).mean(axis=(0, 1))
        scales.append(np.sqrt(power / power.sum()))
    return np.concatenate(scales)
