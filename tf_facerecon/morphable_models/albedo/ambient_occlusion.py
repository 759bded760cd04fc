"""Ambient occlusion of a mesh: the fraction of the hemisphere above each vertex that is visible.

It separates nostrils, the inner sides of lips and lids, and folds from exposed skin, and tells how
much ambient light reaches them. Depth maps of the mesh are rendered from many directions; a vertex
is visible from a direction if no other surface lies in front of it.
"""

import numpy as np

_NUM_DIRECTIONS = 48
# At grazing directions below this cosine a surface would occlude itself.
_MIN_COSINE = 0.3
# Pixel size of the depth maps, spacing of the sample points that fill them, depth bias; dm.
_CELL, _SPACING, _SLACK = 0.012, 0.008, 0.030
_MAX_SUBDIVISION = 12


def ambient_visibility(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Fraction of the directions above the surface that are unoccluded: 1 - ambient occlusion.

    Args:
        vertices: `[V, 3]` decimetres, of a face of natural size.
        triangles: `[T, 3]` counter-clockwise from outside: both the occluders and the surface whose
            vertices are tested.

    Returns:
        `[V]` in [0, 1]; 1 for vertices without triangles.
    """
    normals = _normals(vertices, triangles)
    points = _points_on(vertices[triangles])
    used = np.unique(triangles)
    seen, tried = np.zeros(len(vertices)), np.zeros(len(vertices))
    for direction in _directions():
        across = np.linalg.svd(direction[None])[2][1:]
        facing = used[normals[used] @ direction > _MIN_COSINE]
        flat, depth = points @ across.T, points @ direction
        low = flat.min(axis=0)
        cells = ((flat - low) / _CELL).astype(int)
        nearest = np.full(cells.max(axis=0) + 2, -np.inf)
        np.maximum.at(nearest, tuple(cells.T), depth)
        own = ((vertices[facing] @ across.T - low) / _CELL).astype(int)
        own = np.clip(own, 0, np.array(nearest.shape) - 1)
        seen[facing] += vertices[facing] @ direction >= nearest[tuple(own.T)] - _SLACK
        tried[facing] += 1
    return np.where(tried > 0, seen / np.maximum(tried, 1), 1.0)


def ambient_light(visibility: np.ndarray, albedo: np.ndarray) -> np.ndarray:
    """Ambient light with interreflections (multi-bounce), relative to that of an exposed surface.

    Occluded directions receive light reflected by the surrounding surface, taken to be of the same
    albedo and equally lit: L = v + (1 - v) * albedo * L. Creases become dark and more saturated.

    Args:
        visibility: `[V]` in [0, 1], see `ambient_visibility`.
        albedo: `[3]` RGB of the surface, below 1.

    Returns:
        `[V, 3]` in [0, 1].
    """
    visible = visibility[:, None]
    return visible / (1.0 - albedo * (1.0 - visible))


def smooth_values(values: np.ndarray, triangles: np.ndarray, steps: int) -> np.ndarray:
    """Smooths per-vertex values by repeated averaging over the incident triangles.

    Args:
        values: `[V]`.
        triangles: `[T, 3]`; vertices without triangles keep their value.
        steps: Number of iterations.

    Returns:
        `[V]` float64.
    """
    smooth = np.array(values, np.float64)
    corners = triangles.ravel()
    uses = np.bincount(corners, minlength=smooth.size)
    for _ in range(steps):
        means = np.repeat(smooth[triangles].mean(axis=1), 3)
        sums = np.bincount(corners, means, minlength=smooth.size)
        smooth = np.where(uses > 0, sums / np.maximum(uses, 1), smooth)
    return smooth


def _directions() -> np.ndarray:
    """Fibonacci sphere: unit vectors spread evenly, `[N, 3]`, in mirrored pairs."""
    half = _NUM_DIRECTIONS // 2
    height = 1.0 - (2.0 * np.arange(half) + 1.0) / half
    angle = np.pi * (np.sqrt(5.0) - 1.0) * np.arange(half)
    ring = np.sqrt(1.0 - height**2)
    sphere = np.stack([ring * np.cos(angle), height, ring * np.sin(angle)], axis=-1)
    return np.concatenate([sphere, sphere * [-1.0, 1.0, 1.0]])


def _normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    outward = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, triangles[:, k], outward)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals / np.maximum(length, np.finfo(np.float64).tiny)


def _points_on(corners: np.ndarray) -> np.ndarray:
    """Dense sample points `[N, 3]` on triangles `[T, 3, 3]`."""
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(axis=1)
    steps = np.clip(np.ceil(edges / _SPACING), 1, _MAX_SUBDIVISION).astype(int)
    points = []
    for count in np.unique(steps):
        i, j = np.nonzero(np.tri(count + 1)[::-1])
        weights = np.stack([i, j, count - i - j], axis=-1) / count
        points.append(np.einsum("ik,tkd->tid", weights, corners[steps == count]).reshape(-1, 3))
    return np.concatenate(points)
