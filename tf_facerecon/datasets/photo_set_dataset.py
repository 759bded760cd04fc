"""Sets of photographs of one person each, from a folder with a folder for every person.

Layout of the photographs (see `photo_preparation` for labels):
    anna/one.jpg  anna/two.jpg ...   every folder that holds photographs is one person,
    films/ben/0001.png ...           whatever folders it lies in
"""

import dataclasses
import os
import pathlib
import warnings

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import geometric_augmentation as augmentations
from tf_facerecon.datasets import photo_dataset, photo_preparation
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange
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
    augmentation: AugmentationRange | None = None,
    prepared_folder: str | os.PathLike | None = None,
    detector: FaceDetector | None = None,
    skin_model: SkinModel | None = None,
    landmarks_y_up: bool = False,
    progress: bool = True,
) -> tf.data.Dataset:
    """Batches of image sets, over and over; in each epoch every person comes once.

    A set shows `set_size` photographs of its person, others in each epoch, or all if there are
    fewer: then places remain empty, zeros, and `image_mask` says so. Set i depends on `(seed, i)`
    and the photographs alone. Photographs without a face are left out, and people of whom fewer
    than `min_photos` remain; a warning says how many.

    Args:
        folder: Photographs, see above.
        batch_size: Sets (people) in a batch.
        set_size: Most images of a set.
        seed: Of order, choice and augmentation.
        first_batch: Number of the first batch, to go on where a run stopped.
        num_batches: How many batches; endless if `None`.
        shuffle: Whether to reorder people and photographs; otherwise the first ones by name.
        min_photos: Fewest usable photographs of a person. One alone teaches a C-Net nothing.
        augmentation: How far each crop is shifted, scaled and turned; a set is mirrored as a whole,
            for a mirrored face is another person's. Not at all if `None`.
        prepared_folder: By default `tf_facerecon_prepared` inside `folder`.
        detector: See `prepare_photos`, as for those that follow.
        skin_model: See `prepare_photos`.
        landmarks_y_up: See `prepare_photos`.
        progress: See `prepare_photos`.

    Returns:
        A dataset of float32 dicts: the keys of `photo_dataset.build_photo_dataset`, `[B, N, ...]`
        each, N the `set_size`, and `image_mask` `[B, N]`, 1 where there is an image.

    Raises:
        FileNotFoundError: If `folder` is no folder.
        ValueError: If a number is out of range, or nobody has enough usable photographs.
    """
    photo_dataset.check_numbers(batch_size, first_batch, seed)
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
    photo_dataset.report_skipped(photos)
    people = _people_with_enough(photos, min_photos)
    person_number = photo_dataset.sample_chooser(len(people), seed, shuffle)

    def load(index: int) -> dict[str, np.ndarray]:
        names = people[person_number(index)]
        if shuffle:
            names = np.random.default_rng([seed, 2, index]).permutation(names).tolist()
        samples = [photos.load(name) for name in names[:set_size]]
        if augmentation is not None:
            samples = _augment_alike(samples, augmentation, [seed, 1, index])
        return _fill_places(samples, set_size)

    shapes = {name: (set_size, *shape) for name, shape in photo_dataset.SAMPLE_SHAPES.items()}
    shapes["image_mask"] = (set_size,)
    return photo_dataset.numbered_samples(load, shapes, batch_size, first_batch, num_batches)


def group_by_person(names: tuple[str, ...]) -> dict[str, list[str]]:
    """Photographs by the folder that they lie in, `"."` for those in no folder."""
    people: dict[str, list[str]] = {}
    for name in names:
        people.setdefault(pathlib.PurePosixPath(name).parent.as_posix(), []).append(name)
    return people


def _people_with_enough(photos: PreparedPhotos, min_photos: int) -> list[list[str]]:
    """Photographs of each person who has enough; warns of the others."""
    people = group_by_person(photos.names)
    enough = {person: names for person, names in people.items() if len(names) >= min_photos}
    few = sorted(people.keys() - enough.keys())
    if few:
        message = (
            f"{len(few)} of {len(people)} people have fewer than {min_photos} usable photographs, "
            f"the first being {few[0]!r}; a folder of photographs is a person."
        )
        if not enough:
            raise ValueError(f"Nobody can be used. {message}")
        warnings.warn(f"{message} They are left out.", stacklevel=3)
    return list(enough.values())


def _augment_alike(
    samples: list[dict[str, np.ndarray]], limits: AugmentationRange, seed: list[int]
) -> list[dict[str, np.ndarray]]:
    """Each sample by its own augmentation, but all mirrored or none."""
    generator = np.random.default_rng(seed)
    drawn = [augmentations.draw_augmentation(generator, limits) for _ in samples]
    return [
        augmentations.augment(sample, dataclasses.replace(one, flip=drawn[0].flip))
        for sample, one in zip(samples, drawn, strict=True)
    ]


def _fill_places(samples: list[dict[str, np.ndarray]], set_size: int) -> dict[str, np.ndarray]:
    """One array of `set_size` places for each key, empty ones 0, and `image_mask`."""
    names = photo_dataset.SAMPLE_SHAPES
    arrays = {name: np.stack([sample[name] for sample in samples]) for name in names}
    arrays["image_mask"] = np.ones(len(samples), np.float32)
    missing = set_size - len(samples)
    return {
        name: np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1))
        for name, values in arrays.items()
    }
