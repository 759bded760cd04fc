"""An endless `tf.data` dataset of rendered faces with known coefficients.

Batch j depends only on `(seed, j, batch_size)` and the options: an interrupted training run resumes
with the batch that would have come next, and any machine gets the same images.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from tf_facerecon.datasets import (
    backgrounds,
    camera_artifacts,
    coefficient_sampling,
    compositing,
    occluders,
    photometric_augmentation,
    wrinkles,
)
from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.photos import face_alignment

# Landmarks 17..26 are the eyebrows; a fringe of hair ends above them.
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
        decoder: Renders the faces; its face model and camera are those of the dataset.
        batch_size: Faces per batch.
        seed: Of the dataset. Datasets of different seeds share no face.
        first_batch: Index of the first batch, to resume a run.
        num_batches: Number of batches; endless if `None`.
        distribution: Distribution of the coefficients.
        pixel_step: Renders every `pixel_step`-th pixel of both axes and repeats it. The small
            R-Net first averages 2 x 2 pixels: with 2 it loses nothing, at a quarter of the cost.
        pool_batches: Renders only this many batches, keeps them in memory (8-bit images) and
            repeats them; endless new faces if `None`.
        lifelike: Adds what photographs have and plain renderings lack: more smiles (`smiling` of
            `distribution` is overridden), wrinkles, and photometric augmentation (new each time
            that a pool is repeated). `coefficients` describe neither wrinkles nor augmentation.

    Returns:
        A dataset of dicts: `image` `[B, H, W, 3]` RGB in [0, 1], `landmarks` `[B, 68, 2]`
        (column, row), `landmark_weights` `[B, 68]` (ones), `five_points` `[B, 5, 2]`, `skin`
        `[B, H, W, 1]` (1 where the face is visible) and `coefficients` `[B, layout.total]`.

    Raises:
        ValueError: If `batch_size` is not positive, `first_batch` is negative, or `pixel_step` does
            not divide the image size, or `pool_batches` is not positive.
    """
    check_arguments(decoder, batch_size, first_batch, pixel_step, pool_batches)
    distribution = distribution or FaceDistribution()
    if lifelike:
        distribution = dataclasses.replace(distribution, smiling=_LIFELIKE_SMILING)
    render = compile_renderer(decoder, pixel_step)

    def make_batch(number: tf.Tensor) -> dict[str, tf.Tensor]:
        batch_seed = tf.stack([tf.constant(seed, tf.int64), number])
        coefficients = coefficient_sampling.sample_coefficients(
            decoder, batch_size, tf.random.fold_in(batch_seed, 0), distribution
        )
        true = decoder(coefficients, render=False)
        image, skin = render_photographs(
            render,
            coefficients,
            to_crop_pixels(true["landmarks"], decoder),
            tf.random.fold_in(batch_seed, 1),
            lifelike,
        )
        return {
            "image": to_uint8(image),
            "landmarks": true["landmarks"],
            "landmark_weights": tf.ones(true["landmarks"].shape[:2]),
            "five_points": true["five_points"],
            "skin": to_uint8(skin),
            "coefficients": coefficients,
        }

    augmentation_seed = seed if lifelike else None
    return dataset_of_batches(
        make_batch, pixel_step, first_batch, num_batches, pool_batches, augmentation_seed
    )


def check_arguments(
    decoder: FaceDecoder,
    batch_size: int,
    first_batch: int,
    pixel_step: int,
    pool_batches: int | None,
) -> None:
    """Checks the arguments that the synthetic datasets share.

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


def compile_renderer(
    decoder: FaceDecoder, pixel_step: int
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Compiles a `FaceDecoder` like `decoder` that renders every `pixel_step`-th pixel."""
    camera = decoder.camera
    coarse_camera = dataclasses.replace(
        camera, image_size=camera.image_size // pixel_step, focal=camera.focal / pixel_step
    )
    renderer = FaceDecoder(decoder.face_model, decoder.layout.lighting, coarse_camera)
    # XLA for the decoder only: it fuses the geometry; backgrounds and occluders gain nothing.
    return tf.function(renderer, jit_compile=True)


def dataset_of_batches(
    make_batch: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    pixel_step: int,
    first_batch: int,
    num_batches: int | None,
    pool_batches: int | None,
    augmentation_seed: int | None = None,
) -> tf.data.Dataset:
    """A dataset of batches that depend only on their index, `image` and `skin` as full-size floats.

    Args:
        make_batch: From an int64 index to a batch whose `image` and `skin` are uint8.
        pixel_step: See `build_synthetic_dataset`, as for the others.
        first_batch: Index of the first batch.
        num_batches: Number of batches; endless if `None`.
        pool_batches: Number of different batches, which are repeated; all differ if `None`.
        augmentation_seed: Seed of the photometric augmentation of `image`; none if `None`.
    """

    def unpack(number: tf.Tensor, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        images = {
            name: tf.image.convert_image_dtype(batch[name], tf.float32)
            for name in ("image", "skin")
        }
        if augmentation_seed is not None:
            batch_seed = tf.stack([tf.constant(augmentation_seed, tf.int64), number])
            images["image"] = photometric_augmentation.augment_photometrically(
                images["image"], tf.random.fold_in(batch_seed, 2)
            )
        return {**batch, **{name: upsample(values, pixel_step) for name, values in images.items()}}

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
    """Scales `landmarks` `[B, 68, 2]` from the decoder's image size to pixels of the 224 crop."""
    return landmarks * (face_alignment.CROP_SIZE / decoder.camera.image_size)


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Quantizes images in [0, 1] to 8 bits, as photographs have: a pool of them fits in memory."""
    return tf.image.convert_image_dtype(images, tf.uint8, saturate=True)


def render_photographs(
    render: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    coefficients: tf.Tensor,
    landmarks: tf.Tensor,
    seed: tf.Tensor,
    add_wrinkles: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Renders faces before random backgrounds, with occluders and camera artefacts.

    Args:
        render: A `FaceDecoder`, or what `compile_renderer` returns.
        coefficients: `[B, layout.total]` with a static B.
        landmarks: `[B, 68, 2]` pixels of the 224 crop.
        seed: Integer tensor `[2]`, of everything but the faces.
        add_wrinkles: Whether to draw wrinkles.

    Returns:
        Images `[B, H, W, 3]` in [0, 1], and a mask `[B, H, W, 1]` of the visible face region.
    """
    seeds = tf.unstack(tf.random.split(seed, 5))
    face = render(coefficients)
    batch_size, size = face["image"].shape[:2]
    lit = tf.clip_by_value(face["image"], 0.0, 1.0)
    skin_colour = tf.math.divide_no_nan(
        tf.reduce_sum(lit * face["region_mask"], axis=(1, 2)),
        tf.reduce_sum(face["region_mask"], axis=(1, 2)),
    )
    if add_wrinkles:
        lit = wrinkles.draw_wrinkles(lit, landmarks, tf.random.fold_in(seed, 5))
    scene = backgrounds.cluttered_background(batch_size, size, seeds[0])
    scene = backgrounds.draw_hair_and_shoulders(scene, skin_colour, seeds[1])
    scene = scene * (1 - face["mask"]) + lit * face["mask"]
    brow_row = tf.reduce_min(landmarks[:, _EYEBROWS, 1], axis=1)
    occluded = occluders.occluder_mask(batch_size, size, brow_row, seeds[2])
    scene = compositing.alpha_blend(
        scene, backgrounds.hair_colours(batch_size, seeds[3]), occluded[..., 0]
    )
    return camera_artifacts.add_camera_artifacts(scene, seeds[4]), face["region_mask"] * (
        1 - occluded
    )


def upsample(images: tf.Tensor, factor: int) -> tf.Tensor:
    """Nearest-neighbour upsampling of `[..., H, W, C]` by an integer `factor`."""
    return tf.repeat(tf.repeat(images, factor, axis=-3), factor, axis=-2)
