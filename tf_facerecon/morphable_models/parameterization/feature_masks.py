"""Soft masks of facial features (eyes, brows, lips, nostrils, hair, skin) over the face domain.

Convention:
    Every function takes domain coordinates `s`, `t` `[N]` in decimetres and returns `[N]` values in
    [0, 1] (or signed coordinates where documented). `s` is positive on the image's right.
"""

import functools

import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain

_TEMPLATE = face_domain.domain_coordinates(face_domain.landmark_template())
EYE_OUTER, EYE_INNER = np.abs(_TEMPLATE[45]), np.abs(_TEMPLATE[42])
EYE_CENTRE_S = 0.5 * (EYE_OUTER[0] + EYE_INNER[0])
EYE_HALF_WIDTH = 0.5 * (EYE_OUTER[0] - EYE_INNER[0])
EYE_CENTRE_T = 0.297
IRIS_CENTRE_S, IRIS_CENTRE_T = 0.344, 0.300
IRIS_RADIUS, PUPIL_RADIUS = 0.055, 0.021
_LIP_END = 0.010  # Half the thickness of the vermilion at the corners of the mouth.
# Superellipse of the hairline.
_HAIR_HALF_WIDTH, _HAIR_BOTTOM, _HAIR_HEIGHT, _HAIR_POWER = 1.09, -0.05, 0.89, 2.6


def smooth_step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smoothstep: 0 below `low`, 1 above `high` (reversed if `low > high`), a cubic between."""
    x = np.clip((value - low) / (high - low), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def spot(s, t, centre_s, centre_t, radius_s, radius_t) -> np.ndarray:
    """A Gaussian spot on both halves of the face (`|s|` is used)."""
    return np.exp(
        -0.5 * (((np.abs(s) - centre_s) / radius_s) ** 2 + ((t - centre_t) / radius_t) ** 2)
    )


def lid_arch(along: np.ndarray) -> np.ndarray:
    """Relative opening of the lids at the signed position `along` the eye: 1 in its middle."""
    return np.clip(1.0 - along**2, 0.0, 1.0) ** 0.8


def _canthus_height(along: np.ndarray) -> np.ndarray:
    """Height of the canthal line, through both corners of the eye."""
    return 0.5 * (EYE_OUTER[1] + EYE_INNER[1] + (EYE_OUTER[1] - EYE_INNER[1]) * along)


@functools.lru_cache(maxsize=1)
def _lid_shapes() -> tuple[np.ndarray, np.ndarray]:
    """Height and slant of both lids, fitted to landmarks 43, 44 and 47, 46."""
    shapes = []
    for numbers in ([43, 44], [47, 46]):
        s, t = np.abs(_TEMPLATE[numbers, 0]), _TEMPLATE[numbers, 1]
        along = (s - EYE_CENTRE_S) / EYE_HALF_WIDTH
        arch = lid_arch(along)
        shapes.append(
            np.linalg.solve(np.stack([arch, arch * along], axis=-1), t - _canthus_height(along))
        )
    return tuple(shapes)


def lid_heights(s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upper and lower boundary of the palpebral fissure (eye opening), through the lid landmarks.

    Returns:
        Heights `t` of the upper and the lower lid, and the signed position along the eye
        (-1 inner corner, +1 outer corner).
    """
    along = (np.abs(s) - EYE_CENTRE_S) / EYE_HALF_WIDTH
    base, arch = _canthus_height(along), lid_arch(along)
    upper, lower = (base + arch * (shape[0] + shape[1] * along) for shape in _lid_shapes())
    return upper, lower, along


def eye_opening(s: np.ndarray, t: np.ndarray, softness: float = 0.006) -> np.ndarray:
    """1 between the lids."""
    upper, lower, along = lid_heights(s)
    inside = smooth_step(np.minimum(upper - t, t - lower), -softness, softness)
    # The corners are landmarks, hence vertices: rounding must not decide on which side they lie.
    return inside * (np.abs(along) < 1.0 + 1e-6)


def iris(s: np.ndarray, t: np.ndarray, radius: float = IRIS_RADIUS) -> np.ndarray:
    """1 on the iris disc."""
    distance = np.hypot(np.abs(s) - IRIS_CENTRE_S, t - IRIS_CENTRE_T)
    return smooth_step(distance, radius + 0.009, radius - 0.009)


def lash_line(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Eyelashes: a line along the upper lid, fainter along the lower one."""
    upper, lower, along = lid_heights(s)
    extent = smooth_step(np.abs(along), 1.12, 0.9)
    line = np.exp(-(((t - upper - 0.004) / 0.009) ** 2))
    faint = 0.35 * np.exp(-(((t - lower) / 0.007) ** 2))
    return extent * np.maximum(line, faint)


def concavities(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Concave areas with strong ambient occlusion: nose sides, below the lips, inner orbits."""
    spots = [
        0.7 * spot(s, t, 0.165, -0.125, 0.022, 0.030),
        0.6 * spot(s, t, 0.0, -0.485, 0.100, 0.022),
        0.6 * spot(s, t, 0.185, 0.345, 0.040, 0.045),
        0.5 * spot(s, t, 0.07, -0.168, 0.060, 0.012),
    ]
    return np.maximum.reduce(spots)


def lid_crease(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Height above the upper lid crease, which runs along the lid and meets its ends; dm."""
    upper, _, along = lid_heights(s)
    return t - upper - 0.012 - 0.024 * lid_arch(along)


def lid_fold(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The crease above the upper lid."""
    along = (np.abs(s) - EYE_CENTRE_S) / EYE_HALF_WIDTH
    return np.exp(-((lid_crease(s, t) / 0.010) ** 2)) * smooth_step(np.abs(along), 1.25, 0.6)


def brow(s: np.ndarray, t: np.ndarray, thickness: float = 1.0) -> np.ndarray:
    """1 on the eyebrow, which follows landmarks 17 to 26."""
    points = np.abs(_TEMPLATE[22:27])
    coefficients = np.polyfit(points[:, 0], points[:, 1], 3)
    inner, outer = points[0, 0], points[-1, 0]
    arc = np.clip(np.abs(s), inner - 0.03, outer)
    centre = np.polyval(coefficients, arc) - 0.004
    position = (np.abs(s) - inner) / (outer - inner)
    half = thickness * 0.036 * (1.0 - 0.55 * np.clip(position, 0.0, 1.0) ** 1.5)
    across = smooth_step(np.abs(t - centre) / half, 1.35, 0.40)
    return across * smooth_step(position, -0.14, 0.08) * smooth_step(position, 1.03, 0.60)


@functools.lru_cache(maxsize=1)
def _lip_curves():
    from scipy import interpolate

    upper, lower = _TEMPLATE[48:55], _TEMPLATE[[48, 59, 58, 57, 56, 55, 54]]
    return tuple(
        interpolate.PchipInterpolator(points[:, 0], points[:, 1]) for points in (upper, lower)
    )


def lip_edges(s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights of the upper and lower boundary of the vermilion, through landmarks 48 to 59.

    They meet at the corners of the mouth and continue along the lip line.
    """
    arc = np.abs(s)
    corner = _TEMPLATE[54]
    along_seam = corner[1] + 0.0 * arc
    return tuple(
        np.where(arc < corner[0], curve(np.minimum(arc, corner[0])), along_seam)
        for curve in _lip_curves()
    )


def lips(s: np.ndarray, t: np.ndarray, softness: float = 0.008) -> np.ndarray:
    """1 on the vermilion of the lips, outlined by landmarks 48 to 59 except at its ends.

    The ends are blunt and reach a millimetre past landmarks 48 and 54: a mesh of ten thousand
    vertices (1.6 mm apart) cannot resolve a tapered end, and detectors would find too narrow a
    mouth.
    """
    upper, lower = lip_edges(s)
    corner = _TEMPLATE[54, 0]
    blunt = _LIP_END * smooth_step(np.abs(s), corner - 0.085, corner - 0.025)
    inside = np.minimum(upper - t, t - lower) + blunt
    return smooth_step(inside, -softness, softness) * (
        smooth_step(np.abs(s), corner + 0.013, corner - 0.001)
    )


def mouth_corner(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The dark mouth corners at landmarks 48 and 54: 3 mm wide, 2 mm high."""
    corner = _TEMPLATE[54]
    # Slightly inwards, so that it darkens the end of the lips rather than the cheek.
    return spot(s, t, corner[0] - 0.004, corner[1], 0.012, 0.008)


def nostril(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 in the nostrils."""
    offset = ((np.abs(s) - 0.056) / 0.030) ** 2 + ((t + 0.128) / 0.018) ** 2
    return smooth_step(offset, 1.50, 0.60)


def hair(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 beyond the hairline: above the forehead, on the temples and in front of the ears."""
    across = np.abs(s) / _HAIR_HALF_WIDTH
    up = np.clip(t - _HAIR_BOTTOM, 0.0, None) / _HAIR_HEIGHT
    outward = (across**_HAIR_POWER + up**_HAIR_POWER) ** (1.0 / _HAIR_POWER)
    return smooth_step(outward, 0.955, 1.06) * smooth_step(t + 0.3 * np.abs(s), 0.06, 0.42)


def skin(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 on forehead, cheeks and nose, 0 on eyes, brows, mouth, nostrils, hair and the rim."""
    others = np.maximum.reduce(
        [
            eye_opening(s, t, 0.02),
            lash_line(s, t),
            brow(s, t, 1.5),
            lips(s, t, 0.02),
            smooth_step(mouth_corner(s, t), 0.05, 0.3),
            nostril(s, t),
            hair(s, t),
        ]
    )
    front = smooth_step(np.abs(s), 1.05, 0.95) * smooth_step(t, -0.70, -0.62)
    return (1.0 - others) * front * smooth_step(t, 0.90, 0.84)
