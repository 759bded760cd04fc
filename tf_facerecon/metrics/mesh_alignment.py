"""Rigid registration of a mesh to a scan: least squares over the point-to-surface distances."""

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.metrics.point_to_mesh import Surface

_TOLERANCE = 1e-9
_MAX_EVALUATIONS = 100


def align_mesh_to_scan(
    scan_points: np.ndarray,
    vertices: np.ndarray,
    triangles: np.ndarray,
    start: tuple[float, np.ndarray, np.ndarray],
    *,
    with_scale: bool,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Aligns a mesh so that the squared distances of `scan_points` to its surface are minimal.

    The objective of iterative closest points (Besl and McKay, PAMI 1992) in the direction scan to
    surface, minimised over scale, rotation and translation at once by SciPy's trust-region least
    squares (`scipy.optimize.least_squares`) with the exact Jacobian, which reaches the same minimum
    as the alternating algorithm in a few steps.

    Args:
        scan_points: `[N, 3]`, N ≥ 7.
        vertices: `[V, 3]` of the mesh.
        triangles: Integer `[T, 3]`.
        start: `(scale, rotation [3, 3], translation [3])` of the mesh, from landmarks; the
            optimization is local, as in every method of this kind.
        with_scale: Whether the scale is optimized; otherwise it stays that of `start`.

    Returns:
        `(scale, rotation, translation)` of the mesh, for `apply_similarity`.

    Raises:
        ValueError: If there are fewer than seven points, or a shape does not fit.
    """
    from scipy import optimize

    scan_points = np.asarray(scan_points, np.float64)
    checks.check_shape("scan_points", scan_points, (None, 3))
    if len(scan_points) < 7:
        raise ValueError(f"`scan_points` must be at least 7. Received: {len(scan_points)}.")
    surface = Surface(similarity_alignment.apply_similarity(vertices, *start), triangles)
    problem = _Distances(scan_points, surface, with_scale)
    num_unknowns = 7 if with_scale else 6
    solution = optimize.least_squares(
        problem.residuals,
        np.zeros(num_unknowns),
        jac=problem.jacobian,
        x_scale="jac",
        ftol=_TOLERANCE,
        xtol=_TOLERANCE,
        gtol=_TOLERANCE,
        max_nfev=_MAX_EVALUATIONS,
    )
    scale, rotation, translation = problem.transform(solution.x)
    first_scale, first_rotation, first_translation = start
    return (
        scale * first_scale,
        rotation @ first_rotation,
        scale * rotation @ first_translation + translation,
    )


class _Distances:
    """Signed distances `[N]` of points to a moved surface, and their derivatives.

    Unknowns: translation, rotation vector and, at the end, the logarithm of the scale, which keeps
    it positive; rotation and scale are about the centroid of the points. Instead of the surface,
    the points are moved by the inverse transform, so that its search tree is built only once.
    """

    def __init__(self, points: np.ndarray, surface: Surface, with_scale: bool):
        self.centroid = points.mean(axis=0)
        self.points = points - self.centroid
        self.surface = surface
        self.with_scale = with_scale
        self._last = None

    def transform(self, unknowns: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """`(scale, rotation, translation)` of the surface, about the origin."""
        scale, rotation = self._scale_and_rotation(unknowns)
        return scale, rotation, self.centroid + unknowns[:3] - scale * rotation @ self.centroid

    def residuals(self, unknowns: np.ndarray) -> np.ndarray:
        """Signed distances, negative behind the surface: differentiable across it."""
        return self._evaluate(unknowns)[0]

    def jacobian(self, unknowns: np.ndarray) -> np.ndarray:
        """`[N, 6 | 7]`; to first order, motion of the closest point changes no distance."""
        _, normals, closest, moved = self._evaluate(unknowns)
        scale, rotation = self._scale_and_rotation(unknowns)
        turned = normals @ rotation.T
        columns = [-turned, np.cross(turned, moved) @ _left_jacobian(unknowns[3:6])]
        if self.with_scale:
            columns.append(-scale * np.sum(normals * closest, axis=-1, keepdims=True))
        return np.concatenate(columns, axis=-1)

    def _evaluate(self, unknowns):
        if self._last is None or not np.array_equal(self._last[0], unknowns):
            self._last = unknowns.copy(), self._distances(unknowns)
        return self._last[1]

    def _distances(self, unknowns):
        scale, rotation = self._scale_and_rotation(unknowns)
        moved = self.points - unknowns[:3]
        points = moved @ rotation / scale + self.centroid
        closest = self.surface.closest_points(points)
        normals = self.surface.normals[closest.triangles]
        offsets = points - closest.positions
        sign = np.where(np.sum(offsets * normals, axis=-1) < 0, -1.0, 1.0)
        distances = sign * closest.distances
        away = np.abs(distances) > 1e-12
        directions = np.where(
            away[:, None], offsets / np.where(away, distances, 1.0)[:, None], normals
        )
        return scale * distances, directions, closest.positions - self.centroid, moved

    def _scale_and_rotation(self, unknowns):
        from scipy.spatial import transform

        scale = float(np.exp(unknowns[6])) if self.with_scale else 1.0
        return scale, transform.Rotation.from_rotvec(unknowns[3:6]).as_matrix()


def _left_jacobian(vector: np.ndarray) -> np.ndarray:
    """Left Jacobian `[3, 3]` of SO(3) at a rotation vector."""
    angle = np.linalg.norm(vector)
    x, y, z = vector
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    if angle < 1e-6:
        return np.eye(3) + cross / 2
    first = (1.0 - np.cos(angle)) / angle**2
    second = (angle - np.sin(angle)) / angle**3
    return np.eye(3) + first * cross + second * cross @ cross
