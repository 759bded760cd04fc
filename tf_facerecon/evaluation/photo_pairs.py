"""Pairs of photographs of one person and of two, as face verification compares them."""

import collections
import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np


@dataclasses.dataclass(frozen=True)
class PhotoPairs:
    """Names of photographs, in pairs.

    Attributes:
        same: Pairs of one person.
        different: Pairs of two people.
    """

    same: tuple[tuple[str, str], ...]
    different: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All photographs in the pairs, sorted, each once."""
        return tuple(sorted({name for pair in self.same + self.different for name in pair}))


def person_of(name: str) -> str:
    """The person in a photograph `.../<person>/<photograph>`.

    Raises:
        ValueError: If no person is named.
    """
    parts = pathlib.PurePosixPath(name).parts
    if len(parts) < 2:
        raise ValueError(f"Photographs must be named <person>/<photograph>. Received: {name!r}.")
    return parts[-2]


def choose_pairs(names: Iterable[str], count: int, seed: int = 0) -> PhotoPairs:
    """Draws pairs at random, no pair twice.

    Pairs of one person are drawn from all people in turn, so that people with many photographs do
    not outweigh the others. Pairs of two people: two people, then a photograph of each.

    Args:
        names: Photographs `.../<person>/<photograph>`; their order does not matter.
        count: Number of pairs of one person, and of pairs of two.
        seed: Of the draw.

    Raises:
        ValueError: If `count` is not positive, there are fewer pairs, or a name names no person.
    """
    by_person = collections.defaultdict(list)
    for name in sorted(set(names)):
        by_person[person_of(name)].append(name)
    sizes = np.array([len(photos) for photos in by_person.values()], np.int64)
    num_same = int(np.sum(sizes * (sizes - 1) // 2))
    num_different = int((np.sum(sizes) ** 2 - np.sum(sizes**2)) // 2)
    if not 1 <= count <= min(num_same, num_different):
        raise ValueError(
            f"`count` must be from 1 to the number of pairs. Received: {count}; there are "
            f"{num_same} pairs of one person and {num_different} of two."
        )
    rng = np.random.default_rng(seed)
    people = list(by_person.values())
    return PhotoPairs(_same(people, count, rng), _different(people, count, rng))


def _same(people: list[list[str]], count: int, rng) -> tuple[tuple[str, str], ...]:
    """One pair of each person in turn, until there are enough."""
    waiting = collections.deque()
    for person in rng.permutation(len(people)):
        first, second = np.triu_indices(len(people[person]), k=1)
        order = rng.permutation(len(first))
        pairs = rng.permuted(np.stack([first, second], axis=-1)[order], axis=-1)
        if len(pairs):
            waiting.append([tuple(people[person][i] for i in pair) for pair in pairs])
    chosen = []
    while len(chosen) < count:
        pairs = waiting.popleft()
        chosen.append(pairs.pop())
        if pairs:
            waiting.append(pairs)
    return tuple(chosen)


def _different(people: list[list[str]], count: int, rng) -> tuple[tuple[str, str], ...]:
    chosen: dict[frozenset, tuple[str, str]] = {}
    while len(chosen) < count:
        pair = tuple(
            people[person][rng.integers(len(people[person]))]
            for person in rng.choice(len(people), 2, replace=False)
        )
        chosen.setdefault(frozenset(pair), pair)
    return tuple(chosen.values())
