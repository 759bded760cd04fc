"""The eyeballs of the procedural face, which the lids slide over.

The mesh is one sheet: between the lids it shows the eyeball, and the strip at their edges runs back
from lid to eyeball. Convention: as in `features`.
"""

import numpy as np

from tf_facerecon.face_models import features

# Width of the lids' edges in the domain, dm.
_EDGE = 0.006
# How far the eyeball goes on behind the lids, dm.
_BEHIND_UPPER_LID, _BEHIND_LOWER_LID = 0.030, 0.012


def eyeball(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 on the eyeball, 0 on the lids; their edges, which are thick, lie between."""
    upper, lower, _ = features.lid_heights(s)
    return features.smooth_step(np.minimum(upper - t, t - lower), 0.0005, _EDGE)


def eyeball_height(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Height on the eyeball that a point of the eye opening shows.

    The opening holds more of the eyeball than is seen: the rest lies behind the lids, which slide
    over it.
    """
    upper, lower, along = features.lid_heights(s)
    opening, arch = upper - lower, features.lid_arch(along)
    share = np.clip(np.divide(t - lower, opening, out=np.zeros_like(t), where=opening > 0), 0, 1)
    behind = share * _BEHIND_UPPER_LID - (1.0 - share) * _BEHIND_LOWER_LID
    return t + arch * behind * (opening > 0)


def shadow(s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Where lids and lashes shade the eyeball: below the upper lid and towards the corners."""
    upper, lower, along = features.lid_heights(s)
    below_lid = features.smooth_step(upper - t, 0.030, 0.0)
    return np.maximum.reduce(
        [
            below_lid,
            0.8 * features.smooth_step(np.abs(along), 0.55, 1.0),
            0.4 * features.smooth_step(t - lower, 0.015, 0),
        ]
    )
