"""An endless stream of rendered faces whose truth is known.

Batch j depends on `(seed, j, batch_size)` and the options of the stream: a run that stopped goes on
with the batch it would have seen, and two machines see the same pictures.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from tf_facerecon.datasets import (
    backgrounds,
    coefficient_sampling,
    photometric_augmentation,
    wrinkles,
)
from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.photos import face_alignment

# Landmarks 17..26 are the eyebrows; a fringe ends above them.
_EYEBROWS = slice(17, 27)
_LIFELIKE_SMILING = 0.4


def build_synthetic_dataset(
    decoder: FaceDecoder,
    batch_size: int,
    *,
    seed: int,
    first_batch: int = 0,
    num_batches: int | None = None,
    distribution: FaceDistribution | None = None,
    pixel_step: int = 1,
    pool_batches: int | None = None,
    lifelike: bool = False,
) -> tf.data.Dataset:
    """Batches of synthetic photographs with landmarks, skin and true coefficients.

    Args:
        decoder: Renders the faces; its face model and camera are those of the stream.
        batch_size: Faces per batch.
        seed: Chooses the stream. Streams of different seeds share no face.
        first_batch: Number of the first batch, to go on where a run stopped.
        num_batches: How many batches; endless if `None`.
        distribution: How varied the faces are.
        pixel_step: Renders every `pixel_step`-th pixel of both axes and repeats it. The small
            R-Net averages 2 x 2 pixels before anything else: with 2 it sees as much, for a quarter
            of the work.
        pool_batches: Draws only this many batches, keeps them in memory (8-bit pictures) and
            repeats them; endless fresh faces if `None`.
        lifelike: Also what photographs have and renderings have not: many smile, skin has creases,
            and contrast, colour and sharpness differ from picture to picture (of a pool also each
            time that it is repeated). `coefficients` know nothing of creases and tones, and the
            share of `distribution` that smiles gives way.

    Returns:
        A dataset of dicts: `image` `[B, H, W, 3]` RGB in [0, 1], `landmarks` `[B, 68, 2]`
        (column, row), `landmark_weights` `[B, 68]` (ones), `five_points` `[B, 5, 2]`, `skin`
        `[B, H, W, 1]` (1 where uncovered face is seen) and `coefficients` `[B, layout.total]`.

    Raises:
        ValueError: If `batch_size` is not positive, `first_batch` is negative, or `pixel_step` does
            not divide the image size, or `pool_batches` is not positive.
    """
    check_numbers(decoder, batch_size, first_batch, pixel_step, pool_batches)
    distribution = distribution or FaceDistribution()
    if lifelike:
        distribution = dataclasses.replace(distribution, smiling=_LIFELIKE_SMILING)
    paint = compile_painter(decoder, pixel_step)

    def make_batch(number: tf.Tensor) -> dict[str, tf.Tensor]:
        batch_seed = tf.stack([tf.constant(seed, tf.int64), number])
        coefficients = coefficient_sampling.sample_coefficients(
            decoder, batch_size, tf.random.fold_in(batch_seed, 0), distribution
        )
        true = decoder(coefficients, render=False)
        image, skin = photograph_faces(
            paint,
            coefficients,
            to_crop_pixels(true["landmarks"], decoder),
            tf.random.fold_in(batch_seed, 1),
            lifelike,
        )
        return {
            "image": to_bytes(image),
            "landmarks": true["landmarks"],
            "landmark_weights": tf.ones(true["landmarks"].shape[:2]),
            "five_points": true["five_points"],
            "skin": to_bytes(skin),
            "coefficients": coefficients,
        }

    tone_seed = seed if lifelike else None
    return numbered_batches(
        make_batch, pixel_step, first_batch, num_batches, pool_batches, tone_seed
    )


def check_numbers(
    decoder: FaceDecoder,
    batch_size: int,
    first_batch: int,
    pixel_step: int,
    pool_batches: int | None,
) -> None:
    """Raises unless the numbers of a stream are in their ranges.

    Raises:
        ValueError: See `build_synthetic_dataset`.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}.")
    if pool_batches is not None and pool_batches < 1:
        raise ValueError(f"`pool_batches` must be at least 1. Received: {pool_batches}.")
    if first_batch < 0:
        raise ValueError(f"`first_batch` must not be negative. Received: {first_batch}.")
    image_size = decoder.camera.image_size
    if pixel_step < 1 or image_size % pixel_step:
        raise ValueError(
            f"`pixel_step` must divide the image size {image_size}. Received: {pixel_step}."
        )


def compile_painter(
    decoder: FaceDecoder, pixel_step: int
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """`decoder`, compiled, for pictures of every `pixel_step`-th pixel."""
    camera = decoder.camera
    coarse_camera = dataclasses.replace(
        camera, image_size=camera.image_size // pixel_step, focal=camera.focal / pixel_step
    )
    painter = FaceDecoder(decoder.face_model, decoder.layout.lighting, coarse_camera)
    # XLA for the decoder only: it fuses the geometry, and the scenery gains nothing from it.
    return tf.function(painter, jit_compile=True)


def numbered_batches(
    make_batch: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    pixel_step: int,
    first_batch: int,
    num_batches: int | None,
    pool_batches: int | None,
    tone_seed: int | None = None,
) -> tf.data.Dataset:
    """Batches by their numbers, their `image` and `skin` as floats of full size.

    Args:
        make_batch: Batch of an int64 number; its `image` and `skin` are `to_bytes`.
        pixel_step: See `build_synthetic_dataset`, as for the others.
        first_batch: Number of the first batch.
        num_batches: How many; endless if `None`.
        pool_batches: How many different ones are made, if not all.
        tone_seed: Chooses how the tones of `image` are varied, by the number of the batch; not at
            all if `None`.
    """

    def unpack(number: tf.Tensor, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        pictures = {
            name: tf.image.convert_image_dtype(batch[name], tf.float32)
            for name in ("image", "skin")
        }
        if tone_seed is not None:
            batch_seed = tf.stack([tf.constant(tone_seed, tf.int64), number])
            pictures["image"] = photometric_augmentation.vary_tones(
                pictures["image"], tf.random.fold_in(batch_seed, 2)
            )
        return {**batch, **{name: enlarge(p, pixel_step) for name, p in pictures.items()}}

    if pool_batches is None:
        batches = tf.data.Dataset.counter(start=first_batch).map(make_batch)
    else:
        # The pool is drawn from where the run is in it: nothing is drawn only to be skipped.
        start = first_batch % pool_batches
        numbers = tf.data.Dataset.range(start, start + pool_batches)
        batches = numbers.map(lambda number: make_batch(number % pool_batches)).cache().repeat()
    if num_batches is not None:
        batches = batches.take(num_batches)
    batches = tf.data.Dataset.zip(tf.data.Dataset.counter(start=first_batch), batches)
    return batches.map(unpack).prefetch(2)


def to_crop_pixels(landmarks: tf.Tensor, decoder: FaceDecoder) -> tf.Tensor:
    """`landmarks` `[B, 68, 2]` of a `decoder` of any image size in pixels of the 224 crop."""
    return landmarks * (face_alignment.CROP_SIZE / decoder.camera.image_size)


def to_bytes(images: tf.Tensor) -> tf.Tensor:
    """Eight bits, as photographs have: a pool of them fits in memory."""
    return tf.image.convert_image_dtype(images, tf.uint8, saturate=True)


def photograph_faces(
    decode: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    coefficients: tf.Tensor,
    landmarks: tf.Tensor,
    seed: tf.Tensor,
    creases: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pictures of faces in cluttered scenes.

    Args:
        decode: A `FaceDecoder`, or a function that compiles one.
        coefficients: `[B, layout.total]` with a static B.
        landmarks: `[B, 68, 2]` pixels of the 224 crop.
        seed: Integer tensor `[2]`; chooses the scenes, not the faces.
        creases: Whether skin has creases.

    Returns:
        Images `[B, H, W, 3]`, and where uncovered face is seen `[B, H, W, 1]`.
    """
    seeds = tf.unstack(tf.random.split(seed, 5))
    face = decode(coefficients)
    batch_size, size = face["image"].shape[:2]
    lit = tf.clip_by_value(face["image"], 0.0, 1.0)
    skin_colour = tf.math.divide_no_nan(
        tf.reduce_sum(lit * face["region_mask"], axis=(1, 2)),
        tf.reduce_sum(face["region_mask"], axis=(1, 2)),
    )
    if creases:
        lit = wrinkles.draw_creases(lit, landmarks, tf.random.fold_in(seed, 5))
    scene = backgrounds.cluttered_background(batch_size, size, seeds[0])
    scene = backgrounds.draw_head_behind(scene, skin_colour, seeds[1])
    scene = scene * (1 - face["mask"]) + lit * face["mask"]
    brow_row = tf.reduce_min(landmarks[:, _EYEBROWS, 1], axis=1)
    covered = backgrounds.occluder_mask(batch_size, size, brow_row, seeds[2])
    scene = backgrounds.blend(
        scene, backgrounds.hair_colours(batch_size, seeds[3]), covered[..., 0]
    )
    return backgrounds.camera_faults(scene, seeds[4]), face["region_mask"] * (1 - covered)


def enlarge(images: tf.Tensor, step: int) -> tf.Tensor:
    """Repeats every pixel of `[..., H, W, C]` `step` times in both directions."""
    return tf.repeat(tf.repeat(images, step, axis=-3), step, axis=-2)
