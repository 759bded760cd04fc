"""Exact distances from points to a triangle mesh, float64 NumPy."""

import dataclasses
import functools

import numpy as np

from tf_facerecon.core import checks

_FIRST_CANDIDATES = 8  # Nearest triangle centres tried first; enough for most points of a scan.


@dataclasses.dataclass(frozen=True, eq=False)
class ClosestPoints:
    """Where a surface is closest to N points.

    Attributes:
        positions: `[N, 3]` on the surface, unit of the surface.
        triangles: `[N]` the triangle that each lies on.
        distances: `[N]`, not negative, unit of the surface.
    """

    positions: np.ndarray
    triangles: np.ndarray
    distances: np.ndarray


class Surface:
    """A triangle mesh that is asked for its closest points.

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
                f"`triangles` must hold at least one row of vertex numbers 0 to "
                f"{len(vertices) - 1}. Received: {len(triangles)} rows, "
                f"{triangles.min(initial=0)} to {triangles.max(initial=0)}."
            )
        self.corners = vertices[triangles]
        self._centres = self.corners.mean(axis=1)
        offsets = self.corners - self._centres[:, None]
        self._largest_radius = np.linalg.norm(offsets, axis=-1).max()

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

        A triangle is nowhere closer to a point than its centre's distance less its radius. So when
        the best of the triangles with the K nearest centres is closer than the K-th centre less the
        largest radius, no other triangle can win; points for which it is not try more.

        Args:
            points: `[N, 3]`, the surface's unit.

        Raises:
            ValueError: If the shape differs or a value is not finite.
        """
        points = np.asarray(points, np.float64)
        checks.check_shape("points", points, (None, 3))
        if not np.isfinite(points).all():
            raise ValueError("`points` must be finite. Received: NaN or infinite coordinates.")
        positions, triangles = np.zeros_like(points), np.zeros(len(points), np.int64)
        distances = np.full(len(points), np.inf)
        open_points = np.arange(len(points))
        count = _FIRST_CANDIDATES
        while len(open_points):
            count = min(count, len(self.corners))
            asked = points[open_points]
            to_centres, candidates = self._tree.query(asked, k=np.arange(1, count + 1))
            found = closest_on_triangles(asked[:, None], self.corners[candidates])
            squared = ((found - asked[:, None]) ** 2).sum(axis=-1)
            best = squared.argmin(axis=1)
            rows = np.arange(len(asked))
            positions[open_points] = found[rows, best]
            triangles[open_points] = candidates[rows, best]
            distances[open_points] = np.sqrt(squared[rows, best])
            proven = distances[open_points] <= to_centres[:, -1] - self._largest_radius
            open_points = open_points[~proven] if count < len(self.corners) else open_points[:0]
            count *= 4
        return ClosestPoints(positions, triangles, distances)


def closest_on_triangles(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Closest points of triangles, each to a point of its own.

    Inside the triangle's prism that is the foot of the perpendicular, elsewhere the closest point
    of the three edges.

    Args:
        points: `[..., 3]`.
        corners: `[..., 3, 3]`, corner by corner; a triangle may be flat.

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
