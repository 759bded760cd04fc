"""A digest of arrays that rounding cannot reach: two machines that compute alike get the same one.

The last bits of a computed array depend on the processor and on its library for linear algebra. A
checksum of the bytes would call two such arrays different; this one is made of a few sums over each
array, rounded coarsely.
"""

import hashlib

import numpy as np

_NUM_SUMS = 6
_STEP = 0.05  # Of sums whose standard deviation is about 1.
_SIZE_STEP = 0.01  # Of logarithms of sizes.
# Modes smaller than this share of the largest one count by their size, not by their shape alone:
# the shape of one that should vanish is noise.
_SMALL_MODE = 1e-3
_BLOCK_ROWS = 1 << 13


def exact_digest(array: np.ndarray) -> bytes:
    """Digest of whole numbers: of their shape and of every one of them, whatever their type."""
    numbers = np.ascontiguousarray(array, dtype="<i8")
    return hashlib.sha256(f"{array.shape}\n".encode() + numbers.tobytes()).digest()


def rounded_digest(array: np.ndarray) -> bytes:
    """Digest of an array of real numbers: of its shape and of twelve rounded sums over it.

    The last axis of an array of three axes counts modes. Six sums weigh all numbers of the array,
    each mode divided by its size (the root of its mean square), by fixed pseudo-random weights; six
    more weigh the logarithms of the sizes. Rounded to 0.05 and 0.01.

    What it sees, but for a chance below one in a thousand: other data, modes exchanged, one mode of
    80 with the other sign, or another size of everything by 5 percent. What it may not see: a
    change of a single vertex, and any made up on purpose to pass unseen.

    What it does not see: a sum is near enough to an edge of rounding to fall on the other side for
    a share of `noise / step` of all arrays, as noise of independent numbers moves the sums by
    little more than its own size. That is one array in 10,000 for noise of 1e-6 of each number,
    and one in 200,000 for the last bit of float32.

    Args:
        array: Finite; of one axis or two, or `[V, 3, K]` with K modes.
    """
    modes = array.shape[-1] if array.ndim == 3 else 1
    table = array.reshape(-1, modes)
    weights = _weights(len(table))
    squares, sums = np.zeros(modes), np.zeros((_NUM_SUMS, modes))
    for start in range(0, len(table), _BLOCK_ROWS):
        rows = table[start : start + _BLOCK_ROWS].astype(np.float64)
        squares += np.square(rows).sum(axis=0)
        sums += weights[:, start : start + _BLOCK_ROWS] @ rows
    sizes = np.sqrt(squares / len(table))
    sizes = np.maximum(sizes, max(_SMALL_MODE * sizes.max(), np.finfo(np.float32).tiny))
    # Sums of independent numbers grow with the root of how many they are.
    mixing = _weights(modes) / np.sqrt(modes)
    shares = (mixing * sums / sizes).sum(axis=1) / np.sqrt(len(table))
    scales = (mixing * np.log(sizes)).sum(axis=1)
    # As whole numbers, because -0.0 and 0.0 are different bytes.
    rounded = np.round(np.concatenate([shares / _STEP, scales / _SIZE_STEP])).astype("<i8")
    return hashlib.sha256(f"{array.shape}\n".encode() + rounded.tobytes()).digest()


def _weights(count: int) -> np.ndarray:
    """`[6, count]` of mean 0 and variance 1, the same for ever: no generator of numbers is."""
    length = _NUM_SUMS * count
    numbers = np.frombuffer(hashlib.shake_256(b"array_digest").digest(length), np.uint8)
    return (numbers.reshape(_NUM_SUMS, count) - 127.5) / np.sqrt((256**2 - 1) / 12)
