"""Compact storage of face-model bases: 16-bit integers with a step size per mode, delta-coded.

Neighbouring vertices have similar values, so differences from vertex to vertex are small. They are
stored as two planes of bytes, low and high, which compress well.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

# Step sizes of weak modes: 0.12 µm per standard deviation, and 1/130 of an 8-bit colour step.
SHAPE_STEP = 1.2e-6  # dm
COLOUR_STEP = 3e-5
_LARGEST = 32767


def encode_basis(basis: np.ndarray, least_step: float) -> tuple[np.ndarray, np.ndarray]:
    """Rounds a basis to multiples of a step.

    Args:
        basis: `[V, 3, K]`.
        least_step: Step of all modes but those that need a larger one to fit into 16 bits.

    Returns:
        Low and high bytes of the differences, `[2, K, 3, V]` uint8, and steps `[K]` float32.
    """
    largest = np.abs(basis).max(axis=(0, 1))
    steps = np.maximum(largest / _LARGEST, least_step).astype(np.float32)
    numbers = np.clip(np.rint(basis / steps), -_LARGEST, _LARGEST).astype(np.int16)
    numbers = np.moveaxis(numbers, 0, -1).swapaxes(0, 1)
    differences = np.diff(numbers, axis=-1, prepend=np.int16(0))
    # Signs go to the lowest bit, so that small negative numbers have small high bytes too.
    folded = ((differences << 1) ^ (differences >> 15)).view(np.uint16)
    return np.stack([folded & 0xFF, folded >> 8]).astype(np.uint8), steps


def decode_basis(stored: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The basis `[V, 3, K]` float32 that `encode_basis` stored, in whole multiples of its steps.

    Args:
        stored: `[2, K, 3, V]` uint8.
        steps: `[K]`.
    """
    folded = stored[0].astype(np.uint16) | (stored[1].astype(np.uint16) << 8)
    differences = (folded >> 1).astype(np.int16) ^ -(folded & 1).astype(np.int16)
    numbers = np.cumsum(differences, axis=-1, dtype=np.int16)
    basis = np.moveaxis(numbers, -1, 0).swapaxes(1, 2).astype(np.float32)
    return np.ascontiguousarray(basis) * steps.astype(np.float32)


def shape_error_mm(fields: Mapping[str, Any], coefficient: float = 3.0) -> float:
    """Upper bound in mm for the displacement of a vertex by quantization.

    The errors of all modes are assumed to add up at one vertex.

    Args:
        fields: Fields of a `MorphableModel`.
        coefficient: Greatest absolute coefficient of modes without a range.
    """
    identity = _errors(fields["identity_basis"], SHAPE_STEP)
    expression = _errors(fields["expression_basis"], SHAPE_STEP)
    limits = np.full(expression.shape[-1], coefficient)
    if fields["expression_range"] is not None:
        limits = np.abs(fields["expression_range"]).max(axis=1)
    error = coefficient * np.linalg.norm(identity, axis=1).sum(axis=-1)
    error = error + np.linalg.norm(expression, axis=1) @ limits
    return float(100.0 * np.max(error))


def colour_error(fields: Mapping[str, Any], coefficient: float = 3.0) -> float:
    """Upper bound for the change of a colour value in [0, 1], as `shape_error_mm` for shape."""
    errors = np.abs(_errors(fields["albedo_basis"], COLOUR_STEP))
    return float(coefficient * np.max(errors.sum(axis=-1)))


def _errors(basis: np.ndarray, least_step: float) -> np.ndarray:
    return decode_basis(*encode_basis(basis, least_step)).astype(np.float64) - basis
