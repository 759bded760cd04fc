"""An endless `tf.data` dataset of image sets: rendered images of one person, some corrupted.

The images of a set share identity and texture; expression, pose, lighting and background differ.
Batch j depends only on `(seed, j)` and the options, as in `synthetic_dataset`.
"""

import tensorflow as tf

from tf_facerecon.datasets import coefficient_sampling, corruptions, synthetic_dataset
from tf_facerecon.datasets.coefficient_sampling import FaceDistribution
from tf_facerecon.layers.face_decoder import FaceDecoder

# Factor of the noise of the five points from which a bad image is aligned.
_BAD_POINT_NOISE = 2.0


def build_synthetic_set_dataset(
    decoder: FaceDecoder,
    batch_size: int,
    set_size: int,
    *,
    seed: int,
    first_batch: int = 0,
    num_batches: int | None = None,
    bad_frames: tuple[int, int] = (1, 3),
    distribution: FaceDistribution | None = None,
    pixel_step: int = 1,
    pool_batches: int | None = None,
) -> tf.data.Dataset:
    """Batches of image sets with landmarks, skin and true coefficients.

    Args:
        decoder: Renders the faces; its face model and camera are those of the dataset.
        batch_size: Sets (people) per batch.
        set_size: Images per set.
        seed: Of the dataset. Datasets of different seeds share no person.
        first_batch: Index of the first batch, to resume a run.
        num_batches: Number of batches; endless if `None`.
        bad_frames: Smallest and largest number of corrupted images in a set, see `corruptions`;
            `(0, 0)` for clean sets.
        distribution: Distribution of the coefficients of people and clean images.
        pixel_step: See `synthetic_dataset.build_synthetic_dataset`.
        pool_batches: Renders only this many batches and repeats them.

    Returns:
        A dataset of dicts: the keys of `build_synthetic_dataset`, `[B, N, ...]` each, and
        `image_mask` `[B, N]` (ones) and `corruption` `[B, N]`, int32
        indices of `corruptions.CORRUPTIONS`.

    Raises:
        ValueError: If a number is out of range.
    """
    if set_size < 1:
        raise ValueError(f"`set_size` must be at least 1. Received: {set_size}.")
    synthetic_dataset.check_arguments(decoder, batch_size, first_batch, pixel_step, pool_batches)
    corruptions.check_bad_frames(bad_frames, set_size)
    distribution = distribution or FaceDistribution()
    render = synthetic_dataset.compile_renderer(decoder, pixel_step)

    def make_batch(number: tf.Tensor) -> dict[str, tf.Tensor]:
        seeds = tf.unstack(tf.random.split(tf.stack([tf.constant(seed, tf.int64), number]), 4))
        corruption = corruptions.sample_corruptions(batch_size, set_size, bad_frames, seeds[0])
        flat_corruptions = tf.reshape(corruption, [-1])
        coefficients = sample_corrupted_views(
            decoder, batch_size, flat_corruptions, seeds[1], distribution
        )
        true = decoder(coefficients, render=False)
        landmarks = synthetic_dataset.to_crop_pixels(true["landmarks"], decoder)
        image, skin = synthetic_dataset.render_photographs(
            render, coefficients, landmarks, seeds[2]
        )
        image, skin = corruptions.corrupt_images(image, skin, flat_corruptions, seeds[3])
        flat = {
            "image": synthetic_dataset.to_uint8(image),
            "landmarks": true["landmarks"],
            "landmark_weights": tf.ones(true["landmarks"].shape[:2]),
            "five_points": true["five_points"],
            "skin": synthetic_dataset.to_uint8(skin),
            "coefficients": coefficients,
        }
        sets = {
            name: tf.reshape(values, (batch_size, set_size, *values.shape[1:]))
            for name, values in flat.items()
        }
        return {**sets, "image_mask": tf.ones((batch_size, set_size)), "corruption": corruption}

    return synthetic_dataset.dataset_of_batches(
        make_batch, pixel_step, first_batch, num_batches, pool_batches
    )


def sample_views_of_people(
    decoder: FaceDecoder,
    num_people: int,
    num_views: int,
    seed: tf.Tensor,
    distribution: FaceDistribution,
) -> tf.Tensor:
    """Coefficients `[num_people * num_views, 257]`, the views of one person adjacent.

    Args:
        decoder: Gives the layout, the 3DMM and the camera.
        num_people: Number of people.
        num_views: Number of views of each person; they share identity and texture.
        seed: Integer tensor `[2]`.
        distribution: Distribution of the coefficients.
    """
    seeds = tf.unstack(tf.random.split(seed, 2))
    groups = _sample_views(decoder, num_people, num_views, seeds[0], distribution)
    noise = distribution.point_noise * tf.random.stateless_normal(
        (num_people * num_views, 5, 2), seeds[1]
    )
    return coefficient_sampling.aligned_coefficients(decoder, groups, noise)


def sample_corrupted_views(
    decoder: FaceDecoder,
    num_people: int,
    corruption: tf.Tensor,
    seed: tf.Tensor,
    distribution: FaceDistribution,
) -> tf.Tensor:
    """Like `sample_views_of_people`, some views with a corrupted pose or lighting.

    Args:
        decoder: Gives the layout, the 3DMM and the camera.
        num_people: Number of people.
        corruption: `[num_people * N]`, indices of `corruptions.CORRUPTIONS`.
        seed: Integer tensor `[2]`.
        distribution: Distribution of the coefficients of people and clean images.
    """
    total = corruption.shape[0]
    seeds = tf.unstack(tf.random.split(seed, 4))
    groups = _sample_views(decoder, num_people, total // num_people, seeds[0], distribution)
    groups["rotation"] = corruptions.corrupt_pose(groups["rotation"], corruption, seeds[1])
    groups["lighting"] = corruptions.corrupt_lighting(groups["lighting"], corruption, seeds[2])
    noise = distribution.point_noise * tf.random.stateless_normal((total, 5, 2), seeds[3])
    noise *= tf.where(corruption > 0, _BAD_POINT_NOISE, 1.0)[:, None, None]
    return coefficient_sampling.aligned_coefficients(decoder, groups, noise)


def _sample_views(decoder, num_people, num_views, seed, distribution):
    """Named coefficients before alignment, the views of one person adjacent."""
    groups = coefficient_sampling.sample_groups(decoder, num_people * num_views, seed, distribution)
    for name in ("identity", "texture"):
        groups[name] = tf.repeat(groups[name][::num_views], num_views, axis=0)
    return groups
