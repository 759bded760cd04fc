"""Identity modes of a part of the head: orthogonal there, in order, and without pose.

The kit's modes are orthogonal over the whole head with all that is in it. On a face they overlap,
and they move, turn and scale it, which a pose or the unit of length could do as well.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class IdentityModes:
    """Modes of which independent coefficients N(0, 1) give the same faces as the kit's.

    Attributes:
        basis: `[K, V, 3]`, largest first.
        scales: `[K]` length of each mode over the region, so that `basis / scales` are unit modes.
        rotation: `[K, K]` orthogonal: a face with the kit's coefficients `c` has `rotation @ c`
            here, and differs by pose and size only.
    """

    basis: np.ndarray
    scales: np.ndarray
    rotation: np.ndarray


def orthogonal_modes(modes: np.ndarray, points: np.ndarray, region: np.ndarray) -> IdentityModes:
    """Turns modes into orthogonal ones without translation, rotation and scale.

    A rotation of coefficients keeps them independent and N(0, 1); the one that diagonalises the
    modes' Gram matrix over the region makes them orthogonal there.

    Args:
        modes: `[K, V, 3]` per standard deviation.
        points: `[V, 3]` mean shape.
        region: `[V]` boolean: the vertices over which modes are compared; the others follow.

    Raises:
        ValueError: If the region has fewer than 8 vertices.
    """
    if region.sum() < 8:
        raise ValueError(f"`region` must hold at least 8 vertices. Received: {region.sum()}.")
    free = _without_pose(np.asarray(modes, np.float64), points, region)
    inside = free[:, region].reshape(len(free), -1)
    energies, vectors = np.linalg.eigh(inside @ inside.T)
    energies, vectors = energies[::-1], vectors[:, ::-1]
    basis = np.einsum("jk,jvd->kvd", vectors, free)
    flat = basis[:, region].reshape(len(basis), -1)
    lengths = np.abs(flat)
    # The first of the largest: rounding alone would choose between the two sides of a face.
    largest = np.argmax(lengths > 0.999 * lengths.max(axis=1, keepdims=True), axis=1)
    signs = np.where(flat[np.arange(len(flat)), largest] < 0.0, -1.0, 1.0)
    return IdentityModes(
        basis=signs[:, None, None] * basis,
        scales=np.sqrt(np.maximum(energies, 0.0)),
        rotation=signs[:, None] * vectors.T,
    )


def _without_pose(modes: np.ndarray, points: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Takes the small motion out of each mode that explains most of it over the region."""
    offsets = points - points[region].mean(axis=0)
    axes = np.eye(3)
    motions = np.concatenate(
        [
            np.broadcast_to(axes[:, None], (3, *points.shape)),
            np.cross(axes[:, None], offsets[None]),
            offsets[None],
        ]
    )
    inside = motions[:, region].reshape(len(motions), -1)
    shares, *_ = np.linalg.lstsq(inside.T, modes[:, region].reshape(len(modes), -1).T, rcond=None)
    return modes - np.einsum("mk,mvd->kvd", shares, motions)
