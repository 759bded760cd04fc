"""The 2-D parameter domain of faces, by cylindrical projection, and its landmark template.

Convention:
    Decimetres in the model frame (+x image right, +y up, +z out of the face). The table holds the
    image-left half (x <= 0) and is mirrored, so the template is exactly symmetric. Every point of a
    face has domain coordinates `(s, t)`, its projection onto a vertical cylinder: `s` is the arc
    length, `t` the height, both in decimetres.

Source: the landmarks are the 68-point template of microsoft/Deep3DFaceReconstruction, made
symmetric and rounded (MIT licence, Copyright (c) Microsoft Corporation; see NOTICE).
"""

import numpy as np

CYLINDER_RADIUS = 0.85
CYLINDER_AXIS_Z = -0.55

# iBUG number, number of its mirror image, position. The 68-point template of the alignment step.
_LANDMARK_ROWS = (
    (0, 16, -0.731, 0.218, -0.590),
    (1, 15, -0.712, 0.019, -0.567),
    (2, 14, -0.675, -0.161, -0.549),
    (3, 13, -0.637, -0.325, -0.510),
    (4, 12, -0.582, -0.498, -0.419),
    (5, 11, -0.484, -0.637, -0.259),
    (6, 10, -0.368, -0.719, -0.062),
    (7, 9, -0.219, -0.786, 0.124),
    (8, 8, 0.0, -0.825, 0.197),
    (17, 26, -0.572, 0.436, 0.036),
    (18, 25, -0.489, 0.500, 0.156),
    (19, 24, -0.382, 0.521, 0.239),
    (20, 23, -0.281, 0.512, 0.290),
    (21, 22, -0.189, 0.487, 0.315),
    (27, 27, 0.0, 0.296, 0.346),
    (28, 28, 0.0, 0.176, 0.436),
    (29, 29, 0.0, 0.056, 0.529),
    (30, 30, 0.0, -0.046, 0.552),
    (31, 35, -0.119, -0.138, 0.329),
    (32, 34, -0.069, -0.147, 0.375),
    (33, 33, 0.0, -0.160, 0.396),
    (36, 45, -0.431, 0.291, 0.104),
    (37, 44, -0.367, 0.332, 0.186),
    (38, 43, -0.275, 0.333, 0.187),
    (39, 42, -0.190, 0.289, 0.162),
    (40, 47, -0.267, 0.267, 0.184),
    (41, 46, -0.363, 0.263, 0.162),
    (48, 54, -0.250, -0.381, 0.223),
    (49, 53, -0.164, -0.321, 0.336),
    (50, 52, -0.057, -0.283, 0.397),
    (51, 51, 0.0, -0.295, 0.402),
    (59, 55, -0.158, -0.419, 0.317),
    (58, 56, -0.082, -0.446, 0.360),
    (57, 57, 0.0, -0.451, 0.370),
    (60, 64, -0.230, -0.376, 0.230),
    (61, 63, -0.074, -0.351, 0.344),
    (62, 62, 0.0, -0.349, 0.362),
    (67, 65, -0.072, -0.366, 0.344),
    (66, 66, 0.0, -0.369, 0.353),
)


def domain_coordinates(positions: np.ndarray) -> np.ndarray:
    """Projects points of the face onto the vertical cylinder.

    Args:
        positions: `[..., 3]` decimetres, model frame.

    Returns:
        `[..., 2]` domain coordinates `(s, t)`.
    """
    x, y, z = np.moveaxis(np.asarray(positions, dtype=np.float64), -1, 0)
    return np.stack([CYLINDER_RADIUS * np.arctan2(x, z - CYLINDER_AXIS_Z), y], axis=-1)


def landmark_template() -> np.ndarray:
    """The 68 iBUG landmarks of the mean face, `[68, 3]` decimetres, mirror-symmetric."""
    template = np.zeros((68, 3))
    for number, mirrored, x, y, z in _LANDMARK_ROWS:
        template[number] = x, y, z
        template[mirrored] = -x, y, z
    return template
