"""Anchor points of the procedural mean face: the 68 landmarks and the points between them.

Convention:
    Decimetres in the model frame (+x image right, +y up, +z out of the face). Tables hold the
    image-left half (x <= 0 for landmarks, x >= 0 for the points between) and are mirrored, so the
    mean face is exactly symmetric. Every surface point also has domain coordinates `(s, t)`: the
    face is unrolled from a vertical cylinder, `s` in decimetres of arc, `t` the height.

Source: the landmarks are the 68-point template of microsoft/Deep3DFaceReconstruction, made
symmetric and rounded (MIT licence, Copyright (c) Microsoft Corporation; see NOTICE). The other
points are this project's own.
"""

import numpy as np

CYLINDER_RADIUS = 0.85
CYLINDER_AXIS_Z = -0.55
HALF_WIDTH = 1.42

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

# Points between the landmarks, where the cylinder projection is one-to-one.
_FRONT_POINTS = (
    # forehead, from the hairline down
    (0.00, 1.00, 0.04),
    (0.20, 0.98, 0.02),
    (0.40, 0.93, -0.11),
    (0.55, 0.85, -0.28),
    (0.65, 0.76, -0.47),
    (0.00, 0.82, 0.235),
    (0.20, 0.80, 0.205),
    (0.40, 0.75, 0.075),
    (0.55, 0.68, -0.12),
    (0.655, 0.60, -0.34),
    (0.00, 0.64, 0.320),
    (0.20, 0.63, 0.295),
    (0.40, 0.61, 0.180),
    (0.54, 0.56, 0.01),
    (0.00, 0.47, 0.350),
    (0.10, 0.48, 0.342),
    # temple and cheekbone
    (0.64, 0.42, -0.13),
    (0.70, 0.45, -0.38),
    (0.52, 0.32, 0.075),
    (0.60, 0.20, -0.01),
    (0.665, 0.16, -0.18),
    (0.71, 0.17, -0.42),
    # eyelid folds, eyeball, lower orbit
    (0.28, 0.405, 0.215),
    (0.40, 0.40, 0.175),
    (0.17, 0.39, 0.235),
    (0.50, 0.39, 0.085),
    (0.313, 0.300, 0.206),
    (0.30, 0.365, 0.196),
    (0.38, 0.362, 0.180),
    (0.30, 0.215, 0.190),
    (0.42, 0.215, 0.155),
    (0.19, 0.22, 0.195),
    (0.13, 0.29, 0.215),
    (0.09, 0.36, 0.300),
    (0.075, 0.28, 0.285),
    # cheeks
    (0.50, 0.13, 0.135),
    (0.40, 0.11, 0.205),
    (0.30, 0.10, 0.238),
    (0.21, 0.12, 0.245),
    (0.30, -0.02, 0.262),
    (0.40, -0.02, 0.222),
    (0.50, -0.02, 0.130),
    (0.60, -0.02, -0.04),
    (0.665, -0.02, -0.22),
    (0.70, -0.01, -0.40),
    (0.21, -0.03, 0.272),
    (0.20, -0.14, 0.285),
    (0.28, -0.16, 0.265),
    (0.40, -0.18, 0.188),
    (0.50, -0.19, 0.08),
    (0.58, -0.20, -0.10),
    (0.64, -0.19, -0.32),
    (0.33, -0.36, 0.175),
    (0.43, -0.38, 0.075),
    (0.52, -0.40, -0.08),
    (0.59, -0.38, -0.28),
    (0.30, -0.52, 0.155),
    (0.41, -0.56, 0.00),
    (0.20, -0.60, 0.235),
    (0.28, -0.28, 0.240),
    # nose sides, tip, wings, base
    (0.045, 0.28, 0.325),
    (0.06, 0.17, 0.385),
    (0.115, 0.16, 0.290),
    (0.065, 0.06, 0.460),
    (0.125, 0.05, 0.320),
    (0.06, -0.03, 0.515),
    (0.045, -0.085, 0.505),
    (0.0, -0.095, 0.525),
    (0.125, -0.05, 0.390),
    (0.150, -0.085, 0.345),
    (0.165, -0.10, 0.300),
    (0.095, -0.085, 0.435),
    (0.0, -0.130, 0.455),
    (0.175, -0.02, 0.285),
    # around the lips, chin
    (0.0, -0.225, 0.380),
    (0.045, -0.22, 0.384),
    (0.12, -0.22, 0.352),
    (0.20, -0.25, 0.292),
    (0.0, -0.325, 0.398),
    (0.08, -0.320, 0.386),
    (0.0, -0.410, 0.385),
    (0.09, -0.405, 0.368),
    (0.16, -0.37, 0.294),
    (0.0, -0.535, 0.325),
    (0.11, -0.535, 0.308),
    (0.21, -0.47, 0.262),
    (0.0, -0.67, 0.350),
    (0.12, -0.67, 0.318),
    (0.0, -0.765, 0.315),
    (0.13, -0.755, 0.270),
)

# Underside of the chin and jaw, and the ear line: `(s, t)` chosen, then position.
_RIM_POINTS = (
    (0.00, -0.95, 0.000, -0.858, 0.060),
    (0.00, -1.08, 0.000, -0.860, -0.070),
    (0.27, -0.92, 0.200, -0.825, 0.000),
    (0.27, -1.05, 0.185, -0.830, -0.120),
    (0.55, -0.86, 0.330, -0.775, -0.170),
    (0.55, -0.98, 0.310, -0.780, -0.280),
    (0.90, -0.75, 0.450, -0.700, -0.370),
    (0.90, -0.86, 0.430, -0.715, -0.470),
    (1.15, -0.61, 0.555, -0.600, -0.500),
    (1.15, -0.71, 0.540, -0.640, -0.580),
    (1.42, -0.54, 0.600, -0.570, -0.700),
    (1.42, -0.36, 0.640, -0.380, -0.640),
    (1.42, -0.18, 0.680, -0.180, -0.630),
    (1.42, 0.02, 0.713, 0.020, -0.640),
    (1.42, 0.22, 0.732, 0.220, -0.660),
    (1.42, 0.48, 0.715, 0.480, -0.650),
    (1.42, 0.76, 0.660, 0.720, -0.640),
    (1.15, 0.86, 0.625, 0.840, -0.440),
)


def domain_coordinates(positions: np.ndarray) -> np.ndarray:
    """Unrolls points of the face from the vertical cylinder.

    Args:
        positions: `[..., 3]` decimetres, model frame.

    Returns:
        `[..., 2]` domain coordinates `(s, t)`.
    """
    x, y, z = np.moveaxis(np.asarray(positions, dtype=np.float64), -1, 0)
    return np.stack([CYLINDER_RADIUS * np.arctan2(x, z - CYLINDER_AXIS_Z), y], axis=-1)


def landmark_template() -> np.ndarray:
    """Returns the 68 iBUG landmarks of the mean face, `[68, 3]` decimetres, mirror-symmetric."""
    template = np.zeros((68, 3))
    for number, mirrored, x, y, z in _LANDMARK_ROWS:
        template[number] = x, y, z
        template[mirrored] = -x, y, z
    return template


def surface_anchors() -> tuple[np.ndarray, np.ndarray]:
    """Returns all points that the mean face passes through.

    Returns:
        Domain coordinates `[A, 2]` and positions `[A, 3]`, landmarks first.
    """
    landmarks = landmark_template()
    half = np.array(_FRONT_POINTS)
    rim = np.array(_RIM_POINTS)
    coordinates = np.concatenate([domain_coordinates(half), rim[:, :2]])
    positions = np.concatenate([half, rim[:, 2:]])
    paired = positions[:, 0] > 0
    flip_domain, flip_position = np.array([-1.0, 1.0]), np.array([-1.0, 1.0, 1.0])
    return (
        np.concatenate(
            [domain_coordinates(landmarks), coordinates, coordinates[paired] * flip_domain]
        ),
        np.concatenate([landmarks, positions, positions[paired] * flip_position]),
    )
