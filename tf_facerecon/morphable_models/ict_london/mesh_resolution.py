"""How finely the template is meshed: edge lengths wanted at each place, and the splits they take.

Convention:
    Kit frame, centimetres, as in `template_mesh`.
"""

import numpy as np

from tf_facerecon.morphable_models.ict_london import mesh_subdivision

# Length of edges, cm, near landmarks (numbers, reach in cm) and elsewhere, before they are scaled
# to the number of vertices that is wanted.
_FINE_PLACES = (
    (range(17, 27), 1.0, 0.25),
    (range(36, 48), 0.8, 0.21),
    (range(48, 68), 0.9, 0.25),
    (range(27, 36), 1.0, 0.25),
)
_FRONT_LENGTH, _OUTSKIRTS_LENGTH = 0.50, 1.2
_MAX_ROUNDS = 5
_SCALE_STEPS = 14
# Share of the wanted number of vertices by which a template may miss it.
_TOLERANCE = 0.002


def outskirts(points: np.ndarray) -> np.ndarray:
    """Ears, neck, forehead's top, jaw's underside: where photographs and landmarks say little."""
    across, up, out = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    return (across > 6.6) | (up > 8.0) | (up < -7.3) | (out < 5.0)


def refine(points, triangles, landmarks, mirror, splittable, num_vertices):
    """Splits edges so often that about the wanted number of vertices results.

    Args:
        points: `[B, 3]`, symmetric under x to -x.
        triangles: `[T, 3]`.
        landmarks: `[68]`, near which the mesh becomes finer.
        mirror: `[B]` mirror image of each vertex.
        splittable: `[B]` boolean: edges between such vertices may be split.
        num_vertices: Wanted number; B is the least.

    Returns:
        Triangles and number of vertices after each round of splitting, and the mirror image of
        each of the final vertices.
    """
    low, high = 0.05, 4.0
    best = None
    for _ in range(_SCALE_STEPS):
        scale = np.sqrt(low * high)
        rounds, mirrored = _split_rounds(points, triangles, landmarks, mirror, splittable, scale)
        if best is None or abs(len(mirrored) - num_vertices) < abs(len(best[1]) - num_vertices):
            best = rounds, mirrored
        if abs(len(mirrored) - num_vertices) <= _TOLERANCE * num_vertices:
            break
        if len(mirrored) > num_vertices:
            low = scale
        else:
            high = scale
    return best


def _split_rounds(points, triangles, landmarks, mirror, on_skin, scale):
    rounds = []
    lengths = scale * _wanted_lengths(points, points[landmarks])
    for _ in range(_MAX_ROUNDS):
        fixed = np.where(on_skin, lengths, np.inf)
        pairs, split = mesh_subdivision.split_edges(points, triangles, fixed)
        if not len(pairs):
            break
        numbers = {tuple(pair): len(points) + k for k, pair in enumerate(pairs.tolist())}
        other = np.sort(mirror[pairs], axis=1).tolist()
        mirror = np.r_[mirror, [numbers[tuple(pair)] for pair in other]]
        points = np.concatenate([points, points[pairs].mean(axis=1)])
        lengths = np.r_[lengths, lengths[pairs].mean(axis=1)]
        on_skin = np.r_[on_skin, np.ones(len(pairs), bool)]
        triangles = split
        rounds.append((triangles, len(points)))
    return rounds, mirror


def _wanted_lengths(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    from scipy import spatial

    lengths = np.where(outskirts(points), _OUTSKIRTS_LENGTH, _FRONT_LENGTH)
    for numbers, reach, length in _FINE_PLACES:
        distance, _ = spatial.cKDTree(landmarks[list(numbers)]).query(points)
        share = np.clip((distance - reach) / (0.5 * reach), 0.0, 1.0)
        lengths = np.minimum(lengths, length + share * (lengths - length))
    return lengths
