"""Eigenmodes of Gaussian processes on the face, the same for every mesh density.

The covariance is decomposed once on a small fixed set of control points of the analytic mean face;
the modes reach any other point through the kernel (Nystroem extension). A coefficient therefore
means the same surface whatever the mesh. Kernels are anisotropic and split into mirror-symmetric
and antisymmetric parts of different weight, so that eigenvalues are distinct; signs are canonical.
"""

import functools

import numpy as np


@functools.lru_cache(maxsize=1)
def control_points() -> tuple[np.ndarray, np.ndarray]:
    """Fixed control points: domain coordinates `(s, t)`, each `[N]`, mirror-symmetric."""
    half_s = np.array([0.0, 0.08, 0.16, 0.25, 0.34, 0.44, 0.56, 0.72, 0.92, 1.15, 1.38])
    heights = np.concatenate(
        [
            np.array([-0.95, -0.82, -0.70, -0.59, -0.50, -0.435, -0.39]),
            np.array([-0.325, -0.27, -0.20, -0.12, -0.04, 0.06, 0.16]),
            np.array([0.24, 0.30, 0.36, 0.44, 0.52, 0.64, 0.78, 0.93]),
        ]
    )
    s = np.concatenate([-half_s[:0:-1], half_s])
    grid_s, grid_t = (field.reshape(-1) for field in np.meshgrid(s, heights))
    bottom = np.interp(np.abs(grid_s), [0.0, 0.55, 0.9, 1.15, 1.42], [-1.1, -1.0, -0.87, -0.7, -0.5])
    top = np.interp(np.abs(grid_s), [0.0, 0.6, 1.42], [1.0, 0.95, 0.76])
    kept = (grid_t > bottom) & (grid_t < top)
    return grid_s[kept], grid_t[kept]


def canonical_signs(modes: np.ndarray) -> np.ndarray:
    """Signs that make the largest entry of each column of `modes [N, K]` positive.

    Mirror-symmetric pairs tie in size, hence the tilt in favour of earlier entries.
    """
    tilt = np.linspace(1.0, 0.9, modes.shape[0])[:, None]
    largest = np.argmax(np.abs(modes) * tilt, axis=0)
    signs = np.sign(modes[largest, np.arange(modes.shape[1])])
    return np.where(signs == 0, 1.0, signs)


def leading_modes(covariance: np.ndarray, num_modes: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenpairs of a symmetric float64 matrix, with canonical signs.

    Returns:
        Eigenvalues `[K]`, descending, and eigenvectors `[N, K]`.
    """
    from scipy import linalg

    size = covariance.shape[0]
    values, vectors = linalg.eigh(covariance, subset_by_index=[size - num_modes, size - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    return values, vectors * canonical_signs(vectors)


def squared_exponential(a: np.ndarray, b: np.ndarray, lengths) -> np.ndarray:
    """Kernel `exp(-|(a - b) / lengths|^2 / 2)`, `[N, D]` and `[M, D]` to `[N, M]`."""
    a, b = a / np.asarray(lengths), b / np.asarray(lengths)
    squared = (a**2).sum(-1)[:, None] + (b**2).sum(-1)[None] - 2.0 * a @ b.T
    return np.exp(-0.5 * np.maximum(squared, 0.0))


def mirrored_kernel(a, b, lengths, symmetric: float, antisymmetric: float) -> np.ndarray:
    """Squared exponential whose mirror-symmetric and antisymmetric parts have their own weight."""
    flip = np.ones(a.shape[1])
    flip[0] = -1.0
    direct, crossed = squared_exponential(a, b, lengths), squared_exponential(a, b * flip, lengths)
    return 0.5 * (symmetric * (direct + crossed) + antisymmetric * (direct - crossed))


def albedo_fields(s: np.ndarray, t: np.ndarray, num_modes: int) -> np.ndarray:
    """Smooth colour fields, `[V, 3, num_modes]` RGB, per unit standard deviation.

    Colours vary along three fixed axes (lightness, red-green, blue-yellow) of different strength.
    """
    axes = np.array([[0.62, 0.58, 0.53], [0.75, -0.45, -0.48], [0.10, 0.62, -0.78]])
    amplitudes, scales = (0.022, 0.010, 0.006), (1.0, 1.13, 1.29)
    control = np.stack(control_points(), axis=-1)
    target = np.stack([s, t], axis=-1)
    candidates = []
    for axis, amplitude, scale in zip(axes, amplitudes, scales, strict=True):
        lengths = scale * np.array([0.29, 0.23])
        gram = mirrored_kernel(control, control, lengths, 1.0, 0.45)
        values, vectors = leading_modes(gram, num_modes)
        extended = mirrored_kernel(target, control, lengths, 1.0, 0.45) @ vectors
        fields = amplitude * extended / np.sqrt(values)
        strength = amplitude**2 * values
        candidates += [(strength[k], fields[:, k], axis) for k in range(num_modes)]
    candidates.sort(key=lambda item: -item[0])
    return np.stack([field[:, None] * axis for _, field, axis in candidates[:num_modes]], axis=-1)
