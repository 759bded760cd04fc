"""How closely a face model can represent a head scan, and how unlikely a person that takes.

Convention:
    Scans in millimetres, in any frame; face models in decimetres. Distances are taken from the
    scan's vertices to the model's surface.

Source: nonrigid ICP over the coefficients of a linear model, with point-to-plane distances
(Chen and Medioni 1991) and a Gaussian prior (Blanz and Vetter 1999).
"""

import dataclasses

import numpy as np

from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.metrics import scan_to_mesh
from tf_facerecon.metrics.point_to_mesh import Surface
from tf_facerecon.morphable_models.morphable_model import MorphableModel

NUM_IDENTITIES = 80
# Weights of the squared norm of the coefficients against squared distances in mm, summed over the
# scan's vertices.
RIDGES = (0.3, 1.0, 3.0)
_ROUNDS, _RIGID_STEPS, _RIGID_ONLY_STEPS = 25, 4, 25
_NOSE_TIP = 30
_RADIUS_MM, _EYE_RADIUS_MM = 80.0, 17.0
_EYE_CORNERS = ((36, 39), (42, 45))
_MM_PER_DM = 100.0


@dataclasses.dataclass(frozen=True, eq=False)
class ScanFit:
    """A face model fitted to a scan.

    Attributes:
        ridge: Weight of the prior; `None` for the mean face.
        coefficients: `[K]` standard deviations.
        distances_mm: `[N]` of the scan's points.
    """

    ridge: float | None
    coefficients: np.ndarray
    distances_mm: np.ndarray

    @property
    def median_mm(self) -> float:
        """Median distance."""
        return float(np.median(self.distances_mm))

    @property
    def mean_mm(self) -> float:
        """Mean distance."""
        return float(np.mean(self.distances_mm))

    @property
    def coefficient_rms(self) -> float:
        """Root mean square of the coefficients: 1 for a typical person, more for unlikely ones."""
        return float(np.sqrt(np.mean(self.coefficients**2)))


def frontal_points(
    vertices: np.ndarray, triangles: np.ndarray, landmarks: np.ndarray
) -> np.ndarray:
    """Vertices of a head scan that lie on the face, `[N]` boolean.

    Inside NoW's crop, visible from the front (+z), within 80 mm of the tip of the nose and at least
    17 mm from the middle of each eye, where scanners fail.

    Args:
        vertices: `[N, 3]` mm, the face looking along +z.
        triangles: `[T, 3]`.
        landmarks: `[68, 3]` mm.
    """
    corners = vertices[triangles]
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = np.zeros(len(vertices))
    for corner in range(3):
        np.add.at(facing, triangles[:, corner], outward[:, 2])
    kept = scan_to_mesh.now_crop(vertices, landmarks[list(scan_to_mesh.SEVEN_LANDMARKS)])
    kept &= (facing > 0) & (np.linalg.norm(vertices - landmarks[_NOSE_TIP], axis=1) < _RADIUS_MM)
    for first, second in _EYE_CORNERS:
        middle = (landmarks[first] + landmarks[second]) / 2
        kept &= np.linalg.norm(vertices - middle, axis=1) >= _EYE_RADIUS_MM
    return kept


def fit_scan(
    face_model: MorphableModel,
    points: np.ndarray,
    seven_landmarks: np.ndarray,
    ridge: float | None,
) -> ScanFit:
    """Fits similarity and identity to a scan.

    Args:
        face_model: Its first `NUM_IDENTITIES` identity modes are used.
        points: `[N, 3]` mm, points of the scan.
        seven_landmarks: `[7, 3]` mm, the points of the NoW challenge on the scan.
        ridge: Weight of the prior; `None` moves, turns and scales the mean face only.

    Raises:
        ValueError: If there are fewer points than coefficients.
    """
    if len(points) <= NUM_IDENTITIES:
        raise ValueError(
            f"`points` must be more than {NUM_IDENTITIES} points of a scan. Received: "
            f"{len(points)}."
        )
    mean = face_model.mean_shape.astype(np.float64) * _MM_PER_DM
    basis = face_model.identity_basis[..., :NUM_IDENTITIES].astype(np.float64) * _MM_PER_DM
    triangles = face_model.triangles
    coefficients = np.zeros(basis.shape[-1])
    pose = similarity_alignment.similarity_transform(
        mean[face_model.now_landmarks], seven_landmarks
    )
    shape = mean
    for _ in range(1 if ridge is None else _ROUNDS):
        steps = _RIGID_ONLY_STEPS if ridge is None else _RIGID_STEPS
        pose, surface, closest = _aligned(shape, triangles, points, pose, steps)
        if ridge is not None:
            weights = corner_weights(surface.corners[closest.triangles], closest.positions)
            moved = np.einsum("nc,ncdk->ndk", weights, basis[triangles[closest.triangles]])
            scale, rotation, _ = pose
            normals = surface.normals[closest.triangles]
            slopes = scale * np.einsum("ni,ij,njk->nk", normals, rotation, moved)
            heights = np.sum((points - closest.positions) * normals, axis=1)
            system = slopes.T @ slopes + ridge * np.eye(len(coefficients))
            coefficients = np.linalg.solve(system, slopes.T @ (heights + slopes @ coefficients))
            shape = mean + basis @ coefficients
    *_, closest = _aligned(shape, triangles, points, pose, 0)
    return ScanFit(ridge, coefficients, closest.distances)


def _aligned(shape, triangles, points, pose, steps):
    """ICP over similarity; returns the pose, the surface in it and the points closest to it."""
    for step in range(steps + 1):
        surface = Surface(similarity_alignment.apply_similarity(shape, *pose), triangles)
        closest = surface.closest_points(points)
        if step < steps:
            change = similarity_alignment.similarity_transform(closest.positions, points)
            pose = _composed(change, pose)
    return pose, surface, closest


def _composed(second, first):
    """The similarity that applies `first`, then `second`."""
    scale, rotation, translation = first
    other_scale, other_rotation, other_translation = second
    return (
        other_scale * scale,
        other_rotation @ rotation,
        other_scale * other_rotation @ translation + other_translation,
    )


def corner_weights(corners: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Barycentric coordinates `[N, 3]` of positions `[N, 3]` on triangles `[N, 3, 3]`."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    offset = positions - corners[:, 0]
    system = np.empty((len(corners), 2, 2))
    system[:, 0, 0] = np.sum(first * first, axis=1)
    system[:, 1, 1] = np.sum(second * second, axis=1)
    system[:, 0, 1] = system[:, 1, 0] = np.sum(first * second, axis=1)
    determinant = np.maximum(np.linalg.det(system), 1e-12)
    along, across = np.sum(first * offset, axis=1), np.sum(second * offset, axis=1)
    one = (system[:, 1, 1] * along - system[:, 0, 1] * across) / determinant
    two = (system[:, 0, 0] * across - system[:, 0, 1] * along) / determinant
    return np.column_stack([1.0 - one - two, one, two])
