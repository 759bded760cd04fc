"""The order of samples: epoch after epoch, each shuffled anew, from any sample on."""

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def sampler(order: Callable[[int], Sequence[Item]]) -> Callable[[int], Item]:
    """A function from sample index to item.

    Args:
        order: The items of an epoch, by its number; all epochs have equally many.
    """
    order = functools.lru_cache(maxsize=2)(order)
    count = len(order(0))

    def choose(index: int) -> Item:
        epoch, position = divmod(index, count)
        return order(epoch)[position]

    return choose


def epoch_sampler(count: int, seed: int, shuffle: bool) -> Callable[[int], int]:
    """A function from sample index to item index; every epoch is a permutation of the items."""

    def order(epoch: int) -> Sequence[int]:
        if not shuffle:
            return range(count)
        return np.random.default_rng([seed, 0, epoch]).permutation(count).tolist()

    return sampler(order)
