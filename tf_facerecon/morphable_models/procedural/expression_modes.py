"""Expression modes: jaw, lips, cheeks, lids and brows, then small smooth local fields.

Named movements are written down as displacement fields of the mean face, per unit standard
deviation; movements of one side come as a symmetric mode and a weaker antisymmetric one. What is
left of the mode count is filled by a Gaussian process that acts round mouth, eyes and brows and is
torn at the mouth's slit.
"""

import numpy as np

from tf_facerecon.morphable_models.albedo import feature_masks
from tf_facerecon.morphable_models.procedural import eyeballs, gaussian_process_modes, mean_face

_HINGE_Y, _HINGE_Z = 0.0, -0.55
# Standard deviation (x, y, z) of the small fields and their kernel lengths (x, y, z, lips apart).
_FIELD_DISPLACEMENTS = (0.0082, 0.0100, 0.0069)
_FIELD_LENGTHS = (0.17, 0.14, 0.20, 0.12)
_ASYMMETRY = 0.25


def jaw_share(s: np.ndarray, t: np.ndarray, seam_side: np.ndarray) -> np.ndarray:
    """How much a point moves with the lower jaw: 0 above the mouth, 1 below, torn at the slit."""
    distance = t - mean_face.seam_height(s)
    side = np.where(seam_side != 0, seam_side, np.sign(distance))
    opening = mean_face.mouth_opening(s) * (seam_side != 0)
    reach = 0.07 + 0.35 * np.clip(np.abs(s) - 0.15, 0.0, None)
    near = np.exp(-np.abs(distance) / reach)
    signed = side * (opening * near + 1.0 - near)
    return 0.5 - 0.5 * signed


def _stack(x, y, z, like) -> np.ndarray:
    return np.stack([np.broadcast_to(value, like.shape) for value in (x, y, z)], axis=-1)


def _jaw_modes(points: mean_face.FacePoints) -> list[np.ndarray]:
    """Lower jaw: opening (rotation about the ears), sideways, forward."""
    s, t, seam_side = points.s, points.t, points.seam_side
    _, y, z = points.position.T
    neck = feature_masks.smooth_step(t, -1.10, -0.86)
    share = jaw_share(s, t, seam_side) * (0.35 + 0.65 * neck)
    share = share * feature_masks.smooth_step(np.abs(s), 1.45, 0.75)
    return [
        _stack(0.0, -0.065 * share * (z - _HINGE_Z), 0.065 * share * (y - _HINGE_Y), s),
        _stack(0.014 * share, 0.0, 0.0, s),
        _stack(0.0, 0.0, 0.018 * share, s),
    ]


def _lip_modes(points: mean_face.FacePoints) -> list[np.ndarray]:
    """Both lips at once: pucker, funnel, press, raise, lower, shift, roll, chin raise."""
    s, t, seam_side, spot = points.s, points.t, points.seam_side, feature_masks.spot
    x = points.position[:, 0]
    opening = mean_face.mouth_opening(s)
    off_seam = t - mean_face.seam_height(s)
    near = spot(s, t, 0.0, -0.36, 0.20, 0.085)
    wide = spot(s, t, 0.0, -0.36, 0.26, 0.13)
    above = np.where(seam_side != 0, seam_side > 0, off_seam > 0) * opening
    below = np.where(seam_side != 0, seam_side < 0, off_seam <= 0) * opening
    parting = above - below
    thin = np.clip(off_seam / 0.06, -1.0, 1.0)
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
    """Movements of one half of the face with symmetric and antisymmetric strength.

    The field is written for both halves at once (x outward).
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
    # Lids slide over the eyeball, which stays; two standard deviations bring them together.
    edge, opening = 1.0 - eyeballs.eyeball(s, t), upper - lower
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
    """All named movements, strong ones first."""
    jaw, lips, sides = _jaw_modes(points), _lip_modes(points), _side_movements(points)
    balance = np.tanh(points.s / 0.10)[:, None]
    both = [strength * field for field, strength, _ in sides]
    skewed = [strength * balance * field for field, _, strength in sides]
    return [jaw[0], both[0], *lips[:2], *both[1:], *lips[2:], *jaw[1:], *skewed]


def _activity(points: mean_face.FacePoints) -> np.ndarray:
    """Where small expression fields act."""
    s, t, spot = points.s, points.t, feature_masks.spot
    spots = [
        spot(s, t, 0.0, -0.40, 0.27, 0.17),
        0.6 * spot(s, t, 0.33, 0.48, 0.20, 0.10),
        0.35 * spot(s, t, 0.31, 0.30, 0.14, 0.06),
        0.4 * spot(s, t, 0.40, -0.05, 0.16, 0.14),
    ]
    return np.maximum.reduce(spots)


def _torn_positions(points: mean_face.FacePoints) -> np.ndarray:
    """Positions with a fourth coordinate that holds the lips apart, `[N, 4]`."""
    distance = np.abs(points.t - mean_face.seam_height(points.s))
    opening = mean_face.mouth_opening(points.s)
    apart = 0.14 * points.seam_side * opening * np.exp(-distance / 0.10)
    return np.concatenate([points.position, apart[:, None]], axis=-1)


def _field_modes(points: mean_face.FacePoints, num_modes: int) -> np.ndarray:
    """Gaussian-process fields, strongest first, `[N, 3, num_modes]`."""
    control = gaussian_process_modes.control_points().points
    modes = gaussian_process_modes.scalar_modes(
        _torn_positions(points),
        _torn_positions(control),
        _activity(points),
        _activity(control),
        _FIELD_LENGTHS,
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
