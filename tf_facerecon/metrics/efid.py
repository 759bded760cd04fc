"""E-FID: Fréchet distance between the expression coefficients of two sets of faces.

The metric that papers on talking heads report (lower is better): expression coefficients of
generated and of real frames, as R-Net of Deng et al. 2019 predicts them, are each described by
mean and covariance, and the two normal distributions are compared as in the Fréchet inception
distance (Heusel et al. 2017).
"""

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.morphable_models.coefficients import CoefficientLayout


def expression_frechet_distance(generated: np.ndarray, real: np.ndarray) -> float:
    """Fréchet distance of expression coefficients, E-FID.

    Args:
        generated: Expression coefficients `[N, K]` of N frames, or whole coefficient vectors
            `[N, 257]` (or `[N, 258]`), of which the 64 expression coefficients are taken.
        real: The same of M other frames.

    Returns:
        `|m_1 - m_2|^2 + trace(C_1 + C_2 - 2 (C_1 C_2)^(1/2))`, of unbiased covariances; computed in
        float64. It is biased upwards for few frames: compare values of equal N and M only.

    Raises:
        ValueError: If an array is not 2-D, has fewer than two frames, is not finite, or if the
            widths differ.
    """
    arrays = [_expressions("generated", generated), _expressions("real", real)]
    if arrays[0].shape[1] != arrays[1].shape[1]:
        raise ValueError(
            "`generated` and `real` must have equally many expression coefficients. Received: "
            f"{arrays[0].shape[1]} and {arrays[1].shape[1]}."
        )
    return frechet_distance(*arrays)


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Fréchet distance of the normal distributions fitted to `[N, K]` and `[M, K]` samples."""
    (mean_1, root), (mean_2, factor) = (_mean_and_factor(samples) for samples in (first, second))
    # trace((C_1 C_2)^(1/2)) is the sum of the singular values of F_1 F_2^T, where C_i = F_i^T F_i:
    # exact for singular covariances, too, of which a matrix root loses half of the digits.
    cross = np.linalg.svd(root @ factor.T, compute_uv=False).sum()
    distance = np.sum((mean_1 - mean_2) ** 2) + np.sum(root**2) + np.sum(factor**2) - 2 * cross
    return float(max(distance, 0.0))


def _mean_and_factor(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean `[K]`, and F `[min(N, K), K]` with F^T F the unbiased covariance."""
    mean = samples.mean(axis=0)
    centred = (samples - mean) / np.sqrt(len(samples) - 1)
    return mean, np.linalg.qr(centred, mode="r")


def _expressions(name: str, coefficients: np.ndarray) -> np.ndarray:
    coefficients = np.asarray(coefficients, np.float64)
    checks.check_shape(name, coefficients, (None, None))
    layout = CoefficientLayout()
    if coefficients.shape[1] in (layout.total, layout.total + 1):
        coefficients = coefficients[:, layout.slices["expression"]]
    if len(coefficients) < 2 or not np.isfinite(coefficients).all():
        raise ValueError(
            f"`{name}` must hold finite coefficients of at least two frames. "
            f"Received: {len(coefficients)} frames."
        )
    return coefficients
