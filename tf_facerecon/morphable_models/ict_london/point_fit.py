"""Pose and shape of a face from hand-set points of one photograph, and where each vertex is seen.

Convention:
    Camera frame: x right, y up, z towards the camera, which stands `CAMERA_DISTANCE_DM` in front of
    the face; decimetres. Image points are (column, row), row down, index of the first pixel 0.
"""

import dataclasses

import numpy as np

# Of studio portraits; the focal length is fitted.
CAMERA_DISTANCE_DM = 15.0
# Standard deviation in pixels of hand-set points about the fitted model.
_POINT_NOISE = 5.0
_MAX_EVALUATIONS = 60
# Spline from the fit's points to the hand-set ones: how far it may miss them (scipy's smoothing).
_SPLINE_SMOOTHING = 2.0


@dataclasses.dataclass(frozen=True, eq=False)
class PointModel:
    """Points of a face that follow its shape: N points, K modes.

    Attributes:
        mean: `[N, 3]` decimetres.
        basis: `[N, 3, K]` decimetres per standard deviation.
        weights: `[N]` how much each counts.
    """

    mean: np.ndarray
    basis: np.ndarray
    weights: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoFit:
    """A face in a photograph.

    Attributes:
        coefficients: `[K]` standard deviations.
        rotation: `[3]` rotation vector, radians.
        shift: `[2]` decimetres.
        focal: Pixels.
        centre: `[2]` (column, row) of the optical axis.
        residual: Root mean square of the points' distances, pixels.
    """

    coefficients: np.ndarray
    rotation: np.ndarray
    shift: np.ndarray
    focal: float
    centre: np.ndarray
    residual: float

    @property
    def rotation_matrix(self) -> np.ndarray:
        """`[3, 3]`, acting on columns."""
        from scipy.spatial import transform

        return transform.Rotation.from_rotvec(self.rotation).as_matrix()

    def place(self, vertices: np.ndarray) -> np.ndarray:
        """`vertices` `[..., 3]` of the model frame in the camera frame, decimetres."""
        return vertices @ self.rotation_matrix.T + np.append(self.shift, 0.0)

    def project(self, vertices: np.ndarray) -> np.ndarray:
        """(column, row) `[..., 2]` of `vertices` `[..., 3]` of the model frame."""
        placed = self.place(vertices)
        scale = self.focal / (CAMERA_DISTANCE_DM - placed[..., 2:])
        return self.centre + scale * placed[..., :2] * [1.0, -1.0]


def fit_points(model: PointModel, points: np.ndarray, image_size: tuple[int, int]) -> PhotoFit:
    """Fits pose, focal length and coefficients with a prior of unit variance.

    Args:
        model: The points on the face.
        points: `[N, 2]` (column, row) in the photograph.
        image_size: (width, height) in pixels; the principal point is the image centre.

    Returns:
        The least-squares fit.
    """
    from scipy import optimize

    problem = _PointProblem(model, np.asarray(points, np.float64), image_size)
    num_modes = model.basis.shape[-1]
    # Pose first, so that coefficients do not explain a rotation of the head.
    pose = optimize.least_squares(
        lambda values: problem.residuals(np.concatenate([values, np.zeros(num_modes)])),
        problem.start,
    )
    found = optimize.least_squares(
        problem.residuals,
        np.concatenate([pose.x, np.zeros(num_modes)]),
        jac=problem.jacobian,
        max_nfev=_MAX_EVALUATIONS,
    )
    fit = problem.unpack(found.x)
    distance = np.linalg.norm(fit.project(problem.shape(fit)) - points, axis=1)
    return dataclasses.replace(fit, residual=float(np.sqrt(np.mean(distance**2))))


class _PointProblem:
    """Residuals over (rotation 3, translation 2, log focal length 1, coefficients K)."""

    _NUM_POSE = 6
    _STEP = 1e-6

    def __init__(self, model, points, image_size):
        self._model, self._points = model, points
        self._weights = (model.weights / _POINT_NOISE)[:, None]
        self._centre = 0.5 * (np.asarray(image_size, np.float64) - 1.0)
        spread = np.std(model.mean[:, :2], axis=0).mean()
        self._focal = CAMERA_DISTANCE_DM * np.std(points, axis=0).mean() / spread
        scale = self._focal / CAMERA_DISTANCE_DM
        offset = (points.mean(axis=0) - self._centre) * [1.0, -1.0] / scale
        shift = offset - model.mean[:, :2].mean(axis=0)
        self.start = np.concatenate([np.zeros(3), shift, [0.0]])

    def unpack(self, values: np.ndarray) -> PhotoFit:
        focal = self._focal * np.exp(values[5])
        return PhotoFit(values[6:], values[:3], values[3:5], focal, self._centre, 0.0)

    def shape(self, fit: PhotoFit) -> np.ndarray:
        return self._model.mean + self._model.basis @ fit.coefficients

    def residuals(self, values: np.ndarray) -> np.ndarray:
        fit = self.unpack(values)
        distance = (fit.project(self.shape(fit)) - self._points) * self._weights
        return np.concatenate([distance.ravel(), fit.coefficients])

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        """By finite differences for the pose, exact for the coefficients."""
        centre = self.residuals(values)
        columns = []
        for number in range(self._NUM_POSE):
            moved = np.array(values)
            moved[number] += self._STEP
            columns.append((self.residuals(moved) - centre) / self._STEP)
        fit = self.unpack(values)
        placed = fit.place(self.shape(fit))
        turned = np.einsum("ij,njk->nik", fit.rotation_matrix, self._model.basis)
        depth = (CAMERA_DISTANCE_DM - placed[:, 2])[:, None, None]
        slope = turned[:, :2] + placed[:, :2, None] * turned[:, 2:] / depth
        slope *= fit.focal / depth * np.array([1.0, -1.0])[:, None] * self._weights[..., None]
        num_modes = turned.shape[-1]
        modes = np.concatenate([slope.reshape(-1, num_modes), np.eye(num_modes)])
        return np.column_stack([*columns, modes])


def seen_at(
    fit: PhotoFit,
    vertices: np.ndarray,
    model_points: np.ndarray,
    image_points: np.ndarray,
    far_points: np.ndarray,
) -> np.ndarray:
    """Where vertices are in the photograph once the hand-set points are met.

    What the fit leaves between its points and the hand-set ones is spread smoothly over the image
    (a thin-plate spline), and fades to nothing at `far_points`.

    Args:
        fit: Of the photograph.
        vertices: `[V, 3]` of this face, model frame.
        model_points: `[N, 3]` the points on this face, model frame.
        image_points: `[N, 2]` the hand-set ones.
        far_points: `[M, 3]` points of this face that the spline leaves where they are.

    Returns:
        `[V, 2]` (column, row).
    """
    from scipy import interpolate

    own, far = fit.project(model_points), fit.project(far_points)
    places = np.concatenate([own, far])
    shift = np.concatenate([image_points - own, np.zeros_like(far)])
    spline = interpolate.RBFInterpolator(
        places, shift, kernel="thin_plate_spline", smoothing=_SPLINE_SMOOTHING
    )
    projected = fit.project(vertices)
    return projected + spline(projected)
