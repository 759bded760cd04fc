"""A face model with identity modes that no network has been trained on.

Evaluated on faces of its own face model, a network looks better than it is: every true face is a
possible prediction. Real faces also vary in ways that the face model does not cover.
"""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.morphable_model import MorphableModel

# Variance of the added modes relative to that of the model's own identity modes.
UNSEEN_VARIANCE = 0.05
_WAVE_LENGTHS = (0.5, 1.5)  # dm


def held_out_face_model(
    face_model: MorphableModel, num_modes: int = 20, seed: int = 20190320
) -> MorphableModel:
    """Adds identity modes to a face model that a network trained on it cannot represent.

    The new modes are smooth random waves over the face, 5 to 15 cm long and orthogonal to the span
    of the model's identity modes; together they have `UNSEEN_VARIANCE` of their variance.

    Args:
        face_model: The face model that the network was trained on.
        num_modes: Number of modes to append to its identity modes.
        seed: Of the waves.

    Raises:
        ValueError: If `num_modes` is not positive.
    """
    if num_modes < 1:
        raise ValueError(f"`num_modes` must be at least 1. Received: {num_modes}.")
    rng = np.random.default_rng(seed)
    points = face_model.mean_shape.astype(np.float64)
    own = face_model.identity_basis.astype(np.float64).reshape(points.size, -1)
    directions = rng.normal(size=(num_modes, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    waves = 2 * np.pi * directions / rng.uniform(*_WAVE_LENGTHS, size=(num_modes, 1))
    heights = np.cos(points @ waves.T + rng.uniform(0, 2 * np.pi, num_modes))
    modes = heights[:, np.newaxis] * rng.normal(size=(3, num_modes))
    modes = modes.reshape(points.size, num_modes)
    span, _ = np.linalg.qr(own)
    modes -= span @ (span.T @ modes)
    modes *= np.sqrt(UNSEEN_VARIANCE * np.sum(own**2) / np.sum(modes**2))
    basis = np.concatenate([own, modes], axis=1).reshape(*points.shape, -1)
    return dataclasses.replace(
        face_model,
        name=f"{face_model.name} and {num_modes} unseen modes",
        identity_basis=basis.astype(np.float32),
        identity_scales=None,
        recipe="",
    )
