"""Photographs by person, and epochs in which those of one person follow each other."""

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from tf_facerecon.datasets import epoch_order


def group_by_person(names: Sequence[str]) -> dict[str, list[str]]:
    """Photographs by parent folder, `"."` for those without one."""
    people: dict[str, list[str]] = {}
    for name in names:
        people.setdefault(pathlib.PurePosixPath(name).parent.as_posix(), []).append(name)
    return people


def person_sampler(
    names: Sequence[str], per_person: int, seed: int, shuffle: bool
) -> Callable[[int], tuple[str, int]]:
    """A function from sample index to a photograph and the number of its person.

    Samples `per_person * g` to `per_person * (g + 1) - 1` show one person. An epoch shows every
    photograph at least once; where the number of a person's photographs is no multiple of
    `per_person`, the first ones of the epoch are shown again.

    Args:
        names: Photographs; each parent folder is one person.
        per_person: How many of one person follow each other.
        seed: Of shuffling.
        shuffle: Whether people and photographs are shuffled in each epoch.
    """
    people = list(group_by_person(names).values())

    def order(epoch: int) -> list[tuple[str, int]]:
        generator = np.random.default_rng([seed, 0, epoch])
        groups = []
        for person, photos in enumerate(people):
            if shuffle:
                photos = generator.permutation(photos).tolist()
            for start in range(0, len(photos), per_person):
                places = np.arange(start, start + per_person) % len(photos)
                groups.append([(photos[place], person) for place in places])
        if shuffle:
            groups = [groups[index] for index in generator.permutation(len(groups))]
        return [sample for group in groups for sample in group]

    return epoch_order.sampler(order)
