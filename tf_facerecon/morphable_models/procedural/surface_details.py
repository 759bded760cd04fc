"""The detailed mean face: lids, eyeballs, nasal alae, nostrils, philtrum, lips, jaw.

`mean_face.surface` is a smooth face through the landmarks. This module adds sharp features as a
displacement map over the face domain. Modes are functions on the smooth face and independent of the
displacements, which are added to them.
"""

import functools

import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain, feature_masks
from tf_facerecon.morphable_models.procedural import eyeballs, mean_face

# Eyeball: centre `(|x|, y)`, radius and foremost depth, dm.
_EYE_X, _EYE_Y, _EYE_RADIUS, _EYE_FRONT = 0.311, 0.303, 0.120, 0.176
# Ala of the nose: centre of its dome in the domain and radius of the groove around it.
_WING_S, _WING_T, _WING_RADIUS = 0.128, -0.088, 0.056
# Width of the kernel that corrects displacements to leave the landmarks in place, dm of the domain.
_CORRECTION_WIDTH = 0.030


def surface(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Evaluates the mean face with all details.

    Args:
        s: `[N]` arc coordinates.
        t: `[N]` height coordinates.

    Returns:
        `[N, 3]` float64 positions, decimetres.
    """
    coordinates = np.stack([s, t], axis=-1)
    smooth = mean_face.surface(s, t)
    nodes, weights = _landmark_correction()
    return smooth + _details(s, t, smooth) - _gaussian_kernel(coordinates, nodes) @ weights


def _gaussian_kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=-1)
    return np.exp(-0.5 * squared / _CORRECTION_WIDTH**2)


@functools.lru_cache(maxsize=1)
def _landmark_correction() -> tuple[np.ndarray, np.ndarray]:
    """Landmarks `[68, 2]` and the RBF weights `[68, 3]` of their displacement by the details."""
    nodes = face_domain.domain_coordinates(face_domain.landmark_template())
    s, t = nodes.T
    moved = _details(s, t, mean_face.surface(s, t))
    # Landmarks of both lips nearly coincide: regularization keeps the system well-conditioned.
    return nodes, np.linalg.solve(_gaussian_kernel(nodes, nodes) + 1e-3 * np.eye(len(nodes)), moved)


def _details(s: np.ndarray, t: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """All displacements `[N, 3]` of the smooth face."""
    parts = (_lids(s, t), _nose(s, t), _nostrils(s, t), _lips(s, t), _folds(s, t))
    return np.sum(parts, axis=0) + _eyeballs(s, t, smooth) + _skull(s, t, smooth)


def _outward(s: np.ndarray, amount: np.ndarray, sideways: float) -> np.ndarray:
    """Displaces by `amount` along +z, tilted away from the mid-line by asin(`sideways`)."""
    x = sideways * np.tanh(s / 0.04) * amount
    return np.stack([x, np.zeros_like(s), np.sqrt(1.0 - sideways**2) * amount], axis=-1)


def _bell(distance: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-((distance / width) ** 2))


def _bell_pair(s: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Sum of Gaussians on both sides of the mid-line."""
    return _bell(s - centre, width) + _bell(s + centre, width)


def _eyeballs(s: np.ndarray, t: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """Spheres behind the lids that blend into the corners of the eyes."""
    share, height = eyeballs.eyeball_mask(s, t), eyeballs.eyeball_height(s, t)
    along = feature_masks.lid_heights(s)[2]
    squared = (np.abs(smooth[:, 0]) - _EYE_X) ** 2 + (height - _EYE_Y) ** 2
    ball = np.sqrt(np.clip(_EYE_RADIUS**2 - squared, 0.0, None)) + _EYE_FRONT - _EYE_RADIUS
    corner = smooth[:, 2] - 0.004 - 0.043 * feature_masks.lid_arch(along)
    depth = 0.5 * (ball + corner + np.hypot(ball - corner, 0.008))
    return np.stack(
        [np.zeros_like(s), share * (height - t), share * (depth - smooth[:, 2])], axis=-1
    )


def _lids(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Upper lid crease with the fold above it, rounded lid margins, tear trough."""
    upper, lower, along = feature_masks.lid_heights(s)
    extent = feature_masks.smooth_step(np.abs(along), 1.45, 0.55)
    above_crease = feature_masks.lid_crease(s, t)
    crease = 0.010 * _bell(above_crease - 0.030, 0.022) - 0.013 * _bell(above_crease, 0.010)
    rounded = 0.004 * _bell(t - upper - 0.014, 0.011) + 0.005 * _bell(lower - t - 0.017, 0.013)
    rounded = rounded * np.sqrt(feature_masks.lid_arch(along))
    trough = -0.007 * _bell(lower - t - 0.055 - 0.02 * along, 0.024)
    trough = trough * feature_masks.smooth_step(along, 0.9, -0.6)
    return _outward(s, extent * (crease + rounded + trough), 0.25)


def _nose(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Alae with the alar groove behind and a faint groove in front of them."""
    side, height = np.abs(s) - _WING_S, (t - _WING_T) / 1.1
    radius, angle = np.hypot(side, height), np.arctan2(height, side)
    dome = np.clip(1.0 - (radius / _WING_RADIUS) ** 2, 0.0, 1.0) ** 2
    behind = feature_masks.smooth_step(np.abs(angle - 0.55), 2.1, 1.2)
    groove = _bell(radius - _WING_RADIUS, 0.016) * behind
    before = _bell(np.abs(s) - 0.078, 0.016) * _bell(t + 0.062, 0.030)
    wings = _outward(s, 0.022 * dome - 0.022 * groove, 0.65)
    return wings + _outward(s, -0.007 * before, 0.45)


def _nostrils(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Nostrils, as pits that extend up into the nose."""
    pit = feature_masks.nostril(s, t) ** 3
    return np.stack([0.0 * s, 0.040 * pit, -0.020 * pit], axis=-1)


def _lips(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Lip volume, vermilion border, tubercle, philtrum, mentolabial sulcus, mouth corners."""
    upper, lower = feature_masks.lip_edges(s)
    lip_line = mean_face.lip_line_height(s)
    full = np.clip(1.0 - (s / 0.25) ** 2, 0.0, 1.0)
    above = np.clip((t - lip_line) / np.maximum(upper - lip_line, 1e-3), 0.0, 1.0) * (t > lip_line)
    below = np.clip((lip_line - t) / np.maximum(lip_line - lower, 1e-3), 0.0, 1.0) * (t < lip_line)
    swell = 0.010 * 4 * above * (1 - above) * (0.8 + 0.4 * _bell(s, 0.035))
    pout = 0.018 * 4 * below * (1 - below) * (0.75 + 0.35 * _bell_pair(s, 0.055, 0.045))
    edge = -0.006 * (_bell(t - upper - 0.014, 0.010) + _bell(lower - 0.014 - t, 0.010))
    concavity = -0.012 * _bell(t + 0.505, 0.030) * _bell(s, 0.14)
    philtrum = 0.005 * _bell_pair(s, 0.048, 0.022) - 0.006 * _bell(s, 0.028)
    philtrum *= feature_masks.smooth_step(t, -0.300, -0.270) * feature_masks.smooth_step(
        t, -0.165, -0.200
    )
    corner = -0.009 * _bell(np.abs(s) - 0.285, 0.035) * _bell(t + 0.380, 0.030)
    return _outward(s, full * (swell + pout + edge) + concavity + philtrum + corner, 0.1)


def _folds(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Nasolabial folds, shallow."""
    line = np.interp(-t, [0.03, 0.10, 0.25, 0.40, 0.50], [0.165, 0.20, 0.265, 0.325, 0.340])
    extent = feature_masks.smooth_step(t, -0.46, -0.30) * feature_masks.smooth_step(t, -0.02, -0.10)
    aside = np.abs(s) - line
    return _outward(
        s, extent * (0.003 * _bell(aside - 0.06, 0.05) - 0.004 * _bell(aside, 0.032)), 0.4
    )


def _skull(s: np.ndarray, t: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """Forehead and temples that curve towards the crown, jaw angle, concave cheeks."""
    up = feature_masks.smooth_step(t, 0.52, 1.02)
    front = feature_masks.smooth_step(np.abs(s), 1.45, 0.25)
    crown = np.stack(
        [-0.17 * smooth[:, 0] * up, up * (0.18 - 0.06 * front), -0.20 * up * front], axis=-1
    )
    angle = 0.010 * feature_masks.spot(s, t, 1.08, -0.42, 0.18, 0.13)
    cheeks = -0.012 * feature_masks.spot(s, t, 0.62, -0.30, 0.16, 0.13)
    return crown + _outward(s, angle + cheeks, 0.9)
