"""Face-model bases in half precision: each mode has a power of two of its own."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def to_half(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A basis `[V, 3, K]` in float16, and the powers of two `[K]` that multiply its modes.

    The largest number of a mode comes to lie between 2^14 and 2^15: float16 ends at 2^16, and
    every number down to 2^-28 of the largest keeps eleven bits.
    """
    largest = np.abs(basis).max(axis=(0, 1))
    # Below 2^-100 a mode moves nothing, and its scale would leave float32.
    _, exponent = np.frexp(np.maximum(largest, np.float32(2.0**-100)))
    scale = np.ldexp(np.float32(1.0), exponent - 15).astype(np.float32)
    return (basis / scale).astype(np.float16), scale


def from_half(half: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The basis that `to_half` stored, exactly, in float32."""
    return half.astype(np.float32) * scale


def error_mm(fields: Mapping[str, Any], coefficient: float = 3.0) -> float:
    """Farthest in mm that half precision can move a vertex, if no coefficient exceeds a limit.

    A bound: at every vertex the errors of all modes are taken to add up. The mean shape is stored
    exactly.

    Args:
        fields: Fields of a `MorphableModel`.
        coefficient: Greatest absolute identity or expression coefficient.
    """
    error = 0.0
    for name in ("identity_basis", "expression_basis"):
        difference = from_half(*to_half(fields[name])).astype(np.float64) - fields[name]
        error = error + np.linalg.norm(difference, axis=1).sum(axis=-1)
    return float(100.0 * coefficient * np.max(error))
