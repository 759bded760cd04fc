"""Identity modes: how faces of different people differ from the mean face.

The covariance of the deformation field is the sum of named proportions (widths, lengths, nose,
eyes, lips, ...), each with a standard deviation of its own, and of Gaussian processes from large to
small scale. Its leading eigenvectors are the modes; translation, rotation and uniform scale are
projected out, so that identity never stands in for pose.
"""

import functools

import numpy as np

from tf_facerecon.face_models.procedural import features, gaussian_fields, mean_face

# Root mean square displacement of a random identity at the control points, dm.
TOTAL_DISPLACEMENT = 0.0325
# Kernel lengths (x, y, z) in dm; amplitudes per component in dm; 1 where it acts everywhere.
_SCALES = (
    ((0.80, 0.67, 0.73), (0.015, 0.016, 0.017), False),
    ((0.34, 0.29, 0.32), (0.0085, 0.0090, 0.0105), False),
    ((0.150, 0.130, 0.140), (0.0040, 0.0044, 0.0054), True),
)
_ASYMMETRY = 0.12


def _feature_weight(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Where faces differ in detail: nose, lips, chin, brows and eyes; faint elsewhere."""
    spot = features.spot
    spots = [
        spot(s, t, 0.0, 0.0, 0.13, 0.17),
        spot(s, t, 0.0, -0.36, 0.22, 0.10),
        spot(s, t, 0.0, -0.68, 0.20, 0.10),
        spot(s, t, 0.34, 0.47, 0.20, 0.07),
        0.7 * spot(s, t, 0.31, 0.30, 0.16, 0.07),
    ]
    return 0.25 + 0.75 * np.maximum.reduce(spots)


def _proportions(s: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
    """Named differences between faces, `[N, 3]` each, dm per standard deviation."""
    spot, step = features.spot, features.smooth_step
    x, y, z = mean_face.surface(s, t).T
    side = np.tanh(s / 0.03)
    nose = spot(s, t, 0.0, -0.02, 0.11, 0.15)
    tip = spot(s, t, 0.0, -0.07, 0.10, 0.07)
    wings = spot(s, t, 0.13, -0.09, 0.06, 0.07)
    bridge = spot(s, t, 0.0, 0.18, 0.07, 0.13)
    eye = spot(s, t, 0.31, 0.30, 0.15, 0.10)
    brow = spot(s, t, 0.33, 0.47, 0.22, 0.09)
    mouth = spot(s, t, 0.0, -0.36, 0.21, 0.11)
    chin = spot(s, t, 0.0, -0.70, 0.17, 0.12)
    jaw_corner = spot(s, t, 0.95, -0.45, 0.30, 0.22)
    cheekbone = spot(s, t, 0.55, 0.12, 0.20, 0.14)
    cheek = spot(s, t, 0.45, -0.20, 0.20, 0.20)
    lower, upper = step(t, -0.10, -0.85), step(t, 0.40, 1.0)
    off_seam = (t - mean_face.seam_height(s)) / 0.08
    lips = spot(s, t, 0.0, -0.36, 0.17, 0.075)
    along_eye = (np.abs(s) - features.EYE_CENTRE_S) / features.EYE_HALF_WIDTH
    off_eye = (t - features.EYE_CENTRE_T) / 0.05
    none = np.zeros_like(s)
    rows = (
        (0.045 * x, none, none),
        (none, -0.050 * lower, none),
        (none, 0.035 * upper, 0.020 * upper),
        (none, none, 0.045 * z),
        (0.050 * x * lower, none, none),
        (0.045 * side * jaw_corner, -0.020 * jaw_corner, 0.010 * jaw_corner),
        (none, -0.018 * chin, 0.035 * chin),
        (0.030 * x / 0.2 * chin, none, none),
        (0.022 * side * cheekbone, none, 0.022 * cheekbone),
        (0.030 * side * cheek, none, 0.026 * cheek),
        (none, -0.030 * nose, 0.006 * tip),
        (none, none, 0.034 * nose),
        (0.026 * side * wings, none, -0.006 * wings),
        (none, none, 0.026 * bridge),
        (none, 0.024 * tip, 0.012 * tip),
        (0.018 * side * eye, none, none),
        (0.012 * side * along_eye * eye, 0.012 * off_eye * eye, 0.004 * eye),
        (none, 0.014 * along_eye * eye, none),
        (none, none, 0.018 * eye),
        (none, 0.022 * brow, none),
        (none, none, 0.022 * brow),
        (none, 0.016 * off_seam * lips, 0.018 * lips),
        (0.026 * x / 0.25 * mouth, none, -0.004 * mouth),
        (none, 0.020 * mouth, none),
        (none, none, 0.020 * mouth),
        (none, none, -0.030 * upper),
    )
    return [np.stack(row, axis=-1) for row in rows]


def _covariance(s, t, other_s, other_t) -> np.ndarray:
    """Covariance of the displacements of two point sets, `[3N, 3M]`, component-major."""
    a, b = mean_face.surface(s, t), mean_face.surface(other_s, other_t)
    blocks = [np.zeros((s.size, other_s.size)) for _ in range(3)]
    for lengths, amplitudes, local in _SCALES:
        even = gaussian_fields.mirrored_kernel(a, b, lengths, 1.0, 0.0)
        odd = gaussian_fields.mirrored_kernel(a, b, lengths, 0.0, 1.0)
        if local:
            window = _feature_weight(s, t)[:, None] * _feature_weight(other_s, other_t)[None]
            even, odd = even * window, odd * window
        for axis, amplitude in enumerate(amplitudes):
            # A symmetric change of the face moves x oppositely on the two sides.
            symmetric, skewed = (odd, even) if axis == 0 else (even, odd)
            blocks[axis] += amplitude**2 * (symmetric + _ASYMMETRY * skewed)
    covariance = np.zeros((3, s.size, 3, other_s.size))
    for axis in range(3):
        covariance[axis, :, axis] = blocks[axis]
    covariance = covariance.reshape(3 * s.size, 3 * other_s.size)
    left = np.stack([field.T.reshape(-1) for field in _proportions(s, t)])
    right = np.stack([field.T.reshape(-1) for field in _proportions(other_s, other_t)])
    return covariance + left.T @ right


def _pose_fields(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Infinitesimal translation, rotation and scale, `[3N, 7]`, component-major."""
    x, y, z = mean_face.surface(s, t).T
    one, none = np.ones_like(x), np.zeros_like(x)
    fields = [
        (one, none, none),
        (none, one, none),
        (none, none, one),
        (none, -z, y),
        (z, none, -x),
        (-y, x, none),
        (x, y, z),
    ]
    return np.stack([np.concatenate(field) for field in fields], axis=-1)


@functools.lru_cache(maxsize=2)
def _decomposition(num_modes: int) -> tuple[np.ndarray, np.ndarray]:
    """Matrices that turn `covariance(points, control)` and pose fields into modes."""
    control = gaussian_fields.control_points()
    covariance = _covariance(*control, *control)
    pose = _pose_fields(*control)
    pose_inverse = np.linalg.pinv(pose)
    free = np.eye(covariance.shape[0]) - pose @ pose_inverse
    projected = free @ covariance @ free
    projected = 0.5 * (projected + projected.T)
    values, vectors = gaussian_fields.leading_modes(projected, num_modes)
    scale = TOTAL_DISPLACEMENT / np.sqrt(np.trace(projected) / control[0].size)
    extension = free @ vectors * (scale / np.sqrt(values))
    return extension, pose_inverse @ covariance @ extension


def identity_basis(s: np.ndarray, t: np.ndarray, num_modes: int = 80) -> np.ndarray:
    """Identity modes at points of the face.

    Args:
        s: `[N]` arc coordinates.
        t: `[N]` heights.
        num_modes: Number of modes.

    Returns:
        `[N, 3, num_modes]` decimetres per standard deviation, most energetic first.
    """
    extension, pose_part = _decomposition(num_modes)
    covariance = _covariance(s, t, *gaussian_fields.control_points())
    modes = covariance @ extension - _pose_fields(s, t) @ pose_part
    return modes.reshape(3, s.size, num_modes).transpose(1, 0, 2)
