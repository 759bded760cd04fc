"""Identity modes of a part of the head: orthogonal on it, ordered, and without similarity motion.

The modes of the kit are orthogonal over the whole head including its interior. Restricted to the
face they are correlated, and translate, rotate and scale it, which is ambiguous with the pose.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class IdentityModes:
    """Modes that, with independent N(0, 1) coefficients, have the same distribution as the kit's.

    Attributes:
        basis: `[K, V, 3]`, by descending scale.
        scales: `[K]` norm of each mode over the region, so that `basis / scales` are unit modes.
        rotation: `[K, K]` orthogonal: the face with coefficients `c` of the kit has coefficients
            `rotation @ c`, and differs only by a similarity transform.
    """

    basis: np.ndarray
    scales: np.ndarray
    rotation: np.ndarray


def orthogonal_modes(modes: np.ndarray, points: np.ndarray, region: np.ndarray) -> IdentityModes:
    """Orthogonalises modes over a region and removes translation, rotation and scale from them.

    A rotation of the coefficient space keeps coefficients independent and N(0, 1); the rotation
    that diagonalises the Gram matrix of the modes over the region makes them orthogonal there.

    Args:
        modes: `[K, V, 3]` per standard deviation.
        points: `[V, 3]` mean shape.
        region: `[V]` boolean: vertices over which modes are orthogonalised.

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
    # The first of the nearly largest: on a symmetric face, rounding would decide between two.
    largest = np.argmax(lengths > 0.999 * lengths.max(axis=1, keepdims=True), axis=1)
    signs = np.where(flat[np.arange(len(flat)), largest] < 0.0, -1.0, 1.0)
    return IdentityModes(
        basis=signs[:, None, None] * basis,
        scales=np.sqrt(np.maximum(energies, 0.0)),
        rotation=signs[:, None] * vectors.T,
    )


def _without_pose(modes: np.ndarray, points: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Removes from each mode the least-squares infinitesimal similarity motion over the region."""
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
