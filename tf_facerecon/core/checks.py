"""Checks of tensor arguments, shared by all packages."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def check_shape(name: str, tensor: Any, expected: Sequence[Any]) -> None:
    """Raises when the static shape of `tensor` is not `expected`.

    Sizes that are unknown while a graph is traced are let through.

    Args:
        name: Argument name, for the message.
        tensor: Anything with a `shape`: NumPy array, TensorFlow tensor, Keras tensor.
        expected: One entry per axis, an `int` for an exact size or `None` for any size. A first
            entry `...` stands for any number of leading axes, none included.

    Raises:
        ValueError: If the number of axes or one of the sizes differs.
    """
    shape = getattr(tensor, "shape", None)
    if shape is None:
        raise ValueError(f"`{name}` must be an array or tensor. Received: {type(tensor).__name__}.")
    if any(getattr(known, "rank", 0) is None for known in (shape, expected)):
        return  # A `tf.TensorShape` of unknown rank.
    sizes = tuple(shape)
    has_leading_axes = len(expected) > 0 and expected[0] is Ellipsis
    trailing = tuple(expected[1:]) if has_leading_axes else tuple(expected)
    rank_matches = len(sizes) >= len(trailing) if has_leading_axes else len(sizes) == len(trailing)
    compared = sizes[len(sizes) - len(trailing) :]
    if not rank_matches or not all(
        want is None or have is None or want == have
        for have, want in zip(compared, trailing, strict=True)
    ):
        raise ValueError(
            f"`{name}` must have shape {_format_shape(expected)}. "
            f"Received: shape {_format_shape(sizes)}."
        )


def check_integers(name: str, array: np.ndarray, expected: Sequence[Any]) -> None:
    """Like `check_shape`, and raises when the dtype is not an integer type.

    Args:
        name: Argument name, for the message.
        array: NumPy array.
        expected: As for `check_shape`.

    Raises:
        ValueError: If the shape or the kind of dtype differs.
    """
    check_shape(name, array, expected)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"`{name}` must hold integers. Received: dtype {array.dtype}.")


def _format_shape(shape: Sequence[Any]) -> str:
    """Writes a shape as `[..., None, 3]`."""
    return "[" + ", ".join("..." if size is Ellipsis else str(size) for size in shape) + "]"
