"""Eigenmodes of Gaussian processes on the face, independent of the mesh density.

The covariance is decomposed once at a small fixed set of control points of the analytic mean face;
the modes are evaluated at any other point through the kernel (Nystroem extension). A coefficient
therefore describes the same surface on every mesh. Mirror-symmetric (even) and antisymmetric (odd)
fields are decomposed separately, on control points of one half, so that no eigenvalue belongs to
both; signs are canonical.
"""

import dataclasses
import functools

import numpy as np

from tf_facerecon.morphable_models.procedural import mean_face

_CONTROL_S = (0.0, 0.08, 0.16, 0.25, 0.34, 0.44, 0.56, 0.72, 0.92, 1.15, 1.38)
_CONTROL_T = (
    *(-0.95, -0.82, -0.70, -0.59, -0.50, -0.435, -0.39),
    *(-0.325, -0.27, -0.20, -0.12, -0.04, 0.06, 0.16),
    *(0.24, 0.30, 0.36, 0.44, 0.52, 0.64, 0.78, 0.93),
)


@dataclasses.dataclass(frozen=True)
class ControlPoints:
    """Control points of one half of the face (`s >= 0`).

    Attributes:
        points: The points.
        weights: `[N]` number of points of the whole face that each represents: 2, on the mid-line
            1.
    """

    points: mean_face.FacePoints
    weights: np.ndarray


@functools.lru_cache(maxsize=1)
def control_points() -> ControlPoints:
    """The fixed control points."""
    s, t = (field.reshape(-1) for field in np.meshgrid(_CONTROL_S, _CONTROL_T))
    bottom = np.interp(s, [0.0, 0.55, 0.9, 1.15, 1.42], [-1.1, -1.0, -0.87, -0.7, -0.5])
    top = np.interp(s, [0.0, 0.6, 1.42], [1.0, 0.95, 0.76])
    kept = (t > bottom) & (t < top)
    s, t = s[kept], t[kept]
    side = np.sign(t - mean_face.lip_line_height(s)) * (s < mean_face.MOUTH_CORNER)
    points = mean_face.FacePoints.on_surface(s, t, side)
    return ControlPoints(points, np.where(s > 0, 2.0, 1.0))


def leading_modes(covariance: np.ndarray, num_modes: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenpairs of a symmetric float64 matrix.

    Returns:
        Eigenvalues `[K]`, descending, and eigenvectors `[N, K]`, each with its largest entry
        positive.
    """
    from scipy import linalg

    size = covariance.shape[0]
    values, vectors = linalg.eigh(covariance, subset_by_index=[size - num_modes, size - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = np.argmax(np.abs(vectors), axis=0)
    return values, vectors * np.sign(vectors[largest, np.arange(num_modes)])


def parity_kernels(
    a: np.ndarray, b: np.ndarray, length_scales: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Squared-exponential kernel between points, and between points and mirrored points.

    Args:
        a: `[N, D]` points; mirroring negates the first coordinate.
        b: `[M, D]` points.
        length_scales: Length scale of each coordinate.

    Returns:
        `exp(-|(a - b) / length_scales|^2 / 2)` and the same with `b` mirrored, each `[N, M]`. Their
        sum is a kernel of even fields, their difference one of odd fields.
    """
    a, b = a / np.asarray(length_scales), b / np.asarray(length_scales)
    rest = -0.5 * ((a**2).sum(-1)[:, None] + (b**2).sum(-1)[None])
    others = a[:, 1:] @ b[:, 1:].T + rest
    across = np.outer(a[:, 0], b[:, 0])
    return np.exp(others + across), np.exp(others - across)


def scalar_modes(
    target: np.ndarray,
    control: np.ndarray,
    target_window: np.ndarray,
    control_window: np.ndarray,
    length_scales: tuple[float, ...],
    num_modes: int,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Even and odd modes of a scalar field.

    Args:
        target: `[N, D]` coordinates of the points to evaluate.
        control: `[M, D]` coordinates of the control points.
        target_window: `[N]` standard deviation of the field at the points to evaluate.
        control_window: `[M]` standard deviation at the control points.
        length_scales: Length scale of each coordinate.
        num_modes: Number of modes of each parity.

    Returns:
        For "even" and "odd" the variances `[K]` (descending) and the fields `[N, K]`, scaled by
        the square root of the variance per control point.
    """
    root = np.sqrt(control_points().weights)
    weighted = control_window * root
    direct, mirrored = parity_kernels(control, control, length_scales)
    far_direct, far_mirrored = parity_kernels(target, control, length_scales)
    modes = {}
    for parity, sign in (("even", 1.0), ("odd", -1.0)):
        gram = 0.5 * (direct + sign * mirrored) * np.outer(weighted, weighted)
        values, vectors = leading_modes(gram, num_modes)
        cross = 0.5 * (far_direct + sign * far_mirrored)
        fields = target_window[:, None] * (cross @ (weighted[:, None] * vectors / np.sqrt(values)))
        modes[parity] = values, fields
    return modes
