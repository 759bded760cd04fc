"""How open each place of a mesh lies to its surroundings: what of its half of the sky it sees.

Nostrils, the inner sides of lips and lids, and folds are told from open skin by it, and how much
light gets there. The mesh is looked at from many directions; a vertex counts as seen where no other
surface lies before it.
"""

import numpy as np

_NUM_DIRECTIONS = 48
# Directions flatter than this against the surface would see it hide itself.
_MIN_COSINE = 0.3
# Cell of the depth maps, spacing of the points that fill them, and slack; of the mesh's unit, dm.
_CELL, _SPACING, _SLACK = 0.012, 0.008, 0.030
_MAX_SUBDIVISION = 12


def openness(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Share of directions out of the surface in which nothing is in the way.

    Args:
        vertices: `[V, 3]` decimetres, of a face about as large as a person's.
        triangles: `[T, 3]` counter-clockwise from outside. They hide, and their corners are looked
            at.

    Returns:
        `[V]` in [0, 1]; 1 for vertices of no triangle.
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


def ambient_light(open_share: np.ndarray, albedo: np.ndarray) -> np.ndarray:
    """Light at places of a surface under an even sky, relative to that at an open place.

    What the sky does not give, the surface around does, in its colour and itself as dark: the light
    is L = o + (1 - o) * albedo * L, so that creases are dark and of a deeper colour.

    Args:
        open_share: `[V]` in [0, 1], see `openness`.
        albedo: `[3]` RGB of the surface, below 1.

    Returns:
        `[V, 3]` in [0, 1].
    """
    share = open_share[:, None]
    return share / (1.0 - albedo * (1.0 - share))


def averaged(values: np.ndarray, triangles: np.ndarray, steps: int) -> np.ndarray:
    """Smooths values of vertices: each becomes the mean of its triangles, several times.

    Args:
        values: `[V]`.
        triangles: `[T, 3]`; vertices of none keep their value.
        steps: How many times.

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
    """Unit vectors spread evenly over the sphere, `[N, 3]`, mirrored in pairs."""
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
    """Points that fill triangles `[T, 3, 3]` densely, `[N, 3]`."""
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(axis=1)
    steps = np.clip(np.ceil(edges / _SPACING), 1, _MAX_SUBDIVISION).astype(int)
    points = []
    for count in np.unique(steps):
        i, j = np.nonzero(np.tri(count + 1)[::-1])
        weights = np.stack([i, j, count - i - j], axis=-1) / count
        points.append(np.einsum("ik,tkd->tid", weights, corners[steps == count]).reshape(-1, 3))
    return np.concatenate(points)
