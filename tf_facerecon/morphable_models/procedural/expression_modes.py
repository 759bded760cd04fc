"""Expression modes: jaw, lips, cheeks, lids and brows, then smooth local random fields.

Named movements (blendshapes) are displacement fields of the mean face, per unit standard deviation;
one-sided movements become a symmetric mode and a weaker antisymmetric one. The remaining modes come
from a Gaussian process that acts around mouth, eyes and brows and is discontinuous across the lip
line.
"""

import numpy as np

from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import eyeballs, gaussian_process_modes, mean_face

_HINGE_Y, _HINGE_Z = 0.0, -0.55
# Standard deviation (x, y, z) of the random fields, and their length scales (x, y, z, lip side).
_FIELD_DISPLACEMENTS = (0.0082, 0.0100, 0.0069)
_LENGTH_SCALES = (0.17, 0.14, 0.20, 0.12)
_ASYMMETRY = 0.25


def jaw_weight(s: np.ndarray, t: np.ndarray, lip_side: np.ndarray) -> np.ndarray:
    """Skinning weight of the lower jaw: 0 above the mouth, 1 below, discontinuous between lips."""
    distance = t - mean_face.lip_line_height(s)
    side = np.where(lip_side != 0, lip_side, np.sign(distance))
    opening = mean_face.mouth_opening(s) * (lip_side != 0)
    reach = 0.07 + 0.35 * np.clip(np.abs(s) - 0.15, 0.0, None)
    near = np.exp(-np.abs(distance) / reach)
    signed = side * (opening * near + 1.0 - near)
    return 0.5 - 0.5 * signed


def _stack(x, y, z, like) -> np.ndarray:
    return np.stack([np.broadcast_to(value, like.shape) for value in (x, y, z)], axis=-1)


def _jaw_modes(points: mean_face.FacePoints) -> list[np.ndarray]:
    """Lower jaw: opening (rotation about the temporomandibular joints), sideways, forward."""
    s, t, lip_side = points.s, points.t, points.lip_side
    _, y, z = points.position.T
    neck = feature_masks.smooth_step(t, -1.10, -0.86)
    weight = jaw_weight(s, t, lip_side) * (0.35 + 0.65 * neck)
    weight = weight * feature_masks.smooth_step(np.abs(s), 1.45, 0.75)
    return [
        _stack(0.0, -0.065 * weight * (z - _HINGE_Z), 0.065 * weight * (y - _HINGE_Y), s),
        _stack(0.014 * weight, 0.0, 0.0, s),
        _stack(0.0, 0.0, 0.018 * weight, s),
    ]


def _lip_modes(points: mean_face.FacePoints) -> list[np.ndarray]:
    """Both lips at once: pucker, funnel, press, raise, lower, shift, roll, chin raise."""
    s, t, lip_side, spot = points.s, points.t, points.lip_side, feature_masks.spot
    x = points.position[:, 0]
    opening = mean_face.mouth_opening(s)
    above_lip_line = t - mean_face.lip_line_height(s)
    near = spot(s, t, 0.0, -0.36, 0.20, 0.085)
    wide = spot(s, t, 0.0, -0.36, 0.26, 0.13)
    above = np.where(lip_side != 0, lip_side > 0, above_lip_line > 0) * opening
    below = np.where(lip_side != 0, lip_side < 0, above_lip_line <= 0) * opening
    parting = above - below
    thin = np.clip(above_lip_line / 0.06, -1.0, 1.0)
    chin = spot(s, t, 0.0, -0.66, 0.16, 0.11)
    return [
        _stack(-0.09 * x * wide, 0.0, 0.022 * near, s),
        _stack(-0.05 * x * wide, 0.014 * parting * near, 0.020 * near, s),
        _stack(0.0, -0.012 * thin * near, -0.010 * near, s),
        _stack(0.0, 0.022 * above * near, 0.004 * above * near, s),
        _stack(0.0, -0.018 * below * near, 0.003 * below * near, s),
        _stack(0.013 * wide, 0.0, 0.0, s),
        _stack(0.0, 0.014 * wide, 0.0, s),
        _stack(0.0, 0.0, -0.012 * above * near, s),
        _stack(0.0, 0.0, -0.012 * below * near, s),
        _stack(0.0, 0.014 * chin + 0.008 * below * near, 0.008 * chin, s),
    ]


def _side_movements(points: mean_face.FacePoints) -> list[tuple[np.ndarray, float, float]]:
    """One-sided movements with their symmetric and antisymmetric strengths.

    The fields are defined for both sides at once (x outward).
    """
    s, t, spot, step = points.s, points.t, feature_masks.spot, feature_masks.smooth_step
    upper, lower, along = feature_masks.lid_heights(s)
    outward = np.tanh(s / 0.04)
    corner = spot(s, t, 0.25, -0.38, 0.13, 0.11)
    cheek = spot(s, t, 0.40, -0.02, 0.15, 0.13)
    puff = spot(s, t, 0.40, -0.28, 0.15, 0.15)
    inner_brow = spot(s, t, 0.20, 0.49, 0.10, 0.10)
    outer_brow = spot(s, t, 0.45, 0.49, 0.13, 0.10)
    brow = spot(s, t, 0.32, 0.48, 0.19, 0.10)
    wing = spot(s, t, 0.13, -0.07, 0.07, 0.08)
    # Lids slide over the fixed eyeball; two standard deviations close them.
    edge, opening = 1.0 - eyeballs.eyeball_mask(s, t), upper - lower
    is_upper = step(t, lower + 0.35 * opening, lower + 0.65 * opening + 1e-9)
    upper_slide = np.where(t > upper, step(t, upper + 0.085, upper), edge * is_upper)
    lower_slide = np.where(t < lower, step(t, lower - 0.10, lower), edge * (1.0 - is_upper))
    close, lift = opening * upper_slide, opening * lower_slide
    squint = feature_masks.lid_arch(along) * lower_slide
    return [
        (_stack(outward * (0.032 * corner + 0.006 * cheek), 0.028 * corner + 0.012 * cheek,
                -0.014 * corner + 0.010 * cheek, s), 1.0, 0.30),
        (_stack(0.0, -0.019 * corner, -0.004 * corner, s), 1.0, 0.35),
        (_stack(0.028 * outward * corner, 0.0, -0.012 * corner, s), 1.0, 0.30),
        (_stack(0.0, 0.08 * lift - 0.42 * close, 0.06 * close, s), 1.0, 0.25),
        (_stack(0.0, 0.024 * inner_brow, 0.004 * inner_brow, s), 1.0, 0.25),
        (_stack(0.0, 0.024 * outer_brow, 0.002 * outer_brow, s), 1.0, 0.35),
        (_stack(-0.010 * outward * inner_brow, -0.018 * brow, 0.004 * brow, s), 1.0, 0.25),
        (_stack(0.024 * outward * puff, 0.0, 0.018 * puff, s), 1.0, 0.25),
        (_stack(0.0, 0.007 * squint + 0.008 * cheek, 0.006 * cheek, s), 1.0, 0.35),
        (_stack(0.004 * outward * wing, 0.013 * wing, 0.003 * wing, s), 1.0, 0.40),
        (_stack(0.009 * outward * wing, 0.0, 0.0, s), 1.0, 0.25),
        (_stack(0.006 * outward * corner, 0.0, -0.013 * corner, s), 1.0, 0.40),
    ]  # fmt: skip


def _named_modes(points: mean_face.FacePoints) -> list[np.ndarray]:
    """All named movements, in the order of `annotations.expression_names`."""
    jaw, lips, sides = _jaw_modes(points), _lip_modes(points), _side_movements(points)
    balance = np.tanh(points.s / 0.10)[:, None]
    both = [strength * field for field, strength, _ in sides]
    skewed = [strength * balance * field for field, _, strength in sides]
    return [jaw[0], both[0], *lips[:2], *both[1:], *lips[2:], *jaw[1:], *skewed]


def _activity(points: mean_face.FacePoints) -> np.ndarray:
    """Amplitude of the random expression fields over the face."""
    s, t, spot = points.s, points.t, feature_masks.spot
    spots = [
        spot(s, t, 0.0, -0.40, 0.27, 0.17),
        0.6 * spot(s, t, 0.33, 0.48, 0.20, 0.10),
        0.35 * spot(s, t, 0.31, 0.30, 0.14, 0.06),
        0.4 * spot(s, t, 0.40, -0.05, 0.16, 0.14),
    ]
    return np.maximum.reduce(spots)


def _lip_separated_positions(points: mean_face.FacePoints) -> np.ndarray:
    """Positions with a fourth coordinate that decorrelates the lips, `[N, 4]`."""
    distance = np.abs(points.t - mean_face.lip_line_height(points.s))
    opening = mean_face.mouth_opening(points.s)
    apart = 0.14 * points.lip_side * opening * np.exp(-distance / 0.10)
    return np.concatenate([points.position, apart[:, None]], axis=-1)


def _field_modes(points: mean_face.FacePoints, num_modes: int) -> np.ndarray:
    """Gaussian-process modes by descending variance, `[N, 3, num_modes]`."""
    control = gaussian_process_modes.control_points().points
    modes = gaussian_process_modes.scalar_modes(
        _lip_separated_positions(points),
        _lip_separated_positions(control),
        _activity(points),
        _activity(control),
        _LENGTH_SCALES,
        num_modes,
    )
    candidates = []
    for axis, displacement in enumerate(_FIELD_DISPLACEMENTS):
        # A mirror-symmetric movement moves x oppositely on the two sides.
        shares = (_ASYMMETRY, 1.0) if axis == 0 else (1.0, _ASYMMETRY)
        for share, (values, fields) in zip(shares, (modes["even"], modes["odd"]), strict=True):
            amplitude = displacement * np.sqrt(share)
            candidates += [
                (amplitude**2 * values[k], amplitude * fields[:, k], axis) for k in range(num_modes)
            ]
    candidates.sort(key=lambda item: -item[0])
    basis = np.zeros((points.s.size, 3, num_modes))
    for k, (_, field, axis) in enumerate(candidates[:num_modes]):
        basis[:, axis, k] = field
    return basis


def expression_basis(points: mean_face.FacePoints, num_modes: int = 64) -> np.ndarray:
    """Expression modes at points of the outer face.

    Args:
        points: N points.
        num_modes: Number of modes.

    Returns:
        `[N, 3, num_modes]` decimetres per standard deviation.
    """
    named = _named_modes(points)[:num_modes]
    fields = _field_modes(points, num_modes - len(named))
    return np.concatenate([np.stack(named, axis=-1), fields], axis=-1)
