"""Identity modes: how faces of different people differ from the mean face.

The covariance of the deformation field is the sum of that of named proportions (widths, lengths,
nose, eyes, lips, ...), each with its own standard deviation, and of Gaussian processes from large
to small scale. Its leading eigenvectors are the modes; translation, rotation and uniform scale are
projected out, so that identity cannot compensate for pose.
"""

import dataclasses
import functools

import numpy as np

from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import gaussian_process_modes, mean_face

# Root mean square displacement of a random identity at the control points, dm.
TOTAL_DISPLACEMENT = 0.0325
# Largest length scales (x, y, z) in dm. Each further scale halves them, which raises the kernel to
# its fourth power; rows: amplitudes per component in dm, and whether only facial features move.
_LENGTH_SCALES = (0.72, 0.60, 0.66)
_SCALES = (
    ((0.0150, 0.0160, 0.0170), False),
    ((0.0085, 0.0090, 0.0105), False),
    ((0.0040, 0.0044, 0.0054), True),
)
_ASYMMETRY = 0.12


def _feature_weight(points: mean_face.FacePoints) -> np.ndarray:
    """Amplitude of the small-scale process: high at nose, lips, chin, brows and eyes."""
    s, t, spot = points.s, points.t, feature_masks.spot
    spots = [
        spot(s, t, 0.0, 0.0, 0.13, 0.17),
        spot(s, t, 0.0, -0.36, 0.22, 0.10),
        spot(s, t, 0.0, -0.68, 0.20, 0.10),
        spot(s, t, 0.34, 0.47, 0.20, 0.07),
        0.7 * spot(s, t, 0.31, 0.30, 0.16, 0.07),
    ]
    return 0.25 + 0.75 * np.maximum.reduce(spots)


def _proportions(points: mean_face.FacePoints) -> list[np.ndarray]:
    """Named facial proportions as displacements `[N, 3]` each, dm per standard deviation."""
    spot, step = feature_masks.spot, feature_masks.smooth_step
    s, t = points.s, points.t
    x, _, z = points.position.T
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
    above_lip_line = (t - mean_face.lip_line_height(s)) / 0.08
    lips = spot(s, t, 0.0, -0.36, 0.17, 0.075)
    along_eye = (np.abs(s) - feature_masks.EYE_CENTRE_S) / feature_masks.EYE_HALF_WIDTH
    off_eye = (t - feature_masks.EYE_CENTRE_T) / 0.05
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
        (none, 0.016 * above_lip_line * lips, 0.018 * lips),
        (0.026 * x / 0.25 * mouth, none, -0.004 * mouth),
        (none, 0.020 * mouth, none),
        (none, none, 0.020 * mouth),
        (none, none, -0.030 * upper),
    )
    return [np.stack(row, axis=-1) for row in rows]


def _process_covariance(points, control) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian-process covariance, `[3, N, M]` per component, of even and odd deformations.

    A mirror-symmetric (even) deformation has opposite x displacements on the two sides.
    """
    direct, mirrored = gaussian_process_modes.parity_kernels(
        points.position, control.position, _LENGTH_SCALES
    )
    even = np.zeros((3, *direct.shape))
    odd = np.zeros_like(even)
    window = np.outer(_feature_weight(points), _feature_weight(control))
    for amplitudes, features_only in _SCALES:
        scale = window if features_only else 1.0
        summed, difference = 0.5 * scale * (direct + mirrored), 0.5 * scale * (direct - mirrored)
        for axis, amplitude in enumerate(amplitudes):
            same, opposite = (difference, summed) if axis == 0 else (summed, difference)
            even[axis] += amplitude**2 * same
            odd[axis] += _ASYMMETRY * amplitude**2 * opposite
        direct, mirrored = np.square(np.square(direct)), np.square(np.square(mirrored))
    return even, odd


def _apply(blocks: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Block-diagonal `blocks [3, N, M]` times component-major `vectors [3M, K]`, `[3N, K]`."""
    split = vectors.reshape(3, blocks.shape[2], -1)
    return np.matmul(blocks, split).reshape(3 * blocks.shape[1], -1)


def _pose_fields(points: mean_face.FacePoints) -> tuple[np.ndarray, np.ndarray]:
    """Infinitesimal pose, component-major: even `[3N, 4]` and odd `[3N, 3]` under the mirror."""
    x, y, z = points.position.T
    one, none = np.ones_like(x), np.zeros_like(x)
    even = (none, one, none), (none, none, one), (none, -z, y), (x, y, z)
    odd = (one, none, none), (z, none, -x), (-y, x, none)
    return tuple(np.stack([np.concatenate(row) for row in rows], axis=-1) for rows in (even, odd))


@dataclasses.dataclass(frozen=True)
class _ParityModes:
    """Nystroem extension of one parity: maps covariances with the control points to modes."""

    variances: np.ndarray
    extension: np.ndarray
    proportion_part: np.ndarray
    pose_part: np.ndarray


def _decompose_parity(blocks, proportions, pose, num_modes: int) -> _ParityModes:
    root = np.sqrt(np.tile(gaussian_process_modes.control_points().weights, 3))[:, None]
    size = blocks.shape[1]
    covariance = proportions @ proportions.T
    for axis in range(3):
        rows = slice(axis * size, (axis + 1) * size)
        covariance[rows, rows] += blocks[axis]
    covariance = root * covariance * root.T
    weighted_pose = root * pose
    pose_inverse = np.linalg.pinv(weighted_pose)
    free = np.eye(3 * size) - weighted_pose @ pose_inverse
    projected = free @ covariance @ free
    values, vectors = gaussian_process_modes.leading_modes(
        0.5 * (projected + projected.T), num_modes
    )
    vectors = free @ vectors / np.sqrt(values)
    pose_part = pose_inverse @ (covariance @ vectors)
    extension = root * vectors
    return _ParityModes(values, extension, proportions.T @ extension, pose_part)


@functools.lru_cache(maxsize=2)
def _decomposition(num_modes: int) -> tuple[_ParityModes, _ParityModes]:
    control = gaussian_process_modes.control_points().points
    even_blocks, odd_blocks = _process_covariance(control, control)
    even_pose, odd_pose = _pose_fields(control)
    proportions = _component_major(_proportions(control))
    none = np.zeros((proportions.shape[0], 0))
    return (
        _decompose_parity(even_blocks, proportions, even_pose, num_modes),
        _decompose_parity(odd_blocks, none, odd_pose, num_modes),
    )


def _component_major(fields: list[np.ndarray]) -> np.ndarray:
    return np.stack([field.T.reshape(-1) for field in fields], axis=-1)


def identity_basis(points: mean_face.FacePoints, num_modes: int = 80) -> np.ndarray:
    """Identity modes at points of the face.

    Args:
        points: N points.
        num_modes: Number of modes.

    Returns:
        `[N, 3, num_modes]` decimetres per standard deviation, most energetic first.
    """
    control = gaussian_process_modes.control_points()
    decomposed = _decomposition(num_modes)
    variances = np.concatenate([part.variances for part in decomposed])
    order = np.argsort(-variances, kind="stable")[:num_modes]
    scale = TOTAL_DISPLACEMENT / np.sqrt(variances[order].sum() / control.weights.sum())
    pieces = []
    for part, blocks, pose in zip(
        decomposed, _process_covariance(points, control.points), _pose_fields(points), strict=True
    ):
        pieces.append(_apply(blocks, part.extension) - pose @ part.pose_part)
    pieces[0] += _component_major(_proportions(points)) @ decomposed[0].proportion_part
    modes = scale * np.concatenate(pieces, axis=1)[:, order]
    return modes.reshape(3, points.s.size, num_modes).transpose(1, 0, 2)
