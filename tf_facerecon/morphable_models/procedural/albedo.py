"""Mean albedo and albedo modes of the procedural face, by `albedo_synthesis`."""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.albedo import albedo_synthesis
from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import eyeballs, gaussian_process_modes

_LID_SHADE = 0.45
# Length scales of the smooth random colour fields, dm.
_LENGTH_SCALES = (0.29, 0.23)


def mean_albedo(s: np.ndarray, t: np.ndarray, mouth_row: np.ndarray) -> np.ndarray:
    """Mean albedo.

    Args:
        s: `[V]` arc coordinates.
        t: `[V]` heights.
        mouth_row: `[V]` row of the mouth interior, -1 outside it.

    Returns:
        `[V, 3]` RGB in [0, 1].
    """
    return _mean_colours(_masks(s, t, mouth_row), mouth_row)


def albedo_basis(
    s: np.ndarray, t: np.ndarray, mouth_row: np.ndarray, num_modes: int = 80
) -> np.ndarray:
    """Albedo modes per unit standard deviation; arguments as for `mean_albedo`.

    Returns:
        `[V, 3, num_modes]` RGB.
    """
    masks = _masks(s, t, mouth_row)
    colours = _mean_colours(masks, mouth_row)
    control = gaussian_process_modes.control_points().points
    fields = gaussian_process_modes.scalar_modes(
        np.stack([s, t], axis=-1),
        np.stack([control.s, control.t], axis=-1),
        np.ones_like(s),
        np.ones_like(control.s),
        _LENGTH_SCALES,
        num_modes - albedo_synthesis.NUM_NAMED_MODES,
    )
    return albedo_synthesis.albedo_modes(masks, colours, fields, num_modes)


def _masks(s: np.ndarray, t: np.ndarray, mouth_row: np.ndarray) -> albedo_synthesis.FaceMasks:
    height = eyeballs.eyeball_height(s, t)
    return dataclasses.replace(
        albedo_synthesis.FaceMasks.on_domain(s, t, (mouth_row < 0).astype(np.float64)),
        iris=feature_masks.iris(s, height),
        pupil=feature_masks.iris(s, height, feature_masks.PUPIL_RADIUS),
    )


def _mean_colours(masks: albedo_synthesis.FaceMasks, mouth_row: np.ndarray) -> np.ndarray:
    """Mean colours, with the shadow of the lids on the eyeballs and the mouth interior."""
    s, t = masks.s, masks.t
    colours = albedo_synthesis.mean_colours(masks)
    inner_corner = feature_masks.spot(s, t, *feature_masks.EYE_INNER, 0.018, 0.020)
    colours = albedo_synthesis.blend(colours, 0.5 * masks.eye * inner_corner, albedo_synthesis.LIP)
    colours *= 1.0 - _LID_SHADE * (masks.eye * eyeballs.lid_shadow(s, t))[:, None]
    colours[mouth_row >= 0] = albedo_synthesis.MOUTH
    colours[mouth_row == 0] = 0.6 * albedo_synthesis.LIP + 0.4 * albedo_synthesis.MOUTH
    colours[(mouth_row == 3) | (mouth_row == 4)] = albedo_synthesis.TEETH
    return colours
