"""Exact distances from points to a triangle mesh, float64 NumPy.

`trimesh.proximity.closest_point` (5.2, with rtree) takes 0.8 s instead of 1.5 s for 20,000 points
near 19,552 triangles, but its distances deviate by up to 2e-5 units, far more than the tolerance of
`mesh_alignment`, and it needs two more dependencies.
"""

import dataclasses
import functools

import numpy as np

from tf_facerecon.core import checks

_NEAREST = 8  # Number of triangles from which the upper bound of the distance is computed.


@dataclasses.dataclass(frozen=True, eq=False)
class ClosestPoints:
    """Closest points on a surface to N query points.

    Attributes:
        positions: `[N, 3]` on the surface, unit of the surface.
        triangles: `[N]` indices of the triangles that they lie on.
        distances: `[N]`, non-negative, unit of the surface.
    """

    positions: np.ndarray
    triangles: np.ndarray
    distances: np.ndarray


class Surface:
    """A triangle mesh with closest-point queries.

    Args:
        vertices: `[V, 3]`, any unit.
        triangles: Integer `[T, 3]`, T ≥ 1.

    Raises:
        ValueError: If a shape does not fit, a vertex is not finite, an index is out of range or
            there is no triangle.
    """

    def __init__(self, vertices: np.ndarray, triangles: np.ndarray):
        vertices, triangles = np.asarray(vertices, np.float64), np.asarray(triangles)
        checks.check_shape("vertices", vertices, (None, 3))
        checks.check_shape("triangles", triangles, (None, 3))
        if not np.isfinite(vertices).all():
            raise ValueError("`vertices` must be finite. Received: NaN or infinite coordinates.")
        if not len(triangles) or triangles.min() < 0 or triangles.max() >= len(vertices):
            raise ValueError(
                f"`triangles` must hold at least one row of vertex indices 0 to "
                f"{len(vertices) - 1}. Received: {len(triangles)} rows, "
                f"{triangles.min(initial=0)} to {triangles.max(initial=0)}."
            )
        self.corners = vertices[triangles]
        self._centres = self.corners.mean(axis=1)
        offsets = self.corners - self._centres[:, None]
        self._radii = np.linalg.norm(offsets, axis=-1).max(axis=1)

    @functools.cached_property
    def normals(self) -> np.ndarray:
        """Unit normals `[T, 3]`; zero for a triangle without area."""
        a, b, c = np.moveaxis(self.corners, 1, 0)
        normals = np.cross(b - a, c - a)
        lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
        return np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)

    @functools.cached_property
    def _tree(self):
        from scipy import spatial

        return spatial.KDTree(self._centres)

    def closest_points(self, points: np.ndarray) -> ClosestPoints:
        """Closest points of the surface, exact to rounding.

        The triangles with the nearest centroids give an upper bound of the distance. A triangle is
        at least as far away as its centroid minus its circumradius: only triangles that may be
        closer than the bound are tested.

        Args:
            points: `[N, 3]`, the surface's unit.

        Raises:
            ValueError: If the shape differs or a value is not finite.
        """
        points = np.asarray(points, np.float64)
        checks.check_shape("points", points, (None, 3))
        if not np.isfinite(points).all():
            raise ValueError("`points` must be finite. Received: NaN or infinite coordinates.")
        if not len(points):
            return ClosestPoints(points, np.zeros(0, np.int64), np.zeros(0))
        _, nearest = self._tree.query(points, k=np.arange(1, min(_NEAREST, len(self.corners)) + 1))
        steps = closest_on_triangles(points[:, None], self.corners[nearest]) - points[:, None]
        # Slightly enlarged, so that rounding leaves no point without a candidate.
        bounds = (1 + 1e-9) * np.linalg.norm(steps, axis=-1).min(axis=1) + 1e-300
        near = self._tree.query_ball_point(points, bounds + self._radii.max())
        rows = np.repeat(np.arange(len(points)), [len(row) for row in near])
        candidates = np.concatenate(near).astype(np.int64)
        to_centres = np.linalg.norm(points[rows] - self._centres[candidates], axis=-1)
        can_win = to_centres - self._radii[candidates] <= bounds[rows]
        rows, candidates = rows[can_win], candidates[can_win]
        found = closest_on_triangles(points[rows], self.corners[candidates])
        distances = np.linalg.norm(found - points[rows], axis=-1)
        order = np.lexsort((distances, rows))
        best = order[np.searchsorted(rows[order], np.arange(len(points)))]
        positions, triangles, distances = found[best], candidates[best], distances[best]
        return ClosestPoints(positions, triangles, distances)


def closest_on_triangles(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Closest points on triangles, one query point per triangle.

    If the orthogonal projection onto the plane is inside the triangle, that is the closest point,
    otherwise the closest point of the three edges.

    Args:
        points: `[..., 3]`.
        corners: `[..., 3, 3]`, one row per corner; triangles may be degenerate.

    Returns:
        `[..., 3]`.
    """
    a, b, c = np.moveaxis(corners, -2, 0)
    on_edges = [_closest_on_segments(points, *ends) for ends in ((a, b), (b, c), (c, a))]
    normal = np.cross(b - a, c - a)
    squared_length = _dot(normal, normal)
    height = _divide(_dot(points - a, normal), squared_length)
    foot = points - height[..., None] * normal
    inside = squared_length > 0
    for start, end in ((a, b), (b, c), (c, a)):
        inside = inside & (_dot(np.cross(end - start, foot - start), normal) >= 0)
    best, best_squared = foot, np.where(inside, _dot(points - foot, points - foot), np.inf)
    for candidate in on_edges:
        squared = _dot(points - candidate, points - candidate)
        closer = squared < best_squared
        best = np.where(closer[..., None], candidate, best)
        best_squared = np.where(closer, squared, best_squared)
    return best


def _closest_on_segments(points, start, end):
    along = end - start
    share = np.clip(_divide(_dot(points - start, along), _dot(along, along)), 0.0, 1.0)
    return start + share[..., None] * along


def _dot(first, second):
    return np.einsum("...i,...i->...", first, second)


def _divide(numerator, denominator):
    """Quotient, 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
