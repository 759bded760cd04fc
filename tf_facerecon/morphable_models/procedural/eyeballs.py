"""The eyeballs of the procedural face.

The mesh is one surface: between the lids it is the eyeball, and a strip at the lid margins connects
lid and eyeball. Lids slide over the eyeball in expressions. Convention: as in `feature_masks`.
"""

import numpy as np

from tf_facerecon.morphable_models.parameterization import feature_masks

# Width of the lid margins in the domain, dm.
_EDGE = 0.006
# How far the eyeball extends behind the lids, dm.
_BEHIND_UPPER_LID, _BEHIND_LOWER_LID = 0.030, 0.012


def eyeball_mask(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 on the eyeball, 0 on the lids; between 0 and 1 on the lid margins."""
    upper, lower, _ = feature_masks.lid_heights(s)
    return feature_masks.smooth_step(np.minimum(upper - t, t - lower), 0.0005, _EDGE)


def eyeball_height(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Height on the eyeball of a point in the eye opening.

    The opening parameterizes more of the eyeball than is visible: the rest lies behind the lids,
    which slide over it.
    """
    upper, lower, along = feature_masks.lid_heights(s)
    opening, arch = upper - lower, feature_masks.lid_arch(along)
    share = np.clip(np.divide(t - lower, opening, out=np.zeros_like(t), where=opening > 0), 0, 1)
    behind = share * _BEHIND_UPPER_LID - (1.0 - share) * _BEHIND_LOWER_LID
    return t + arch * behind * (opening > 0)


def lid_shadow(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Shadow of lids and lashes on the eyeball: below the upper lid and towards the corners."""
    upper, lower, along = feature_masks.lid_heights(s)
    below_lid = feature_masks.smooth_step(upper - t, 0.030, 0.0)
    return np.maximum.reduce(
        [
            below_lid,
            0.8 * feature_masks.smooth_step(np.abs(along), 0.55, 1.0),
            0.4 * feature_masks.smooth_step(t - lower, 0.015, 0),
        ]
    )
