"""Which photograph of a set gave which part of the face: shares of confidence on the surface.

Convention:
    Shares are between 0 and 1; over the photographs of a set they add up to 1.
"""

import numpy as np

from tf_facerecon.core import checks

# iBUG landmarks that stand for a part of the face.
REGIONS = {
    "jaw": range(0, 17),
    "brows": range(17, 27),
    "nose": range(27, 36),
    "eyes": range(36, 48),
    "mouth": range(48, 68),
}


def coefficient_shares(confidence: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """What each photograph contributed to each identity coefficient.

    The weights `c_j / sum_j c_j` of Deng et al. 2019, Eq. (8).

    Args:
        confidence: `[N, K]`, not negative.
        counted: `[N]`, false for photographs that were left out of the aggregation.

    Returns:
        `[N, K]` float64; equal shares for a coefficient of which no photograph is confident.

    Raises:
        ValueError: If a shape differs, a confidence is negative or not finite, or none is counted.
    """
    confidence, counted = np.asarray(confidence, np.float64), np.asarray(counted, bool)
    checks.check_shape("confidence", confidence, (None, None))
    checks.check_shape("counted", counted, confidence.shape[:1])
    if not counted.any():
        raise ValueError("`counted` must be true for at least one photograph. Received: none.")
    used = confidence[counted]
    if not (np.isfinite(used).all() and (used >= 0).all()):
        raise ValueError("`confidence` must be finite and not negative where it counts.")
    largest = used.max(axis=0)
    relative = np.where(largest > 0, used / np.where(largest > 0, largest, 1.0), 1.0)
    shares = np.zeros_like(confidence)
    shares[counted] = relative / relative.sum(axis=0)
    return shares


def vertex_shares(shares: np.ndarray, identity_basis: np.ndarray) -> np.ndarray:
    """What each photograph contributed to each vertex.

    A vertex is moved by coefficient k by the length of the basis there; that squared is k's part of
    how much the vertex varies between people (coefficients are N(0, 1)). The shares of the
    coefficients are averaged with these parts as weights.

    Args:
        shares: `[N, K]` of `coefficient_shares`.
        identity_basis: `[V, 3, K]` per standard deviation, any unit.

    Returns:
        `[N, V]` float64; the plain mean over k at a vertex that identity never moves.

    Raises:
        ValueError: If the shapes do not fit together.
    """
    shares, basis = np.asarray(shares, np.float64), np.asarray(identity_basis, np.float64)
    checks.check_shape("shares", shares, (None, None))
    checks.check_shape("identity_basis", basis, (None, 3, shares.shape[1]))
    variance = np.einsum("vik,vik->vk", basis, basis)
    total = variance.sum(axis=1, keepdims=True)
    uniform = np.full_like(variance, 1.0 / variance.shape[1])
    parts = np.divide(variance, total, out=uniform, where=total > 0)
    return shares @ parts.T


def region_shares(vertex_share: np.ndarray, landmarks: np.ndarray) -> dict[str, np.ndarray]:
    """What each photograph contributed to the parts of the face named in `REGIONS`.

    Args:
        vertex_share: `[N, V]` of `vertex_shares`.
        landmarks: `[68]` vertices of the iBUG points.

    Returns:
        `[N]` by name of the part: the mean over its landmarks.
    """
    landmarks = np.asarray(landmarks)
    checks.check_shape("landmarks", landmarks, (68,))
    return {
        name: vertex_share[:, landmarks[list(points)]].mean(axis=1)
        for name, points in REGIONS.items()
    }
