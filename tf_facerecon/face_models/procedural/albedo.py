"""Mean albedo and albedo modes of the procedural face: `face_paint` on the face domain."""

import dataclasses

import numpy as np

from tf_facerecon.face_models import face_paint, features
from tf_facerecon.face_models.procedural import eyes, gaussian_fields

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
    control = gaussian_fields.control_points().points
    fields = gaussian_fields.scalar_modes(
        np.stack([s, t], axis=-1),
        np.stack([control.s, control.t], axis=-1),
        np.ones_like(s),
        np.ones_like(control.s),
        _FIELD_LENGTHS,
        num_modes - face_paint.NUM_NAMED_MODES,
    )
    return face_paint.colour_modes(masks, colours, fields, num_modes)


def _masks(s: np.ndarray, t: np.ndarray, sheet_row: np.ndarray) -> face_paint.FaceMasks:
    height = eyes.eyeball_height(s, t)
    return dataclasses.replace(
        face_paint.FaceMasks.on_domain(s, t, (sheet_row < 0).astype(np.float64)),
        iris=features.iris(s, height),
        pupil=features.iris(s, height, features.PUPIL_RADIUS),
    )


def _mean_colours(masks: face_paint.FaceMasks, sheet_row: np.ndarray) -> np.ndarray:
    """Shades the eyeballs, and colours lips' insides, teeth and cavity."""
    s, t = masks.s, masks.t
    colours = face_paint.mean_colours(masks)
    inner_corner = features.spot(s, t, *features.EYE_INNER, 0.018, 0.020)
    colours = face_paint.blend(colours, 0.5 * masks.eye * inner_corner, face_paint.LIP)
    colours *= 1.0 - _LID_SHADE * (masks.eye * eyes.shadow(s, t))[:, None]
    colours[sheet_row >= 0] = face_paint.MOUTH
    colours[sheet_row == 0] = 0.6 * face_paint.LIP + 0.4 * face_paint.MOUTH
    colours[(sheet_row == 3) | (sheet_row == 4)] = face_paint.TEETH
    return colours
