"""Share of each photo of an image set in each part of the face, from normalised confidences.

Convention:
    Shares are between 0 and 1; the sum over the photos of a set is 1.
"""

import numpy as np

from tf_facerecon.core import checks

# iBUG landmarks of each region.
REGIONS = {
    "jaw": range(0, 17),
    "brows": range(17, 27),
    "nose": range(27, 36),
    "eyes": range(36, 48),
    "mouth": range(48, 68),
}


def coefficient_shares(confidence: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Share of each photo in each aggregated identity coefficient.

    The normalised confidences `c_j / sum_j c_j` of Deng et al. 2019, Eq. (8).

    Args:
        confidence: `[N, K]` confidences c_j, not negative.
        counted: `[N]` bool, false for photos that were left out of the aggregation.

    Returns:
        `[N, K]` float64; equal shares for a coefficient whose confidences are all zero.

    Raises:
        ValueError: If a shape is wrong, a confidence is negative or not finite, or no photo counts.
    """
    confidence, counted = np.asarray(confidence, np.float64), np.asarray(counted, bool)
    checks.check_shape("confidence", confidence, (None, None))
    checks.check_shape("counted", counted, confidence.shape[:1])
    if not counted.any():
        raise ValueError("`counted` must be true for at least one photo. Received: none.")
    used = confidence[counted]
    if not (np.isfinite(used).all() and (used >= 0).all()):
        raise ValueError("`confidence` must be finite and not negative for photos that count.")
    largest = used.max(axis=0)
    relative = np.where(largest > 0, used / np.where(largest > 0, largest, 1.0), 1.0)
    shares = np.zeros_like(confidence)
    shares[counted] = relative / relative.sum(axis=0)
    return shares


def vertex_shares(shares: np.ndarray, identity_basis: np.ndarray) -> np.ndarray:
    """Share of each photo in the position of each vertex.

    The shares in the coefficients are averaged, weighted by the variance that each coefficient
    contributes to the vertex: the squared norm of its basis vector, as coefficients are N(0, 1).

    Args:
        shares: `[N, K]` from `coefficient_shares`.
        identity_basis: `[V, 3, K]` displacement per standard deviation, any unit of length.

    Returns:
        `[N, V]` float64; the unweighted mean over the coefficients where the basis is zero.

    Raises:
        ValueError: If the shapes do not match.
    """
    shares, basis = np.asarray(shares, np.float64), np.asarray(identity_basis, np.float64)
    checks.check_shape("shares", shares, (None, None))
    checks.check_shape("identity_basis", basis, (None, 3, shares.shape[1]))
    variance = np.einsum("vik,vik->vk", basis, basis)
    total = variance.sum(axis=1, keepdims=True)
    uniform = np.full_like(variance, 1.0 / variance.shape[1])
    weights = np.divide(variance, total, out=uniform, where=total > 0)
    return shares @ weights.T


def region_shares(vertex_share: np.ndarray, landmarks: np.ndarray) -> dict[str, np.ndarray]:
    """Share of each photo in each of the face regions `REGIONS`.

    Args:
        vertex_share: `[N, V]` from `vertex_shares`.
        landmarks: `[68]` vertex indices of the iBUG landmarks.

    Returns:
        `[N]` by region: the mean over its landmarks.

    Raises:
        ValueError: If `landmarks` has another shape.
    """
    landmarks = np.asarray(landmarks)
    checks.check_shape("landmarks", landmarks, (68,))
    return {
        name: vertex_share[:, landmarks[list(points)]].mean(axis=1)
        for name, points in REGIONS.items()
    }


def is_uniform(shares: np.ndarray) -> bool:
    """Whether two or more photos count and all have the same share `[N]`, up to rounding.

    Then no photo should be reported as contributing most. Photos with share 0 do not count.
    """
    positive = shares[shares > 0]
    return positive.size > 1 and np.ptp(positive) < 1e-3
