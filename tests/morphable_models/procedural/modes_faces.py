"""Points of the mean face for tests of modes: pairs across the mirror, and the lips' between."""

import numpy as np

from tf_facerecon.morphable_models.procedural import mean_face


def mirrored_points(seed: int = 0, count: int = 120) -> mean_face.FacePoints:
    """`count` points off the mouth's between, some of them on the lids, then the same mirrored."""
    rng = np.random.default_rng(seed)
    s, t = rng.uniform(0.02, 1.2, count), rng.uniform(-0.9, 0.8, count)
    s[:4], t[:4] = (0.30, 0.36, 0.42, 0.33), (0.35, 0.36, 0.35, 0.245)
    return mean_face.FacePoints.on_surface(
        np.concatenate([s, -s]), np.concatenate([t, t]), np.zeros(2 * count)
    )


def lip_points() -> mean_face.FacePoints:
    """The middle of the lip line, on the upper lip, then on the lower."""
    lip_line = np.full(2, mean_face.LIP_LINE_MIDDLE)
    return mean_face.FacePoints.on_surface(np.zeros(2), lip_line, np.array([1.0, -1.0]))


def parities(basis: np.ndarray) -> np.ndarray:
    """For every mode `[2 N, 3, K]` over mirrored points: 1 if even, -1 if odd, else between."""
    here, there = np.split(basis, 2)
    mirrored = there * np.array([-1.0, 1.0, 1.0])[:, None]
    return 2 * (here * mirrored).sum(axis=(0, 1)) / (basis**2).sum(axis=(0, 1))
