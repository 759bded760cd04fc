"""The smile of any face model: what its modes do to the corners of the mouth, turned round.

Photographs show more smiles than a normal distribution of expression coefficients makes. Of all
coefficients that move the corners as a smile does, the most probable ones are taken: those of least
norm, the answer of least squares with a prior of unit variance.
"""

import numpy as np

from tf_facerecon.face_models.morphable_model import MorphableModel

# iBUG points that move, and by how much (x, y, z), decimetres; `None` goes where it likes. Outwards
# for x: the right corner of the picture moves to the right. A smile of a friendly portrait.
_LEFT_CORNER, _RIGHT_CORNER, _UPPER_LIP, _LOWER_LIP = 48, 54, 62, 66
_SMILE = {_LEFT_CORNER: (-0.055, 0.05, -0.03), _RIGHT_CORNER: (0.055, 0.05, -0.03)}
_PARTED = {
    _LEFT_CORNER: (0.0, 0.0, 0.0),
    _RIGHT_CORNER: (0.0, 0.0, 0.0),
    _UPPER_LIP: (None, 0.02, None),
    _LOWER_LIP: (None, -0.045, None),
}
_NOISE_VARIANCE = 1e-5  # dm²: how exactly the points need to get there (3 mm).


def smile_directions(face_model: MorphableModel) -> tuple[np.ndarray, np.ndarray]:
    """Expression coefficients of a smile with closed lips, and of lips parted over the teeth.

    Args:
        face_model: Its landmarks and expression modes count.

    Returns:
        Two arrays `[K_exp]`, standard deviations (or the model's own units of expression); half or
        twice of each is half or twice the movement.
    """
    basis = np.asarray(face_model.expression_basis[face_model.landmarks], np.float64)
    return _least_coefficients(basis, _SMILE), _least_coefficients(basis, _PARTED)


def _least_coefficients(basis: np.ndarray, movement: dict) -> np.ndarray:
    """Ridge regression of `movement` on the modes `basis` `[68, 3, K]` of the landmarks."""
    rows, targets = [], []
    for landmark, displacement in movement.items():
        for axis, value in enumerate(displacement):
            if value is not None:
                rows.append(basis[landmark, axis])
                targets.append(value)
    modes = np.stack(rows)
    inner = modes @ modes.T + _NOISE_VARIANCE * np.eye(len(rows))
    return (modes.T @ np.linalg.solve(inner, np.array(targets))).astype(np.float32)
