"""Checks of weights from files of others: names, shapes, finite values; what they compute."""

import os
from collections.abc import Mapping

import numpy as np

# Rounding alone differs by about 1e-6 of the scale; another stride or padding by far more.
MAX_RELATIVE_DIFFERENCE = 1e-3


def check_entries(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], source: str
) -> None:
    """Raises `ValueError` for the first entry that is missing, of another shape or unknown.

    Args:
        found: Shapes by name, as in the file.
        expected: Shapes by name, in the order in which they are checked.
        source: Name of the file in the message.
    """
    for name, shape in expected.items():
        if name not in found:
            first = next(iter(found), None)
            begins = "" if first is None else f" Its first weight is {first!r}."
            raise ValueError(f"{source} has no weight {name!r}, of shape {list(shape)}.{begins}")
        if tuple(found[name]) != tuple(shape):
            raise ValueError(
                f"Weight {name!r} of {source} must have shape {list(shape)}. "
                f"Received: {list(found[name])}."
            )
    for name in found:
        if name not in expected:
            raise ValueError(f"{source} has a weight {name!r} that the network does not have.")


def check_finite(array: np.ndarray, name: str, source: str) -> np.ndarray:
    """`array` as float32; `ValueError` if it has a value that is not finite."""
    array = np.asarray(array, np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"Weight {name!r} of {source} has values that are not finite.")
    return array


def check_outputs(
    converted: np.ndarray, source: np.ndarray, name: str, path: str | os.PathLike
) -> tuple[float, float]:
    """Compares what a converted network and its source compute for the same images.

    Args:
        converted: Values of the converted network.
        source: Values of its source.
        name: What they are, in the message.
        path: File of the source, in the message.

    Returns:
        Largest absolute difference, and largest absolute value of the source.

    Raises:
        ValueError: If they differ by more than rounding, or are not finite.
    """
    difference, scale = float(np.abs(converted - source).max()), float(np.abs(source).max())
    # Not a number fails, too.
    if not difference <= MAX_RELATIVE_DIFFERENCE * scale:
        raise ValueError(
            f"The converted network computes other {name}s than {os.fspath(path)}: they differ by "
            f"up to {difference:.3g}, at a scale of {scale:.3g}."
        )
    return difference, scale
