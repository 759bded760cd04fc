"""A `tf.data` dataset of aligned photographs, reproducible from any batch on."""

import dataclasses
import os
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import geometric_augmentation as augmentations
from tf_facerecon.datasets import photo_preparation
from tf_facerecon.datasets.epoch_order import epoch_sampler
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange
from tf_facerecon.datasets.person_order import person_sampler
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
    per_person: int | None = None,
    augmentation: AugmentationRange | None = None,
    prepared_folder: str | os.PathLike | None = None,
    detector: FaceDetector | None = None,
    skin_model: SkinModel | None = None,
    landmarks_y_up: bool = False,
    progress: bool = True,
) -> tf.data.Dataset:
    """Endless batches of aligned photographs, reshuffled in every epoch.

    Faces are detected and aligned once, into `prepared_folder`; `photo_preparation` describes the
    layout of both folders. Photographs without a face are skipped with a warning that says how
    many, and listed in `skipped.txt`. Sample i depends only on `(seed, i)` and the photographs:
    with `first_batch`, a run resumes with the batch that would have come next. Batches extend
    across the ends of epochs, so that all have `batch_size` samples.

    Args:
        folder: Photographs.
        batch_size: Photographs in a batch.
        seed: Of shuffling and augmentation.
        first_batch: Index of the first batch, to resume a run.
        num_batches: Number of batches; endless if `None`.
        shuffle: Whether to shuffle in each epoch; otherwise sorted by name.
        per_person: If given, so many photographs of one person follow each other, and every folder
            with photographs is one person. Those of people with too few are repeated. A multiple of
            it as `batch_size` keeps them in one batch.
        augmentation: Ranges of shift, scale, rotation and mirroring; no augmentation if `None`.
        prepared_folder: By default `tf_facerecon_prepared` inside `folder`.
        detector: See `prepare_photos`.
        skin_model: See `prepare_photos`.
        landmarks_y_up: See `prepare_photos`.
        progress: See `prepare_photos`.

    Returns:
        A dataset of float32 dicts: `image` `[B, 224, 224, 3]` RGB in [0, 1], `landmarks`
        `[B, 68, 2]` (column, row), `landmark_weights` `[B, 68]` (0 for photographs without
        landmarks), `five_points` `[B, 5, 2]` and `skin` `[B, 224, 224, 1]` in [0, 1];
        with `per_person` also `person` `[B]`, equal for photographs of one person.

    Raises:
        FileNotFoundError: If `folder` is not a folder.
        ValueError: If a number is out of range, or no photograph can be used.
    """
    check_arguments(batch_size, first_batch, seed)
    if per_person is not None and per_person < 2:
        raise ValueError(f"`per_person` must be at least 2. Received: {per_person}.")
    photos = photo_preparation.prepare_photos(
        folder,
        prepared_folder,
        detector=detector,
        skin_model=skin_model,
        landmarks_y_up=landmarks_y_up,
        progress=progress,
    )
    warn_of_skipped_photos(photos)
    order = (batch_size, first_batch, num_batches)
    if per_person is None:
        photo_index = epoch_sampler(len(photos.names), seed, shuffle)

        def load(index: int) -> Mapping[str, np.ndarray]:
            sample = photos.load(photos.names[photo_index(index)])
            return augmentations.augment_randomly(sample, augmentation, [seed, 1, index])

        return dataset_of_samples(load, SAMPLE_SHAPES, *order)

    choose = person_sampler(photos.names, per_person, seed, shuffle)

    def load_of_person(index: int) -> dict[str, np.ndarray]:
        name, person = choose(index)
        limits = augmentation
        if limits is not None:
            # All of a group or none: a mirrored face has another identity.
            flip = np.random.default_rng([seed, 2, index // per_person]).random() < limits.flip
            limits = dataclasses.replace(limits, flip=float(flip))
        sample = augmentations.augment_randomly(photos.load(name), limits, [seed, 1, index])
        return {**sample, "person": np.float32(person)}

    return dataset_of_samples(load_of_person, {**SAMPLE_SHAPES, "person": ()}, *order)


def check_arguments(batch_size: int, first_batch: int, seed: int) -> None:
    """Checks the arguments that the photo datasets share.

    Raises:
        ValueError: See `build_photo_dataset`.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}.")
    if first_batch < 0 or seed < 0:
        raise ValueError(
            f"`first_batch` and `seed` must not be negative. Received: {first_batch}, {seed}."
        )


def dataset_of_samples(
    load: Callable[[int], Mapping[str, np.ndarray]],
    shapes: Mapping[str, tuple[int, ...]],
    batch_size: int,
    first_batch: int,
    num_batches: int | None,
) -> tf.data.Dataset:
    """A dataset of batches of samples that depend only on their index.

    Args:
        load: From an index to a sample, arrays of `shapes`; uint8 values are scaled to [0, 1].
        shapes: Shapes of the arrays of a sample by key.
        batch_size: Samples in a batch.
        first_batch: Index of the first batch.
        num_batches: Number of batches; endless if `None`.
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


def warn_of_skipped_photos(photos: PreparedPhotos) -> None:
    """Warns of skipped photographs; raises `ValueError` if none is usable."""
    if not photos.skipped:
        return
    total = len(photos.names) + len(photos.skipped)
    name, reason = next(iter(photos.skipped.items()))
    message = (
        f"{len(photos.skipped)} of {total} photographs are skipped, the first being {name}: "
        f"{reason} All are listed in {photos.folder / 'skipped.txt'}."
    )
    if not photos.names:
        raise ValueError(f"No photograph is usable. {message}")
    warnings.warn(message, stacklevel=3)


def to_float(values: np.ndarray) -> np.ndarray:
    """Converts to float32; uint8 values are scaled to [0, 1]."""
    return values.astype(np.float32) / 255.0 if values.dtype == np.uint8 else np.float32(values)
