"""Annotations of the procedural face: expression names, mode scales, mirror symmetry, regions."""

import numpy as np

from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import topology

_JAW = ("jaw_open", "jaw_sideways", "jaw_forward")
_LIPS = (
    "mouth_pucker",
    "mouth_funnel",
    "mouth_press",
    "upper_lip_up",
    "lower_lip_down",
    "mouth_sideways",
    "mouth_up",
    "upper_lip_in",
    "lower_lip_in",
    "chin_up",
)
_SIDES = (
    "smile",
    "frown",
    "mouth_stretch",
    "eye_close",
    "inner_brow_up",
    "outer_brow_up",
    "brow_down",
    "cheek_puff",
    "squint",
    "nose_wrinkle",
    "nostril_flare",
    "dimple",
)
# In the order of `expression_modes`.
_NAMED = (
    _JAW[0], _SIDES[0], *_LIPS[:2], *_SIDES[1:], *_LIPS[2:], *_JAW[1:],
    *(f"{name}_skewed" for name in _SIDES),
)  # fmt: skip
# Half-axes of the small face, dm: from the brows to the chin, without temples and jaw.
_SMALL_FACE_CENTRE, _SMALL_FACE_WIDTH, _SMALL_FACE_HEIGHT = -0.08, 0.80, 0.72


def expression_names(num_modes: int = 64) -> tuple[str, ...]:
    """Names of the expression modes: movements, antisymmetric ones, smooth random fields."""
    fields = (f"field_{number:02d}" for number in range(1, num_modes - len(_NAMED) + 1))
    return (*_NAMED[:num_modes], *fields)


def mode_scales(basis: np.ndarray) -> np.ndarray:
    """Euclidean norms `[K]` of the modes `[V, 3, K]`."""
    return np.sqrt(np.square(basis, dtype=np.float64).sum(axis=(0, 1))).astype(np.float32)


def mirror_index(mesh: topology.FaceMesh) -> np.ndarray:
    """Mirror image `[V]` of each vertex; vertices on the mid-line map to themselves."""
    from scipy import spatial

    coordinates = np.stack([mesh.s, mesh.t, mesh.mouth_row, mesh.lip_side], axis=-1)
    _, index = spatial.cKDTree(coordinates).query(coordinates * [-1, 1, 1, 1])
    return index.astype(np.int32)


def regions(mesh: topology.FaceMesh) -> dict[str, np.ndarray]:
    """Regions of the face by name, `[V]` float32 each."""
    s, t, outside = mesh.s, mesh.t, mesh.mouth_row < 0
    across = np.abs(s / _SMALL_FACE_WIDTH) ** 3
    along = np.abs((t - _SMALL_FACE_CENTRE) / _SMALL_FACE_HEIGHT) ** 3
    parts = {
        "small_face": across + along < 1.0,
        "eyes": feature_masks.eye_opening(s, t),
        "lips": feature_masks.lips(s, t),
    }
    return {name: (part * outside).astype(np.float32) for name, part in parts.items()}
