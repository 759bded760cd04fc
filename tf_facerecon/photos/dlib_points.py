"""Recognises the five points of dlib's `shape_predictor_5_face_landmarks`, which are others."""

import numpy as np

# Outer and inner corner of the eye on the image's right, of the eye on its left, base of the nose;
# dlib's mean face (dlib/image_transforms/interpolation.h).
_TEMPLATE = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
_MAX_DISTANCE = 0.15  # From the fitted template, as a share of the width across the eyes.

MESSAGE = (
    "these are dlib's five points, corners of the eyes and base of the nose. The mouth is needed "
    "too: give dlib's 68 points, or let the face be detected"
)


def are_dlib_points(points: np.ndarray) -> bool:
    """Whether five points `[5, 2]` (column, row) are in dlib's order and places.

    dlib's mean face is fitted to them by scale, rotation and translation.
    """
    # As complex numbers, a similarity is a factor and a sum.
    points, template = (np.asarray(p, np.float64) @ [1, 1j] for p in (points, _TEMPLATE))
    points, template = points - points.mean(), template - template.mean()
    factor = np.vdot(template, points) / np.vdot(template, template)
    distance = np.abs(points - factor * template).max()
    return bool(distance < _MAX_DISTANCE * np.abs(factor) * np.ptp(_TEMPLATE[:, 0]))
