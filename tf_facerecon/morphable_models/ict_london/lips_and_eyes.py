"""Lips that meet, lids that close, and eyes that turn: what the kit's shapes leave open.

Convention:
    Kit frame, centimetres. The kit's eyeballs do not move with its expressions, its neutral lips
    are most of a millimetre apart, and its blink is made for the mean eye.
"""

from collections.abc import Sequence

import numpy as np

# iBUG points of the inner lips from one corner to the other, above and below.
_UPPER, _LOWER = (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)
# How far from the seam lips follow it, cm.
_SEAM_REACH = 0.35
# Lips meet with this overlap, cm, so that teeth do not shine through.
_OVERLAP = 0.02
# Blinks move lids further than for the mean eye, and eyeballs back, cm: wide eyes close, too, and
# corneas stay behind the lids.
_BLINK_FACTOR, _BLINK_RECESS = 1.15, 0.20
# Degrees by which eyes turn at full strength: kit name, axis, sign for the subject's left eye.
_GAZE = {
    "eyeLookUp": ((1.0, 0.0, 0.0), -22.0),
    "eyeLookDown": ((1.0, 0.0, 0.0), 25.0),
    "eyeLookIn": ((0.0, 1.0, 0.0), -30.0),
    "eyeLookOut": ((0.0, 1.0, 0.0), 30.0),
}
_LEFT, _RIGHT = "_L", "_R"


class LipSeam:
    """Where the lips meet, and how shapes are changed so that they do.

    Args:
        points: `[V, 3]` mean shape.
        landmarks: `[68]` vertices.
        opening: `[V, 3]` displacement of an opening jaw: what follows it is the lower lip.
        skin: `[V]` boolean.
    """

    def __init__(self, points, landmarks, opening, skin):
        self._upper, self._lower = landmarks[list(_UPPER)], landmarks[list(_LOWER)]
        middle = 0.5 * (points[self._upper] + points[self._lower])
        self._across = middle[:, 0]
        self._x = points[:, 0]
        seam = np.stack([np.interp(self._x, self._across, middle[:, k]) for k in (1, 2)], axis=1)
        near = np.exp(-np.sum((points[:, 1:] - seam) ** 2, axis=1) / (2 * _SEAM_REACH**2))
        inside = (self._x > self._across[0]) & (self._x < self._across[-1])
        falls = opening[:, 1] < 0.5 * (opening[self._upper[2], 1] + opening[self._lower[2], 1])
        self._weight = np.where(falls, 0.5, -0.5) * near * inside * skin

    def sealed(self, shape: np.ndarray, overlap: float = 0.0) -> np.ndarray:
        """`shape` `[V, 3]`, positions or displacements, with the gap between the lips taken out."""
        gap = shape[self._upper, 1] - shape[self._lower, 1]
        gap[1:-1] += overlap
        gap[[0, -1]] = 0.0
        sealed = np.array(shape, np.float64)
        sealed[:, 1] += self._weight * np.interp(self._x, self._across, gap)
        return sealed

    def sealed_mean(self, shape: np.ndarray) -> np.ndarray:
        """The neutral face with lips that overlap a little."""
        return self.sealed(shape, _OVERLAP)


def lively_eyes(
    modes: np.ndarray, names: Sequence[str], points: np.ndarray, eyeballs: np.ndarray
) -> np.ndarray:
    """Expressions with lids that close over every eye, and eyes that turn with their lids.

    Args:
        modes: `[K, V, 3]` displacements at full strength.
        names: K names of the kit.
        points: `[V, 3]` mean shape.
        eyeballs: `[V]` boolean.

    Returns:
        `[K, V, 3]` float64. A turn is exact at full strength; on the way eyes sink by less than
        half a millimetre.
    """
    lively = np.array(modes, np.float64)
    for side, sign in ((_LEFT, 1.0), (_RIGHT, -1.0)):
        ball = np.flatnonzero(eyeballs & (sign * points[:, 0] > 0))
        if not ball.size:
            continue
        centre = _sphere_centre(points[ball])
        for number, name in enumerate(names):
            if not name.endswith(side):
                continue
            stem = name.removesuffix(side)
            if stem == "eyeBlink":
                lively[number] *= _BLINK_FACTOR
                lively[number, ball, 2] -= _BLINK_RECESS
            elif stem in _GAZE:
                axis, degrees = _GAZE[stem]
                turn = degrees * (sign if axis[1] else 1.0)
                offset = points[ball] - centre
                lively[number, ball] += _rotated(offset, axis, np.radians(turn)) - offset
    return lively


def _sphere_centre(points: np.ndarray) -> np.ndarray:
    """Least-squares centre of a sphere through points `[N, 3]`."""
    system = np.concatenate([2 * points, np.ones((len(points), 1))], axis=1)
    solution, *_ = np.linalg.lstsq(system, np.sum(points**2, axis=1), rcond=None)
    return solution[:3]


def _rotated(points: np.ndarray, axis: Sequence[float], angle: float) -> np.ndarray:
    """Points `[N, 3]` turned about an axis through the origin."""
    axis = np.asarray(axis)
    along = (points @ axis)[:, None] * axis
    return along + np.cos(angle) * (points - along) + np.sin(angle) * np.cross(axis[None], points)
