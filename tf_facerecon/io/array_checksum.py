"""Checksums of arrays: exact for integers, tolerant of rounding errors for real numbers.

The last bits of a computed array depend on the processor and its linear-algebra library, so a hash
of the bytes differs between machines. The tolerant checksum hashes a few random projections of the
array, quantized coarsely (as in locality-sensitive hashing).
"""

import hashlib

import numpy as np

_NUM_SUMS = 6
_STEP = 0.05  # Quantization step of projections whose standard deviation is about 1.
_SIZE_STEP = 0.01  # Quantization step of log sizes.
# Modes smaller than this fraction of the largest are not scaled up to unit size: what is left of a
# mode that should vanish is noise.
_SMALL_MODE = 1e-3
_BLOCK_ROWS = 1 << 13


def exact_checksum(array: np.ndarray) -> bytes:
    """sha256 of the shape and all values of an integer array, independent of its dtype."""
    numbers = np.ascontiguousarray(array, dtype="<i8")
    return hashlib.sha256(f"{array.shape}\n".encode() + numbers.tobytes()).digest()


def tolerant_checksum(array: np.ndarray) -> bytes:
    """sha256 of the shape of a real array and of twelve quantized random projections.

    The last axis of a three-axis array counts modes. Six projections weight all values of the
    array, each mode divided by its RMS, with fixed pseudo-random weights; six more weight the
    logarithms of the RMS values. They are quantized in steps of 0.05 and 0.01.

    Detected, except with a probability below 1/1000: other data, permuted modes, one mode of 80
    with the opposite sign, a scale that differs by 5 percent. Possibly not detected: a change of a
    single vertex, and deliberate collisions.

    False mismatches: a projection lies close enough to a quantization boundary to cross it for a
    fraction `noise / step` of all arrays, because independent noise moves the projections by little
    more than its own size. That is one array in 10,000 for relative noise of 1e-6, and one in
    200,000 for the last bit of float32.

    Args:
        array: Finite; one or two axes, or `[V, 3, K]` with K modes.
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
    # Sums of n independent numbers grow with the square root of n.
    mixing = _weights(modes) / np.sqrt(modes)
    shares = (mixing * sums / sizes).sum(axis=1) / np.sqrt(len(table))
    scales = (mixing * np.log(sizes)).sum(axis=1)
    # Integers, because -0.0 and 0.0 have different bytes.
    rounded = np.round(np.concatenate([shares / _STEP, scales / _SIZE_STEP])).astype("<i8")
    return hashlib.sha256(f"{array.shape}\n".encode() + rounded.tobytes()).digest()


def _weights(count: int) -> np.ndarray:
    """`[6, count]` pseudo-random weights of mean 0 and variance 1.

    From SHAKE-256 of a fixed seed, because no random number generator promises to stay the same:
    the fingerprints in trained weights depend on every weight.
    """
    length = _NUM_SUMS * count
    numbers = np.frombuffer(hashlib.shake_256(b"array_digest").digest(length), np.uint8)
    return (numbers.reshape(_NUM_SUMS, count) - 127.5) / np.sqrt((256**2 - 1) / 12)
