"""The smile of any face model: what its modes do to the corners of the mouth, turned round.

Photographs show more smiles than a normal distribution of expression coefficients makes. Of all
coefficients that move the corners as a smile does, the most probable ones are taken: those of least
norm, the answer of least squares with a prior of unit variance. Coefficients that have a range stay
inside it. A model whose modes cannot smile comes as near as it can.
"""

import numpy as np

from tf_facerecon.morphable_models.morphable_model import MorphableModel

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
_TOLERANCE = 10**-2.5  # dm: how exactly the points need to get there, a third of a millimetre.


def smile_directions(face_model: MorphableModel) -> tuple[np.ndarray, np.ndarray]:
    """Expression coefficients of a smile with closed lips, and of lips parted over the teeth.

    Args:
        face_model: Its landmarks and expression modes count.

    Returns:
        Two arrays `[K_exp]`, standard deviations (or the model's own units of expression); half or,
        where the range allows it, twice of each is half or twice the movement.
    """
    return _least_coefficients(face_model, _SMILE), _least_coefficients(face_model, _PARTED)


def _least_coefficients(face_model: MorphableModel, movement: dict) -> np.ndarray:
    """Regression of the landmarks' `movement` on the modes, with a prior of unit variance."""
    from scipy import optimize

    basis = np.asarray(face_model.expression_basis[face_model.landmarks], np.float64)
    rows, targets = [], []
    for landmark, displacement in movement.items():
        for axis, value in enumerate(displacement):
            if value is not None:
                rows.append(basis[landmark, axis])
                targets.append(value)
    num_modes = basis.shape[-1]
    system = np.concatenate([np.stack(rows) / _TOLERANCE, np.eye(num_modes)])
    wanted = np.concatenate([np.array(targets) / _TOLERANCE, np.zeros(num_modes)])
    limits = (-np.inf, np.inf)
    if face_model.expression_range is not None:
        limits = tuple(face_model.expression_range.T.astype(np.float64))
    return optimize.lsq_linear(system, wanted, limits).x.astype(np.float32)
