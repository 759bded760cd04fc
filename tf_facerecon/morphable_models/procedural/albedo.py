"""Mean albedo and albedo modes of the procedural face: `painted_albedo` on the face domain."""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.albedo import feature_masks, painted_albedo
from tf_facerecon.morphable_models.procedural import eyeballs, gaussian_process_modes

_LID_SHADE = 0.45
# Kernel lengths of the smooth colour fields, dm.
_FIELD_LENGTHS = (0.29, 0.23)


def mean_albedo(s: np.ndarray, t: np.ndarray, sheet_row: np.ndarray) -> np.ndarray:
    """Colours of the mean face.

    Args:
        s: `[V]` arc coordinates.
        t: `[V]` heights.
        sheet_row: `[V]` row of the sheet in the mouth, -1 outside it.

    Returns:
        `[V, 3]` RGB in [0, 1].
    """
    return _mean_colours(_masks(s, t, sheet_row), sheet_row)


def albedo_basis(
    s: np.ndarray, t: np.ndarray, sheet_row: np.ndarray, num_modes: int = 80
) -> np.ndarray:
    """Albedo modes per unit standard deviation, strongest kinds first.

    Returns:
        `[V, 3, num_modes]` RGB.
    """
    masks = _masks(s, t, sheet_row)
    colours = _mean_colours(masks, sheet_row)
    control = gaussian_process_modes.control_points().points
    fields = gaussian_process_modes.scalar_modes(
        np.stack([s, t], axis=-1),
        np.stack([control.s, control.t], axis=-1),
        np.ones_like(s),
        np.ones_like(control.s),
        _FIELD_LENGTHS,
        num_modes - painted_albedo.NUM_NAMED_MODES,
    )
    return painted_albedo.colour_modes(masks, colours, fields, num_modes)


def _masks(s: np.ndarray, t: np.ndarray, sheet_row: np.ndarray) -> painted_albedo.FaceMasks:
    height = eyeballs.eyeball_height(s, t)
    return dataclasses.replace(
        painted_albedo.FaceMasks.on_domain(s, t, (sheet_row < 0).astype(np.float64)),
        iris=feature_masks.iris(s, height),
        pupil=feature_masks.iris(s, height, feature_masks.PUPIL_RADIUS),
    )


def _mean_colours(masks: painted_albedo.FaceMasks, sheet_row: np.ndarray) -> np.ndarray:
    """Shades the eyeballs, and colours lips' insides, teeth and cavity."""
    s, t = masks.s, masks.t
    colours = painted_albedo.mean_colours(masks)
    inner_corner = feature_masks.spot(s, t, *feature_masks.EYE_INNER, 0.018, 0.020)
    colours = painted_albedo.blend(colours, 0.5 * masks.eye * inner_corner, painted_albedo.LIP)
    colours *= 1.0 - _LID_SHADE * (masks.eye * eyeballs.shadow(s, t))[:, None]
    colours[sheet_row >= 0] = painted_albedo.MOUTH
    colours[sheet_row == 0] = 0.6 * painted_albedo.LIP + 0.4 * painted_albedo.MOUTH
    colours[(sheet_row == 3) | (sheet_row == 4)] = painted_albedo.TEETH
    return colours
