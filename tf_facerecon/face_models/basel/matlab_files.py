"""Arrays out of MATLAB files (version 4 to 7) that nobody vouches for.

What a file declares is read first; only plain arrays of numbers of a sensible size are loaded, so
that objects, cells and functions are never built.
"""

import zlib
from collections.abc import Sequence
from typing import IO

import numpy as np

MAX_ELEMENTS = 1 << 27

_NUMBERS = {"double", "single", "logical"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
# What scipy raises for damaged files, by experiment with truncated and altered ones.
_BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OSError,
    EOFError,
    OverflowError,
    MemoryError,
    NotImplementedError,
    zlib.error,
)


def variable_names(stream: IO[bytes], label: str) -> set[str]:
    """Names of all variables in a MATLAB file.

    Args:
        stream: The file, seekable.
        label: What to call it in messages.

    Raises:
        ValueError: If the file cannot be read.
    """
    return set(_declared(stream, label))


def read_arrays(stream: IO[bytes], names: Sequence[str], label: str) -> dict[str, np.ndarray]:
    """Reads named variables.

    Args:
        stream: The file, seekable.
        names: Variables that must be there.
        label: What to call the file in messages.

    Returns:
        The arrays, at least 2-D as MATLAB has them, by name.

    Raises:
        ValueError: If the file cannot be read, lacks a variable, or a variable is not an array of
            real, finite numbers.
    """
    from scipy import io as scipy_io

    declared = _declared(stream, label)
    missing = [name for name in names if name not in declared]
    if missing:
        raise ValueError(
            f"{label} lacks the variables {', '.join(missing)}. "
            f"Received: {', '.join(sorted(declared)) or 'none'}."
        )
    for name in names:
        shape, kind = declared[name]
        count = np.prod(shape, dtype=np.float64)
        if kind not in _NUMBERS or not 0 < count <= MAX_ELEMENTS or min(shape) < 0:
            raise ValueError(
                f"`{name}` of {label} must be an array of numbers. "
                f"Received: {kind}, shape {tuple(shape)}."
            )
    stream.seek(0)
    try:
        loaded = scipy_io.loadmat(stream, variable_names=list(names))
        arrays = {name: np.asarray(loaded[name]) for name in names}
    except _BROKEN as error:
        raise ValueError(f"{label} is damaged: {error}") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise ValueError(
                f"`{name}` of {label} must hold finite numbers. Received: dtype {array.dtype}."
            )
    return arrays


def _declared(stream: IO[bytes], label: str) -> dict[str, tuple[tuple[int, ...], str]]:
    from scipy import io as scipy_io

    stream.seek(0)
    try:
        return {name: (shape, kind) for name, shape, kind in scipy_io.whosmat(stream)}
    except _BROKEN as error:
        raise ValueError(
            f"{label} is not a readable MATLAB file (version 4 to 7): {error}"
        ) from error
