"""A face model whose contour is known in every pose: half a cylinder about the y axis."""

import numpy as np

from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.morphable_models.morphable_model import MorphableModel

SIDE = 25  # Odd: there is a line x = 0.
RADIUS = 0.7


def half_cylinder() -> MorphableModel:
    """Jaw landmarks down the left border, one below, up the right border; 1 decimetre high.

    Eyes, nose and mouth are the one line x = 0.
    """
    angle, y = np.meshgrid(np.linspace(-np.pi / 2, np.pi / 2, SIDE), np.linspace(0.5, -0.5, SIDE))
    shape = RADIUS * np.stack([np.sin(angle), y / RADIUS, np.cos(angle)], axis=-1).reshape(-1, 3)
    vertex = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    middle = SIDE // 2
    landmarks = np.full(68, vertex[middle, middle])
    landmarks[:8] = vertex[2:18:2, 0]
    landmarks[8] = vertex[-1, middle]
    landmarks[9:17] = vertex[2:18:2, -1][::-1]
    landmarks[[36, 45, 57]] = vertex[[0, 0, -1], middle]
    return made_up_model(
        side=SIDE,
        mean_shape=shape,
        identity_basis=np.zeros((SIDE * SIDE, 3, 80)),
        landmarks=landmarks,
        mirror_index=vertex[:, ::-1].ravel(),
    )
