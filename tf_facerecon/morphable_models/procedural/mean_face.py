"""The smooth mean face: a map from the face domain to space.

A thin-plate spline over the unrolled domain passes through every anchor point, so the 68 landmarks
are met exactly and the surface is defined at any point, for any mesh density. Modes are functions
on it; `surface_details` carves the details of the mean face into it.
"""

import dataclasses
import functools

import numpy as np

from tf_facerecon.morphable_models.albedo import face_domain
from tf_facerecon.morphable_models.procedural import anchor_points

MOUTH_CORNER = face_domain.domain_coordinates(np.array([0.230, -0.376, 0.230]))[0]
SEAM_MIDDLE, _SEAM_CORNER = -0.3585, -0.376
_LIP_CREASE_DEPTH, _LIP_CREASE_WIDTH = 0.012, 0.005

# Sheet inside the mouth, from the upper lip to the lower: offset `(y, z)` in dm from the seam, and
# how much of the upper and of the lower lip's movement it takes. Rows 3 and 4 are the upper teeth.
MOUTH_SHEET = np.array(
    [
        (0.012, -0.025, 1.00, 0.00),
        (0.030, -0.060, 0.70, 0.00),
        (0.045, -0.072, 0.20, 0.00),
        (0.005, -0.068, 0.00, 0.00),
        (-0.045, -0.072, 0.00, 0.00),
        (-0.035, -0.180, 0.00, 0.10),
        (-0.035, -0.280, 0.00, 0.40),
        (-0.070, -0.160, 0.00, 0.80),
        (-0.040, -0.060, 0.00, 0.95),
    ]
)


@dataclasses.dataclass(frozen=True)
class FacePoints:
    """Points of the outer face.

    Attributes:
        s: `[N]` arc coordinates.
        t: `[N]` heights.
        seam_side: `[N]` +1 on the upper, -1 on the lower side of the mouth's slit (between the
            corners of the mouth), else 0.
        position: `[N, 3]` on the smooth mean face, decimetres.
    """

    s: np.ndarray
    t: np.ndarray
    seam_side: np.ndarray
    position: np.ndarray

    @classmethod
    def on_surface(cls, s: np.ndarray, t: np.ndarray, seam_side: np.ndarray) -> "FacePoints":
        """Makes points from their domain coordinates."""
        return cls(s, t, seam_side, surface(s, t))


def seam_height(s: np.ndarray) -> np.ndarray:
    """Height `t` of the line where the lips meet, continued beyond the corners of the mouth."""
    inside = np.minimum(np.abs(s) / MOUTH_CORNER, 1.0)
    return SEAM_MIDDLE + (_SEAM_CORNER - SEAM_MIDDLE) * inside**2


def mouth_opening(s: np.ndarray) -> np.ndarray:
    """How far the lips can part at arc `s`: 1 in the middle, 0 from the corners outward."""
    return np.sqrt(np.clip(1.0 - (s / MOUTH_CORNER) ** 2, 0.0, 1.0))


def surface(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Evaluates the smooth mean face.

    Args:
        s: `[N]` arc coordinates.
        t: `[N]` height coordinates.

    Returns:
        `[N, 3]` float64 positions, decimetres.
    """
    points = np.stack([s, t], axis=-1).astype(np.float64)
    positions = _spline()(points)
    crease = np.exp(-(((t - seam_height(s)) / _LIP_CREASE_WIDTH) ** 2)) * mouth_opening(s)
    positions[:, 2] -= _LIP_CREASE_DEPTH * crease
    return positions


@functools.lru_cache(maxsize=1)
def _spline():
    from scipy import interpolate

    coordinates, positions = anchor_points.surface_anchors()
    return interpolate.RBFInterpolator(coordinates, positions, kernel="thin_plate_spline")
