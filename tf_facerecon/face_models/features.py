"""Where the features of the face lie: smooth masks over the face domain.

Convention:
    Every function takes domain coordinates `s`, `t` `[N]` in decimetres and returns `[N]` values in
    [0, 1] (or signed coordinates where it says so). `s` is positive on the image's right.
"""

import numpy as np

from tf_facerecon.face_models import face_domain

_TEMPLATE = face_domain.domain_coordinates(face_domain.landmark_template())
EYE_OUTER, EYE_INNER = np.abs(_TEMPLATE[45]), np.abs(_TEMPLATE[42])
EYE_CENTRE_S = 0.5 * (EYE_OUTER[0] + EYE_INNER[0])
EYE_HALF_WIDTH = 0.5 * (EYE_OUTER[0] - EYE_INNER[0])
EYE_CENTRE_T = 0.297
UPPER_LID, LOWER_LID = 0.050, -0.031
IRIS_RADIUS = 0.056


def smooth_step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high` (or reversed if `low > high`), a cubic between."""
    x = np.clip((value - low) / (high - low), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def spot(s, t, centre_s, centre_t, radius_s, radius_t) -> np.ndarray:
    """A Gaussian spot on both halves of the face (`|s|` is used)."""
    return np.exp(
        -0.5 * (((np.abs(s) - centre_s) / radius_s) ** 2 + ((t - centre_t) / radius_t) ** 2)
    )


def lid_heights(s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges of the eye opening.

    Returns:
        Heights `t` of the upper and the lower lid, and the signed position along the eye
        (-1 inner corner, +1 outer corner).
    """
    along = (np.abs(s) - EYE_CENTRE_S) / EYE_HALF_WIDTH
    base = 0.2895 + 0.001 * along
    arch = np.clip(1.0 - np.abs(along) ** 2.4, 0.0, 1.0)
    return base + UPPER_LID * arch, base + LOWER_LID * arch, along


def eye_opening(s: np.ndarray, t: np.ndarray, softness: float = 0.006) -> np.ndarray:
    """1 between the lids."""
    upper, lower, along = lid_heights(s)
    inside = smooth_step(np.minimum(upper - t, t - lower), -softness, softness)
    # The corners are landmarks, thus vertices: rounding must not decide on which side they lie.
    return inside * (np.abs(along) < 1.0 + 1e-6)


def iris(s: np.ndarray, t: np.ndarray, radius: float = IRIS_RADIUS) -> np.ndarray:
    """1 on the iris disc."""
    distance = np.hypot(np.abs(s) - EYE_CENTRE_S, t - EYE_CENTRE_T)
    return smooth_step(distance, radius + 0.007, radius - 0.007)


def lash_line(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Dark line along the upper lid, fainter along the lower one."""
    upper, lower, along = lid_heights(s)
    extent = smooth_step(np.abs(along), 1.12, 0.9)
    line = np.exp(-(((t - upper - 0.004) / 0.009) ** 2))
    faint = 0.35 * np.exp(-(((t - lower) / 0.007) ** 2))
    return extent * np.maximum(line, faint)


def lid_fold(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The crease above the upper lid."""
    upper, _, along = lid_heights(s)
    return np.exp(-(((t - upper - 0.035) / 0.010) ** 2)) * smooth_step(np.abs(along), 1.15, 0.6)


def brow(s: np.ndarray, t: np.ndarray, thickness: float = 1.0) -> np.ndarray:
    """1 on the eyebrow, which follows landmarks 17 to 26."""
    points = np.abs(_TEMPLATE[22:27])
    coefficients = np.polyfit(points[:, 0], points[:, 1], 3)
    inner, outer = points[0, 0], points[-1, 0]
    arc = np.clip(np.abs(s), inner - 0.03, outer)
    centre = np.polyval(coefficients, arc) - 0.004
    position = (np.abs(s) - inner) / (outer - inner)
    half = thickness * 0.036 * (1.0 - 0.65 * np.clip(position, 0.0, 1.0) ** 1.5)
    across = smooth_step(np.abs(t - centre) / half, 1.25, 0.45)
    return across * smooth_step(position, -0.10, 0.06) * smooth_step(position, 1.03, 0.85)


def lips(s: np.ndarray, t: np.ndarray, softness: float = 0.010) -> np.ndarray:
    """1 on the red of the lips (landmarks 48 to 59 outline it)."""
    upper_points, lower_points = _TEMPLATE[51:55], _TEMPLATE[[57, 56, 55, 54]]
    arc = np.abs(s)
    upper = np.interp(arc, upper_points[:, 0], upper_points[:, 1])
    lower = np.interp(arc, lower_points[:, 0], lower_points[:, 1])
    inside = np.minimum(upper - t, t - lower)
    return smooth_step(inside, -softness, softness) * (arc < upper_points[-1, 0] + 0.005)


def nostril(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 in the nostrils."""
    return np.clip(1.3 * spot(s, t, 0.058, -0.136, 0.022, 0.012), 0.0, 1.0)


def hair(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 beyond the hairline: on top of the forehead, the temples and before the ears."""
    arc = np.abs(s)
    line = np.interp(arc, [0.0, 0.3, 0.6, 0.85, 1.0, 1.1], [0.88, 0.87, 0.80, 0.66, 0.50, 0.20])
    sideburn = smooth_step(arc, 1.12, 1.20) * smooth_step(t, -0.10, 0.05)
    return np.maximum(smooth_step(t, line - 0.02, line + 0.05), sideburn)


def skin(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 on forehead, cheeks and nose, 0 on eyes, brows, lips, nostrils, hair and the rim."""
    others = np.maximum.reduce(
        [
            eye_opening(s, t, 0.02),
            lash_line(s, t),
            brow(s, t, 1.5),
            lips(s, t, 0.02),
            nostril(s, t),
            hair(s, t),
        ]
    )
    front = smooth_step(np.abs(s), 1.05, 0.95) * smooth_step(t, -0.70, -0.62)
    return (1.0 - others) * front * smooth_step(t, 0.90, 0.84)
