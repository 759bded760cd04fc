"""Cutting a mesh along a smooth line, between its vertices."""

import numpy as np

# Vertices nearer to the line than this share of an edge become part of it: no slivers.
_SNAP = 0.1


def clip_mesh(triangles: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keeps the part of a mesh where `height` is positive.

    Args:
        triangles: `[T, 3]` counter-clockwise.
        height: `[V]` positive inside, negative outside; the line is where it is 0 between them.

    Returns:
        `[N, 3]`: ends of each edge that is cut (the first one inside) and how far along from the
        first, in (0, 1); the cuts become vertices V to V + N - 1. And triangles `[T', 3]` int32.
    """
    inside = height > 0
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    crossing = edges[inside[edges[:, 0]] != inside[edges[:, 1]]]
    crossing = np.unique(np.where(inside[crossing[:, :1]], crossing, crossing[:, ::-1]), axis=0)
    share = height[crossing[:, 0]] / (height[crossing[:, 0]] - height[crossing[:, 1]])
    # Ends that lie nearly on the line are put on it: an inner one is cut off, an outer one kept.
    place = {}
    cuts = []
    for (first, second), along in zip(crossing.tolist(), share.tolist(), strict=True):
        if along < _SNAP:
            place[first, second] = first
        elif along > 1.0 - _SNAP:
            place[first, second] = second
        else:
            place[first, second] = len(height) + len(cuts)
            cuts.append((first, second, along))
    kept = [tuple(row) for row in triangles[inside[triangles].all(axis=1)].tolist()]
    mixed = inside[triangles].any(axis=1) & ~inside[triangles].all(axis=1)
    for corners in triangles[mixed].tolist():
        polygon = []
        for first, second in zip(corners, corners[1:] + corners[:1], strict=True):
            if inside[first]:
                polygon.append(first)
            if inside[first] != inside[second]:
                edge = (first, second) if inside[first] else (second, first)
                polygon.append(place[edge])
        polygon = list(dict.fromkeys(polygon))
        kept += [(polygon[0], *polygon[k : k + 2]) for k in range(1, len(polygon) - 1)]
    return np.array(cuts).reshape(-1, 3), np.array(kept, np.int32).reshape(-1, 3)
