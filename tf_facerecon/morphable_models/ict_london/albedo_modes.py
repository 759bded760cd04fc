"""Mean and modes of albedo, learnt from people and their mirror images.

Source: principal component analysis; Sirovich and Kirby 1987, mirrored faces after Kirby and
Sirovich 1990.
"""

import numpy as np

# The lightest and the darkest of 80 normal numbers lie about this far out.
_EXTREME = 2.4
# How much the norm of coefficients counts in a fit of albedo, as variance of RGB per vertex.
_FIT_NOISE = 0.02


def learn_modes(
    albedos: np.ndarray, mirror: np.ndarray, num_modes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Learns a linear model of albedo.

    The first mode, which is lightness of skin, is centred in the middle between the lightest and
    the darkest person and scaled so that they lie as far out as extremes of normal numbers do: few
    of the people are dark, and a symmetric distribution about their mean would go beyond white.

    Args:
        albedos: `[P, V, 3]` of P people, P at least 2.
        mirror: `[V]` the mirror image of each vertex.
        num_modes: How many modes; at most 2 P - 1.

    Returns:
        Mean `[V, 3]` and modes `[V, 3, num_modes]` per standard deviation.

    Raises:
        ValueError: If there are not enough people.
    """
    people = len(albedos)
    check_people(people, num_modes)
    both = np.concatenate([albedos, albedos[:, mirror]]).reshape(2 * people, -1)
    mean = both.mean(axis=0)
    # Of the small Gram matrix: there are far fewer people than numbers.
    centred = both - mean
    _, vectors = np.linalg.eigh(centred @ centred.T)
    vectors = vectors[:, ::-1][:, :num_modes]
    scores = vectors * np.sqrt(2 * people - 1)
    modes = centred.T @ scores / (2 * people - 1)
    signs = np.where(modes.sum(axis=0) > 0, -1.0, 1.0)
    modes, scores = modes * signs, scores * signs
    low, high = scores[:, 0].min(), scores[:, 0].max()
    mean = mean + 0.5 * (low + high) * modes[:, 0]
    modes[:, 0] *= 0.5 * (high - low) / _EXTREME
    return mean.reshape(-1, 3), modes.reshape(-1, 3, num_modes)


def check_people(people: int, num_modes: int) -> None:
    """Raises `ValueError` if so few people cannot give so many modes."""
    if not 1 <= num_modes <= 2 * people - 1:
        raise ValueError(
            f"{num_modes} albedo modes need photographs of at least {num_modes // 2 + 1} people. "
            f"Received: {people}."
        )


def fit_modes(
    albedo: np.ndarray, mean: np.ndarray, modes: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, float]:
    """Best albedo of a model for one face, with a prior of unit variance.

    Args:
        albedo: `[V, 3]`.
        mean: `[V, 3]`.
        modes: `[V, 3, K]`.
        seen: `[V]` boolean: vertices that count.

    Returns:
        Coefficients `[K]`, and the root mean square of what is left over RGB at these vertices.
    """
    basis = modes[seen].reshape(-1, modes.shape[-1]).astype(np.float64)
    wanted = (albedo - mean)[seen].ravel()
    system = basis.T @ basis + _FIT_NOISE * np.eye(basis.shape[1])
    coefficients = np.linalg.solve(system, basis.T @ wanted)
    left = wanted - basis @ coefficients
    return coefficients, float(np.sqrt(np.mean(left**2)))
