"""Batches from a folder of photographs, in an order that a stopped run can take up again."""

import functools
import os
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import geometric_augmentation as augmentations
from tf_facerecon.datasets import photo_preparation
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange
from tf_facerecon.datasets.prepared_photos import PreparedPhotos
from tf_facerecon.photos.face_alignment import CROP_SIZE
from tf_facerecon.photos.face_detection import FaceDetector
from tf_facerecon.photos.skin_probability import SkinModel

SAMPLE_SHAPES = {
    "image": (CROP_SIZE, CROP_SIZE, 3),
    "landmarks": (68, 2),
    "landmark_weights": (68,),
    "five_points": (5, 2),
    "skin": (CROP_SIZE, CROP_SIZE, 1),
}


def build_photo_dataset(
    folder: str | os.PathLike,
    batch_size: int,
    *,
    seed: int = 0,
    first_batch: int = 0,
    num_batches: int | None = None,
    shuffle: bool = True,
    augmentation: AugmentationRange | None = None,
    prepared_folder: str | os.PathLike | None = None,
    detector: FaceDetector | None = None,
    skin_model: SkinModel | None = None,
    landmarks_y_up: bool = False,
    progress: bool = True,
) -> tf.data.Dataset:
    """Batches of aligned photographs, over and over, each epoch in a new order.

    Faces are detected and aligned once, into `prepared_folder`; `photo_preparation` describes the
    layout of both folders. Photographs without a face are left out with a warning that says how
    many, and listed in `skipped.txt`. Sample i depends on `(seed, i)` and the photographs alone:
    given `first_batch`, a run goes on with the batch it would have seen. Batches run across the
    ends of epochs, so that all have `batch_size` samples.

    Args:
        folder: Photographs.
        batch_size: Photographs in a batch.
        seed: Of order and augmentation.
        first_batch: Number of the first batch, to go on where a run stopped.
        num_batches: How many batches; endless if `None`.
        shuffle: Whether to reorder in each epoch; otherwise sorted by name.
        augmentation: How far crops are shifted, scaled, turned and mirrored; not at all if `None`.
        prepared_folder: By default `tf_facerecon_prepared` inside `folder`.
        detector: See `prepare_photos`, as for those that follow.
        skin_model: See `prepare_photos`.
        landmarks_y_up: See `prepare_photos`.
        progress: See `prepare_photos`.

    Returns:
        A dataset of float32 dicts: `image` `[B, 224, 224, 3]` RGB in [0, 1], `landmarks`
        `[B, 68, 2]` (column, row), `landmark_weights` `[B, 68]` (0 for photographs without
        landmarks), `five_points` `[B, 5, 2]` and `skin` `[B, 224, 224, 1]` in [0, 1].

    Raises:
        FileNotFoundError: If `folder` is no folder.
        ValueError: If a number is out of range, or no photograph can be used.
    """
    check_numbers(batch_size, first_batch, seed)
    photos = photo_preparation.prepare_photos(
        folder,
        prepared_folder,
        detector=detector,
        skin_model=skin_model,
        landmarks_y_up=landmarks_y_up,
        progress=progress,
    )
    report_skipped(photos)
    sample_number = sample_chooser(len(photos.names), seed, shuffle)

    def load(index: int) -> dict[str, np.ndarray]:
        sample = photos.load(photos.names[sample_number(index)])
        if augmentation is not None:
            generator = np.random.default_rng([seed, 1, index])
            drawn = augmentations.draw_augmentation(generator, augmentation)
            sample = augmentations.augment(sample, drawn)
        return sample

    return numbered_samples(load, SAMPLE_SHAPES, batch_size, first_batch, num_batches)


def check_numbers(batch_size: int, first_batch: int, seed: int) -> None:
    """Raises unless the numbers of a stream are in their ranges.

    Raises:
        ValueError: See `build_photo_dataset`.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}.")
    if first_batch < 0 or seed < 0:
        raise ValueError(
            f"`first_batch` and `seed` must not be negative. Received: {first_batch}, {seed}."
        )


def numbered_samples(
    load: Callable[[int], Mapping[str, np.ndarray]],
    shapes: Mapping[str, tuple[int, ...]],
    batch_size: int,
    first_batch: int,
    num_batches: int | None,
) -> tf.data.Dataset:
    """Batches of samples that depend on nothing but their number.

    Args:
        load: Sample of a number, arrays of `shapes`; bytes become 0..1.
        shapes: Names and shapes of what a sample holds.
        batch_size: Samples in a batch.
        first_batch: Number of the first batch.
        num_batches: How many batches; endless if `None`.
    """

    def load_floats(index: np.ndarray) -> list[np.ndarray]:
        sample = load(int(index))
        return [to_float(sample[name]) for name in shapes]

    def make_sample(index: tf.Tensor) -> dict[str, tf.Tensor]:
        # Stateless: the same index loads the same sample, in any order and in any thread.
        values = tf.numpy_function(load_floats, [index], [tf.float32] * len(shapes), stateful=False)
        return {
            name: tf.ensure_shape(value, shape)
            for (name, shape), value in zip(shapes.items(), values, strict=True)
        }

    dataset = tf.data.Dataset.counter(start=first_batch * batch_size)
    dataset = dataset.map(make_sample, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = dataset.batch(batch_size, drop_remainder=True)
    if num_batches is not None:
        dataset = dataset.take(num_batches)
    return dataset.prefetch(2)


def sample_chooser(count: int, seed: int, shuffle: bool) -> Callable[[int], int]:
    """A function from the number of a sample to that of a photograph, epoch after epoch."""

    @functools.lru_cache(maxsize=2)
    def order(epoch: int) -> np.ndarray:
        generator = np.random.default_rng([seed, 0, epoch])
        return generator.permutation(count) if shuffle else np.arange(count)

    def choose(index: int) -> int:
        epoch, position = divmod(index, count)
        return int(order(epoch)[position])

    return choose


def report_skipped(photos: PreparedPhotos) -> None:
    """Warns of photographs that are left out; raises if none is left."""
    if not photos.skipped:
        return
    total = len(photos.names) + len(photos.skipped)
    name, reason = next(iter(photos.skipped.items()))
    message = (
        f"{len(photos.skipped)} of {total} photographs are left out, the first being {name}: "
        f"{reason} All are listed in {photos.folder / 'skipped.txt'}."
    )
    if not photos.names:
        raise ValueError(f"No photograph can be used. {message}")
    warnings.warn(message, stacklevel=3)


def to_float(values: np.ndarray) -> np.ndarray:
    """float32; bytes become 0..1."""
    return values.astype(np.float32) / 255.0 if values.dtype == np.uint8 else np.float32(values)
