"""The smooth mean face: a map from the face domain to 3-D.

A thin-plate spline over the domain interpolates all anchor points, so the surface passes through
the 68 landmarks and is defined at any point, for any mesh density. Modes are functions on it;
`surface_details` adds the fine geometry of the mean face.
"""

import dataclasses
import functools

import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain
from tf_facerecon.morphable_models.procedural import anchor_points

MOUTH_CORNER = face_domain.domain_coordinates(np.array([0.230, -0.376, 0.230]))[0]
LIP_LINE_MIDDLE, _LIP_LINE_CORNER = -0.3585, -0.376
_LIP_CREASE_DEPTH, _LIP_CREASE_WIDTH = 0.012, 0.005

# Rows of the mouth interior, from the upper lip to the lower: offset `(y, z)` in dm from the lip
# line, and skinning weights of the upper and the lower lip. Rows 3 and 4 are the upper teeth.
MOUTH_INTERIOR = np.array(
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
        lip_side: `[N]` +1 on the upper, -1 on the lower side of the lip line between the corners of
            the mouth, else 0.
        position: `[N, 3]` on the smooth mean face, decimetres.
    """

    s: np.ndarray
    t: np.ndarray
    lip_side: np.ndarray
    position: np.ndarray

    @classmethod
    def on_surface(cls, s: np.ndarray, t: np.ndarray, lip_side: np.ndarray) -> "FacePoints":
        """Creates points from domain coordinates."""
        return cls(s, t, lip_side, surface(s, t))


def lip_line_height(s: np.ndarray) -> np.ndarray:
    """Height `t` of the lip line, where the lips meet; constant beyond the mouth corners."""
    inside = np.minimum(np.abs(s) / MOUTH_CORNER, 1.0)
    return LIP_LINE_MIDDLE + (_LIP_LINE_CORNER - LIP_LINE_MIDDLE) * inside**2


def mouth_opening(s: np.ndarray) -> np.ndarray:
    """Relative mouth opening at arc `s`: 1 in the middle, 0 from the corners outward."""
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
    crease = np.exp(-(((t - lip_line_height(s)) / _LIP_CREASE_WIDTH) ** 2)) * mouth_opening(s)
    positions[:, 2] -= _LIP_CREASE_DEPTH * crease
    return positions


@functools.lru_cache(maxsize=1)
def _spline():
    from scipy import interpolate

    coordinates, positions = anchor_points.surface_anchors()
    return interpolate.RBFInterpolator(coordinates, positions, kernel="thin_plate_spline")
