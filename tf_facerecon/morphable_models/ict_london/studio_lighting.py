"""The light of a photo studio, from many people photographed in it.

Convention:
    Colours and light as in `lighting`: sRGB values in [0, 1], colour = albedo · irradiance, and the
    nine bands of `lighting.spherical_harmonics` of the unit normal in camera axes. Irradiance is 1
    where the skin faces the camera, so that albedo is the colour seen there.
"""

import numpy as np

from tf_facerecon.lighting import spherical_harmonics

_ROUNDS = 8
# Least irradiance that colours are divided by.
_DARKEST = 0.45
# How much bands above the first are held back, relative to the number of samples.
_RIDGE = 2e-3


def estimate_light(colours: np.ndarray, normals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """One light for all, with a skin colour for each person, by alternating least squares.

    Args:
        colours: `[P, V, 3]` of P people at V places of plain skin.
        normals: `[P, V, 3]` unit normals, camera axes.
        weights: `[P, V]` not negative; 0 where nothing was seen.

    Returns:
        `[9, 3]` coefficients of the bands for red, green and blue.
    """
    bands = np.stack([_bands(own) for own in normals])
    weights = np.asarray(weights, np.float64)
    light = np.zeros((9, 3))
    front = _bands(np.array([[0.0, 0.0, 1.0]]))[0]
    light[0] = 1.0 / front[0]
    penalty = _RIDGE * weights.sum() * np.diag(np.r_[0.0, np.ones(8)])
    for _ in range(_ROUNDS):
        shading = bands @ light
        skin = np.sum(weights[..., None] * colours * shading, axis=1)
        skin /= np.maximum(np.sum(weights[..., None] * shading**2, axis=1), 1e-9)
        for channel in range(3):
            scaled = bands * skin[:, None, None, channel]
            system = np.einsum("pv,pvi,pvj->ij", weights, scaled, scaled)
            wanted = np.einsum("pv,pvi,pv->i", weights, scaled, colours[..., channel])
            scale = np.mean(skin[:, channel] ** 2)
            light[:, channel] = np.linalg.solve(system + scale * penalty, wanted)
        light /= front @ light
    return light


def unlit(colours: np.ndarray, normals: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Colours `[V, 3]` divided by the irradiance at `normals` `[V, 3]`: albedo."""
    return colours / np.maximum(_bands(normals) @ light, _DARKEST)


def _bands(normals: np.ndarray) -> np.ndarray:
    """The nine bands `[N, 9]` of unit normals `[N, 3]`."""
    return spherical_harmonics.basis(np.asarray(normals, np.float64)).numpy()
