"""A face model of a few hundred vertices, small enough for tests of training."""

import numpy as np

from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.photos.face_alignment import FIVE_POINT_TEMPLATE

_GRID = 15
# Landmarks of the five points: (first, second) of each as in `morphable_model`.
_FIVE_POINT_VERTICES = ((36, 39), (42, 45), (30, 30), (48, 48), (54, 54))


def build_toy_face_model(seed: int = 7) -> MorphableModel:
    """A domed mask with six identity, four expression and five texture modes."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.linspace(1.0, -1.0, _GRID), np.linspace(-0.8, 0.8, _GRID), indexing="ij")
    mean_shape = np.stack([x, y, 0.5 - 0.5 * (x**2 + y**2)], axis=-1).reshape(-1, 3)
    num_vertices = len(mean_shape)
    return MorphableModel(
        name="toy",
        mean_shape=mean_shape,
        identity_basis=_smooth_modes(mean_shape, 6, 0.02, rng),
        expression_basis=_smooth_modes(mean_shape, 4, 0.01, rng),
        mean_albedo=np.tile([0.8, 0.6, 0.5], (num_vertices, 1)),
        albedo_basis=_smooth_modes(mean_shape, 5, 0.03, rng),
        triangles=_grid_triangles(),
        landmarks=_landmarks(mean_shape),
        uv=np.stack([x / 1.6 + 0.5, y / 2 + 0.5], axis=-1).reshape(-1, 2),
        skin_region=np.ones(num_vertices),
        face_region=np.ones(num_vertices),
        source="made by the tests",
        licence="MIT",
        redistributable=True,
    )


def _smooth_modes(points, count, scale, rng):
    waves = rng.normal(size=(count, 2)) * 2
    phases = np.sin(points[:, :2] @ waves.T + rng.uniform(0, 6, count))
    return scale * phases[:, None, :] * rng.normal(size=(1, 3, count))


def _grid_triangles():
    index = np.arange(_GRID * _GRID).reshape(_GRID, _GRID)
    a, b, c, d = (corner.ravel() for corner in _corners(index))
    # Rows run downwards: a top left, b top right, c bottom left, d bottom right.
    return np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)])


def _corners(index):
    return index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]


def _landmarks(points):
    landmarks = np.linspace(0, len(points) - 1, 68).astype(int)
    for target, vertices in zip(FIVE_POINT_TEMPLATE, _FIVE_POINT_VERTICES, strict=True):
        nearest = np.argmin(np.sum((points[:, :2] - target[:2]) ** 2, axis=-1))
        landmarks[list(vertices)] = nearest
    return landmarks
