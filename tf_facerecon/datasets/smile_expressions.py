"""Expression coefficients of a smile for any face model, by inverse kinematics of mouth landmarks.

Photographs show more smiles than normally distributed expression coefficients. The coefficients are
the most probable ones that move the mouth landmarks as a smile does: regularized least squares with
a prior of unit variance (MAP), within the coefficient ranges of the model. For a model that cannot
smile it is the best approximation.
"""

import numpy as np

from tf_facerecon.morphable_models.morphable_model import MorphableModel

# Target displacements (x, y, z) of iBUG landmarks, decimetres; `None` is unconstrained. The mouth
# corners move outwards and up, as in a friendly portrait.
_LEFT_CORNER, _RIGHT_CORNER, _UPPER_LIP, _LOWER_LIP = 48, 54, 62, 66
_SMILE = {_LEFT_CORNER: (-0.055, 0.05, -0.03), _RIGHT_CORNER: (0.055, 0.05, -0.03)}
_PARTED = {
    _LEFT_CORNER: (0.0, 0.0, 0.0),
    _RIGHT_CORNER: (0.0, 0.0, 0.0),
    _UPPER_LIP: (None, 0.02, None),
    _LOWER_LIP: (None, -0.045, None),
}
_TOLERANCE = 10**-2.5  # Standard deviation of the targets, dm: a third of a millimetre.


def smile_expressions(face_model: MorphableModel) -> tuple[np.ndarray, np.ndarray]:
    """Expression coefficients of a smile with closed lips, and of lips parted over the teeth.

    Args:
        face_model: Provides landmarks and expression modes.

    Returns:
        Two arrays `[K_exp]`, in standard deviations (or in the units of `expression_range`);
        displacements are proportional to them.
    """
    return _map_coefficients(face_model, _SMILE), _map_coefficients(face_model, _PARTED)


def _map_coefficients(face_model: MorphableModel, displacements: dict) -> np.ndarray:
    """MAP coefficients of the landmark displacements, with a prior of unit variance."""
    from scipy import optimize

    basis = np.asarray(face_model.expression_basis[face_model.landmarks], np.float64)
    rows, targets = [], []
    for landmark, displacement in displacements.items():
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
