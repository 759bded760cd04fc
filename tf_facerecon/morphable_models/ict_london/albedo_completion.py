"""Albedo of whole faces from what each photograph shows of them.

What nobody's photograph shows follows from its surroundings and from how open it lies; what one
person's does not show has the average pattern of all, shifted by how this person differs from it
nearby. Both are smooth fills on the mesh, of logarithms, so that ratios of colours are carried on.
"""

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

# Where fewer than this share of the people are seen, the average pattern is filled.
_LEAST_COVERAGE = 0.2
# Colours below are as dark as this in logarithms.
_DARKEST = 0.02
# How fast a person's difference from the average fades with the number of edges from what was seen.
_FADE = 0.004
# Hair is darker than skin by this much in logarithms; so many rings of vertices round it go, too.
_HAIR_CONTRAST, _HAIR_RINGS = 0.30, 2
# Highlights: what is lighter than the pattern by more than this is taken back to a share of it.
_HIGHLIGHT, _HIGHLIGHT_SHARE = 0.18, 0.35


def complete_albedos(
    albedos: np.ndarray,
    seen: np.ndarray,
    triangles: np.ndarray,
    skin: np.ndarray,
    plain: np.ndarray,
    light: np.ndarray,
) -> np.ndarray:
    """Fills what was not seen.

    Args:
        albedos: `[P, V, 3]` of P people.
        seen: `[P, V]` boolean.
        triangles: `[T, 3]`; pieces of the mesh that share no edge are filled by themselves, and a
            piece without anything seen stays at 0.
        skin: `[V]` boolean: where colours are relative to a person's skin colour.
        plain: `[V]` boolean: plain skin that nearly everybody shows, of which that colour is taken.
        light: `[V]` share of an even sky's light in (0, 1] at each vertex; where no photograph
            helps, the pattern is as dark as it says.

    Returns:
        `[P, V, 3]` float64; as `albedos` where these were seen, but for highlights on the skin,
        which are toned down.
    """
    logs = np.log(np.maximum(albedos, _DARKEST))
    tones = np.stack([np.median(own[plain & s], axis=0) for own, s in zip(logs, seen, strict=True)])
    relative = logs - np.where(skin[:, None], tones[:, None], 0.0)
    counts = seen.sum(axis=0)
    known = counts >= _LEAST_COVERAGE * len(seen)
    sums = np.einsum("pv,pvc->vc", seen, relative)
    pattern = sums / np.maximum(counts, 1)[:, None]
    shade = np.log(light)[:, None]
    laplacian = _laplacian(triangles, len(known))
    pattern = np.where(
        known[:, None], pattern, shade + _filled(laplacian, pattern - shade, known, 1e-6)
    )
    completed = np.empty_like(relative)
    for number, own in enumerate(relative):
        difference = own - pattern
        shine = np.maximum(difference.min(axis=-1, keepdims=True) - _HIGHLIGHT, 0.0)
        difference = difference - np.where(skin[:, None], (1.0 - _HIGHLIGHT_SHARE) * shine, 0.0)
        difference = _filled(laplacian, difference, seen[number], _FADE)
        tone = np.where(skin[:, None], tones[number], 0.0)
        completed[number] = np.exp(tone + pattern + difference)
    return completed


def blend_with_skin(albedos: np.ndarray, plain: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Moves colours towards the skin colour of each person.

    Args:
        albedos: `[P, V, 3]`, positive.
        plain: `[V]` boolean: plain skin, of which the skin colour is taken.
        weight: `[V]` in [0, 1]: 0 leaves a vertex as it is.

    Returns:
        `[P, V, 3]`; blended as logarithms.
    """
    logs = np.log(albedos)
    tones = np.median(logs[:, plain], axis=1, keepdims=True)
    return np.exp(logs + weight[:, None] * (tones - logs))


def without_hair(
    albedos: np.ndarray,
    seen: np.ndarray,
    triangles: np.ndarray,
    plain: np.ndarray,
    zone: np.ndarray,
) -> np.ndarray:
    """Takes strands of hair out of what was seen.

    Args:
        albedos: `[P, V, 3]`.
        seen: `[P, V]` boolean.
        triangles: `[T, 3]`.
        plain: `[V]` boolean: plain skin, of which the skin colour is taken.
        zone: `[V]` boolean: where hair may hang; brows are not in it.

    Returns:
        `[P, V]` boolean: without vertices of the zone that are much darker than the person's skin,
        and their neighbours.
    """
    lightness = np.log(np.maximum(albedos.mean(axis=-1), _DARKEST))
    kept = seen.copy()
    for own, tone, flags in zip(lightness, seen, kept, strict=True):
        dark = zone & (own < np.median(own[plain & tone]) - _HAIR_CONTRAST)
        for _ in range(_HAIR_RINGS):
            touched = triangles[dark[triangles].any(axis=1)]
            dark[touched] = True
        flags &= ~(dark & zone)
    return kept


def _laplacian(triangles: np.ndarray, num_vertices: int) -> sparse.csr_matrix:
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    graph = sparse.coo_matrix((np.ones(len(pairs)), pairs.T), shape=(num_vertices,) * 2)
    graph = ((graph + graph.T) > 0).astype(np.float64).tocsr()
    return (sparse.diags(np.asarray(graph.sum(axis=1)).ravel()) - graph).tocsr()


def _filled(
    laplacian: sparse.csr_matrix, values: np.ndarray, known: np.ndarray, fade: float
) -> np.ndarray:
    """`values` `[V, C]` where `known`, elsewhere a membrane between them that fades to 0."""
    missing = np.flatnonzero(~known)
    rows = laplacian[missing]
    system = (rows[:, missing] + fade * sparse.eye(len(missing))).tocsc()
    filled = np.array(values)
    if missing.size:
        pull = -(rows[:, np.flatnonzero(known)] @ values[known])
        filled[missing] = linalg.splu(system).solve(np.asarray(pull))
    return filled
