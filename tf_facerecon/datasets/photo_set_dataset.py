"""A `tf.data` dataset of image sets, from a folder with one subfolder per person.

Layout of the photographs (see `photo_preparation` for labels):
    anna/one.jpg  anna/two.jpg ...   every folder with photographs is one person,
    films/ben/0001.png ...           at any depth
"""

import dataclasses
import os
import warnings

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import corruptions, epoch_order, photo_dataset, photo_preparation
from tf_facerecon.datasets import geometric_augmentation as augmentations
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange
from tf_facerecon.datasets.person_order import group_by_person
from tf_facerecon.datasets.prepared_photos import PreparedPhotos
from tf_facerecon.photos.face_detection import FaceDetector
from tf_facerecon.photos.skin_probability import SkinModel


def build_photo_set_dataset(
    folder: str | os.PathLike,
    batch_size: int,
    set_size: int,
    *,
    seed: int = 0,
    first_batch: int = 0,
    num_batches: int | None = None,
    shuffle: bool = True,
    min_photos: int = 2,
    bad_frames: tuple[int, int] = (0, 0),
    augmentation: AugmentationRange | None = None,
    prepared_folder: str | os.PathLike | None = None,
    detector: FaceDetector | None = None,
    skin_model: SkinModel | None = None,
    landmarks_y_up: bool = False,
    progress: bool = True,
) -> tf.data.Dataset:
    """Endless batches of image sets; every epoch shows each person once.

    A set holds `set_size` photographs of one person, drawn anew in each epoch, or all if there are
    fewer: it is then padded with zeros, where `image_mask` is 0. Set i depends only on `(seed, i)`
    and the photographs. Photographs without a face are skipped, and so are people with fewer than
    `min_photos` usable ones; a warning says how many.

    Args:
        folder: Photographs, see above.
        batch_size: Sets (people) in a batch.
        set_size: Maximum number of images in a set.
        seed: Of shuffling, selection and augmentation.
        first_batch: Index of the first batch, to resume a run.
        num_batches: Number of batches; endless if `None`.
        shuffle: Whether to shuffle people and photographs; otherwise the first ones by name.
        min_photos: Minimum number of usable photographs of a person. C-Net learns nothing from one.
        bad_frames: Smallest and largest number of images of a set that are covered, blurred or made
            noisy, see `corruptions`; one image at least stays as it is.
        augmentation: Ranges of shift, scale, rotation and mirroring of each crop; no augmentation
            if `None`. A set is mirrored as a whole: a mirrored face has another identity.
        prepared_folder: By default `tf_facerecon_prepared` inside `folder`.
        detector: See `prepare_photos`.
        skin_model: See `prepare_photos`.
        landmarks_y_up: See `prepare_photos`.
        progress: See `prepare_photos`.

    Returns:
        A dataset of float32 dicts: the keys of `photo_dataset.build_photo_dataset`, `[B, N, ...]`
        each, N the `set_size`, and `image_mask` `[B, N]`, 1 where there is an image;
        with `bad_frames` also `corruption` `[B, N]`, int32 indices of `corruptions.CORRUPTIONS`.

    Raises:
        FileNotFoundError: If `folder` is not a folder.
        ValueError: If a number is out of range, or no person has enough usable photographs.
    """
    photo_dataset.check_arguments(batch_size, first_batch, seed)
    corruptions.check_bad_frames(bad_frames, set_size)
    if not 1 <= min_photos <= set_size:
        raise ValueError(
            "`min_photos` must lie between 1 and `set_size`. "
            f"Received: {min_photos} and {set_size}."
        )
    photos = photo_preparation.prepare_photos(
        folder,
        prepared_folder,
        detector=detector,
        skin_model=skin_model,
        landmarks_y_up=landmarks_y_up,
        progress=progress,
    )
    photo_dataset.warn_of_skipped_photos(photos)
    people = _people_with_enough(photos, min_photos)
    person_index = epoch_order.epoch_sampler(len(people), seed, shuffle)

    def load(index: int) -> dict[str, np.ndarray]:
        names = people[person_index(index)]
        if shuffle:
            names = np.random.default_rng([seed, 2, index]).permutation(names).tolist()
        samples = [photos.load(name) for name in names[:set_size]]
        if augmentation is not None:
            samples = _augment_set(samples, augmentation, [seed, 1, index])
        return _pad_set(samples, set_size)

    shapes = {name: (set_size, *shape) for name, shape in photo_dataset.SAMPLE_SHAPES.items()}
    shapes["image_mask"] = (set_size,)
    sets = photo_dataset.dataset_of_samples(load, shapes, batch_size, first_batch, num_batches)
    if bad_frames == (0, 0):
        return sets

    def corrupt(number: tf.Tensor, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return _corrupt_sets(batch, bad_frames, tf.stack([tf.constant(seed, tf.int64), number]))

    return tf.data.Dataset.zip(tf.data.Dataset.counter(first_batch), sets).map(corrupt).prefetch(2)


def _people_with_enough(photos: PreparedPhotos, min_photos: int) -> list[list[str]]:
    """Photographs of each person with at least `min_photos`; warns of the others."""
    people = group_by_person(photos.names)
    enough = {person: names for person, names in people.items() if len(names) >= min_photos}
    few = sorted(people.keys() - enough.keys())
    if few:
        message = (
            f"{len(few)} of {len(people)} people have fewer than {min_photos} usable photographs, "
            f"the first being {few[0]!r}; each folder of photographs is one person."
        )
        if not enough:
            raise ValueError(f"No person is usable. {message}")
        warnings.warn(f"{message} They are skipped.", stacklevel=3)
    return list(enough.values())


def _augment_set(
    samples: list[dict[str, np.ndarray]], limits: AugmentationRange, seed: list[int]
) -> list[dict[str, np.ndarray]]:
    """Augments each sample on its own, but mirrors all or none."""
    generator = np.random.default_rng(seed)
    drawn = [augmentations.draw_augmentation(generator, limits) for _ in samples]
    return [
        augmentations.augment(sample, dataclasses.replace(one, flip=drawn[0].flip))
        for sample, one in zip(samples, drawn, strict=True)
    ]


def _corrupt_sets(
    batch: dict[str, tf.Tensor], bad_frames: tuple[int, int], seed: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Corrupts some images of each set, and adds `corruption` `[B, N]`, as of rendered sets."""
    seeds = tf.unstack(tf.random.split(seed, 2))
    shape = batch["image_mask"].shape
    corruption = corruptions.sample_corruptions(
        *shape,
        bad_frames,
        seeds[0],
        names=corruptions.IMAGE_CORRUPTIONS,
        image_mask=batch["image_mask"],
    )
    flat = [tf.reshape(batch[name], (-1, *batch[name].shape[2:])) for name in ("image", "skin")]
    image, skin = corruptions.corrupt_images(*flat, tf.reshape(corruption, [-1]), seeds[1])
    return {
        **batch,
        "image": tf.reshape(image, (*shape, *image.shape[1:])),
        "skin": tf.reshape(skin, (*shape, *skin.shape[1:])),
        "corruption": corruption,
    }


def _pad_set(samples: list[dict[str, np.ndarray]], set_size: int) -> dict[str, np.ndarray]:
    """Stacks samples along a set axis, zero-padded to `set_size`, and adds `image_mask`."""
    names = photo_dataset.SAMPLE_SHAPES
    arrays = {name: np.stack([sample[name] for sample in samples]) for name in names}
    arrays["image_mask"] = np.ones(len(samples), np.float32)
    missing = set_size - len(samples)
    return {
        name: np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1))
        for name, values in arrays.items()
    }
