"""Mean albedo and albedo modes of the procedural face.

Skin colour varies along melanin and haemoglobin axes (absorption in log RGB, here to first order),
brows, lips, eyes and stubble have modes of their own, and smooth random fields do the rest.
"""

import numpy as np

from tf_facerecon.face_models.procedural import features, gaussian_fields

SKIN = np.array([0.680, 0.515, 0.430])
MELANIN = np.array([0.20, 0.27, 0.31])
HAEMOGLOBIN = np.array([0.02, 0.10, 0.085])
_LIP = np.array([0.570, 0.320, 0.300])
_BROW = np.array([0.270, 0.195, 0.160])
_HAIR = np.array([0.200, 0.158, 0.135])
_LASH = np.array([0.150, 0.110, 0.100])
_SCLERA = np.array([0.720, 0.690, 0.670])
_IRIS = np.array([0.290, 0.205, 0.155])
_PUPIL = np.array([0.050, 0.045, 0.045])
_NOSTRIL = np.array([0.200, 0.105, 0.085])
_MOUTH = np.array([0.160, 0.055, 0.055])
_TEETH = np.array([0.700, 0.660, 0.600])

# Smooth fields: standard deviation along lightness, red-green and blue-yellow; kernel lengths, dm.
_FIELD_AXES = (
    (0.018, (0.62, 0.58, 0.53)),
    (0.006, (0.75, -0.45, -0.48)),
    (0.004, (0.10, 0.62, -0.78)),
)
_FIELD_LENGTHS = (0.29, 0.23)
_ASYMMETRY = 0.45


def _blend(colours: np.ndarray, mask: np.ndarray, target: np.ndarray) -> np.ndarray:
    return colours + mask[:, None] * (target - colours)


def mean_albedo(s: np.ndarray, t: np.ndarray, sheet_row: np.ndarray) -> np.ndarray:
    """Colours of the mean face.

    Args:
        s: `[V]` arc coordinates.
        t: `[V]` heights.
        sheet_row: `[V]` row of the sheet in the mouth, -1 outside it.

    Returns:
        `[V, 3]` RGB in [0, 1].
    """
    colours = np.tile(SKIN, (s.size, 1))
    flush = 0.9 * features.spot(s, t, 0.42, 0.0, 0.16, 0.14) + 0.8 * features.spot(
        s, t, 0.0, -0.06, 0.10, 0.09
    )
    shade = (
        0.9 * features.hollows(s, t)
        + 0.35 * features.spot(s, t, 0.30, 0.215, 0.10, 0.03)
        + 0.3 * features.spot(s, t, 0.14, 0.30, 0.05, 0.06)
    )
    colours *= np.exp(-flush[:, None] * HAEMOGLOBIN - shade[:, None] * MELANIN)
    colours = _blend(colours, 0.85 * features.lips(s, t), _LIP)
    colours = _blend(colours, 0.80 * features.brow(s, t), _BROW)
    colours = _blend(colours, 0.85 * features.nostril(s, t), _NOSTRIL)
    eye = features.eye_opening(s, t)
    colours = _blend(colours, eye, _SCLERA)
    colours = _blend(colours, eye * features.iris(s, t), _IRIS)
    colours = _blend(colours, eye * features.iris(s, t, features.PUPIL_RADIUS), _PUPIL)
    colours = _blend(
        colours, 0.6 * eye * features.spot(s, t, *features.EYE_INNER, 0.018, 0.02), _LIP
    )
    colours *= 1.0 - 0.45 * (eye * features.eye_shadow(s, t))[:, None]
    colours = _blend(colours, 0.9 * features.lash_line(s, t), _LASH)
    colours = _blend(colours, features.hair(s, t), _HAIR)
    colours[sheet_row >= 0] = _MOUTH
    colours[sheet_row == 0] = 0.6 * _LIP + 0.4 * _MOUTH
    colours[(sheet_row == 3) | (sheet_row == 4)] = _TEETH
    return colours


def _skin_modes(s, t, colours, bare) -> list[np.ndarray]:
    """Large colour axes: melanin, haemoglobin, and where blood and shadow gather."""
    spot = features.spot
    # The white of the eye keeps its colour on dark and on fair faces.
    body = (bare * (1.0 - 0.85 * features.eye_opening(s, t)))[:, None] * colours
    cheeks = spot(s, t, 0.42, 0.02, 0.16, 0.13)
    nose = spot(s, t, 0.0, -0.05, 0.11, 0.09)
    under_eye = spot(s, t, 0.31, 0.215, 0.10, 0.035)
    stubble = features.smooth_step(t, -0.04, -0.42) * (1.0 - features.lips(s, t))
    stubble = stubble * features.smooth_step(np.abs(s), 1.15, 0.85)
    moustache = spot(s, t, 0.08, -0.235, 0.10, 0.035) * (1.0 - features.lips(s, t))
    beard = np.maximum(stubble * spot(s, t, 0.45, -0.55, 0.5, 0.28), moustache)
    return [
        -0.85 * body * MELANIN,
        -0.45 * body * HAEMOGLOBIN,
        -0.55 * (bare * beard)[:, None] * colours * np.array([0.20, 0.17, 0.14]),
        -0.30 * (bare * cheeks)[:, None] * colours * HAEMOGLOBIN,
        -0.28 * (bare * nose)[:, None] * colours * HAEMOGLOBIN,
        -0.30 * (bare * under_eye)[:, None] * colours * MELANIN,
        0.02 * body * np.array([1.0, 0.3, -1.0]),
    ]


def _feature_modes(s, t, bare) -> list[np.ndarray]:
    """Brows and hair (darkness, thickness, colour), lips, iris, sclera, nostrils."""
    hairs = np.maximum(features.brow(s, t), features.hair(s, t)) * bare
    thicker = (features.brow(s, t, 1.4) - features.brow(s, t, 0.7)) * bare
    lips = features.lips(s, t) * bare
    eye = features.eye_opening(s, t) * bare
    iris = eye * (features.iris(s, t) - features.iris(s, t, features.PUPIL_RADIUS))
    sclera = eye * (1.0 - features.iris(s, t))
    lid = features.lid_fold(s, t) * bare
    table = (
        (hairs, (-0.060, -0.056, -0.050)),
        (thicker, (-0.090, -0.080, -0.070)),
        (hairs, (0.025, 0.008, -0.008)),
        (lips, (0.020, -0.040, -0.030)),
        (lips, (-0.050, -0.045, -0.035)),
        (iris, (-0.030, 0.030, 0.075)),
        (iris, (0.060, 0.060, 0.050)),
        (sclera, (-0.040, -0.045, -0.050)),
        (lid, (-0.060, -0.060, -0.055)),
        (features.nostril(s, t) * bare, (-0.040, -0.030, -0.030)),
        (features.lash_line(s, t) * bare, (-0.050, -0.050, -0.045)),
    )
    return [mask[:, None] * np.array(colour) for mask, colour in table]


def _smooth_fields(s: np.ndarray, t: np.ndarray, num_modes: int) -> np.ndarray:
    """Smooth colour fields, strongest first, `[V, 3, num_modes]`."""
    control = gaussian_fields.control_points().points
    modes = gaussian_fields.scalar_modes(
        np.stack([s, t], axis=-1),
        np.stack([control.s, control.t], axis=-1),
        np.ones_like(s),
        np.ones_like(control.s),
        _FIELD_LENGTHS,
        num_modes,
    )
    candidates = [
        (amplitude**2 * share * values[k], amplitude * np.sqrt(share) * fields[:, k], axis)
        for amplitude, axis in _FIELD_AXES
        for share, (values, fields) in ((1.0, modes["even"]), (_ASYMMETRY, modes["odd"]))
        for k in range(num_modes)
    ]
    candidates.sort(key=lambda item: -item[0])
    return np.stack(
        [field[:, None] * np.array(axis) for _, field, axis in candidates[:num_modes]], axis=-1
    )


def albedo_basis(
    s: np.ndarray, t: np.ndarray, sheet_row: np.ndarray, num_modes: int = 80
) -> np.ndarray:
    """Albedo modes per unit standard deviation, strongest kinds first.

    Returns:
        `[V, 3, num_modes]` RGB.
    """
    bare = (sheet_row < 0).astype(np.float64)
    colours = mean_albedo(s, t, sheet_row)
    modes = _skin_modes(s, t, colours, bare) + _feature_modes(s, t, bare)
    fields = _smooth_fields(s, t, num_modes - len(modes))
    quiet = 1.0 - 0.8 * np.maximum(features.eye_opening(s, t), features.hair(s, t))
    fields = fields * (bare * quiet)[:, None, None]
    return np.concatenate([np.stack(modes, axis=-1), fields], axis=-1)
