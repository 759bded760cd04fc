"""Which vertices of a face a photograph shows."""

import numpy as np

from tf_facerecon.morphable_models.ict_london import point_fit

# Spacing of the points that stand for a triangle, pixels, and how many lie along a side at most.
_SPACING, _MAX_STEPS = 0.8, 400
# Cell of the depth map, pixels, and how far behind its nearest point a vertex still counts, dm.
_CELL, _SLACK = 1.0, 0.035


def visible_vertices(
    fit: point_fit.PhotoFit, vertices: np.ndarray, triangles: np.ndarray
) -> np.ndarray:
    """Vertices with no surface before them.

    Args:
        fit: Of the photograph.
        vertices: `[V, 3]` of this face, model frame, decimetres.
        triangles: `[T, 3]` of everything that hides.

    Returns:
        `[V]` boolean.
    """
    flat, depth = fit.project(vertices) / _CELL, fit.place(vertices)[:, 2]
    samples = _surface_points(np.column_stack([flat, depth])[triangles])
    low = np.floor(samples[:, :2].min(axis=0))
    cells = (samples[:, :2] - low).astype(int)
    nearest = np.full(cells.max(axis=0) + 1, -np.inf)
    np.maximum.at(nearest, tuple(cells.T), samples[:, 2])
    own = np.clip((flat - low).astype(int), 0, np.array(nearest.shape) - 1)
    return depth >= nearest[tuple(own.T)] - _SLACK


def _surface_points(corners: np.ndarray) -> np.ndarray:
    """Points `[N, 3]` that fill triangles `[T, 3, 3]` (column, row, depth) densely."""
    sides = np.linalg.norm((corners - np.roll(corners, 1, axis=1))[..., :2], axis=-1).max(axis=1)
    steps = np.clip(np.ceil(sides / _SPACING), 1, _MAX_STEPS).astype(int)
    points = []
    for count in np.unique(steps):
        first, second = np.nonzero(np.tri(count + 1)[::-1])
        lattice = np.stack([first, second, count - first - second], axis=-1) / count
        filled = np.einsum("ik,tkd->tid", lattice, corners[steps == count])
        points.append(filled.reshape(-1, 3))
    return np.concatenate(points)


def facing(
    fit: point_fit.PhotoFit, vertices: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals `[V, 3]`, camera axes, and their cosines `[V]` with the viewing direction."""
    placed = fit.place(vertices)
    a, b, c = (placed[triangles[:, k]] for k in range(3))
    outward = np.cross(b - a, c - a)
    normals = np.zeros_like(placed)
    for k in range(3):
        np.add.at(normals, triangles[:, k], outward)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    view = np.array([0.0, 0.0, point_fit.CAMERA_DISTANCE_DM]) - placed
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    return normals, np.sum(normals * view, axis=1)
