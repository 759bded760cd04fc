"""Where the hand-set points of a set of photographs lie on the template.

Some points are landmarks; the others are found as the places that they have, on average over all
people, on faces that were fitted to the landmarks.
"""

import numpy as np
from scipy import sparse, spatial
from scipy.sparse import csgraph

from tf_facerecon.morphable_models.ict_london import london_points, point_fit, visibility

_ROUNDS = 2


def edge_middle(positions: np.ndarray, triangles: np.ndarray, first: int, second: int) -> int:
    """The vertex half way along the shortest path of edges between two vertices."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    lengths = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    graph = sparse.coo_matrix((lengths, pairs.T), shape=(len(positions),) * 2).tocsr()
    distance, before = csgraph.dijkstra(
        graph, directed=False, indices=first, return_predecessors=True
    )
    path = [second]
    while path[-1] != first:
        path.append(int(before[path[-1]]))
    return path[int(np.argmin(np.abs(distance[path] - 0.5 * distance[second])))]


def anchor_places(
    positions: np.ndarray, triangles: np.ndarray, landmarks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points of `ANCHORS` and `LID_MIDDLES` as weighted vertices.

    Returns:
        Numbers of points `[A]`, vertices `[A, 3]` and their weights `[A, 3]`.
    """
    numbers, vertices, weights = [], [], []
    for point, first, second, share in london_points.ANCHORS:
        numbers.append(point)
        vertices.append([landmarks[first], landmarks[second], landmarks[second]])
        weights.append([1.0 - share, share, 0.0])
    for point, first, second in london_points.LID_MIDDLES:
        middle = edge_middle(positions, triangles, landmarks[first], landmarks[second])
        numbers.append(point)
        vertices.append([middle] * 3)
        weights.append([1.0, 0.0, 0.0])
    return np.array(numbers), np.array(vertices), np.array(weights)


def register_points(
    mean: np.ndarray,
    basis: np.ndarray,
    triangles: np.ndarray,
    landmarks: np.ndarray,
    front: np.ndarray,
    points: np.ndarray,
    image_sizes: list[tuple[int, int]],
) -> tuple[point_fit.PointModel, list[point_fit.PhotoFit]]:
    """Finds the places of `FACE_POINTS` on the template and fits every photograph.

    Args:
        mean: `[V, 3]` decimetres.
        basis: `[V, 3, K]` decimetres per standard deviation.
        triangles: `[T, 3]` of the skin.
        landmarks: `[68]`.
        front: `[V]` boolean: the part of the skin on which points may lie.
        points: `[P, 189, 2]` (column, row) of P people.
        image_sizes: P pairs (width, height).

    Returns:
        The points' model, in the order of `FACE_POINTS`, and P fits.
    """
    numbers, vertices, weights = anchor_places(mean, triangles, landmarks)
    model = point_fit.PointModel(
        _weighted(mean, vertices, weights),
        _weighted(basis, vertices, weights),
        np.ones(len(numbers)),
    )
    fits = [
        point_fit.fit_points(model, own[numbers], size)
        for own, size in zip(points, image_sizes, strict=True)
    ]
    face = np.array(london_points.FACE_POINTS)
    counts = np.where(
        np.isin(face, london_points.SLIDING_POINTS), london_points.SLIDING_WEIGHT, 1.0
    )
    anchored = np.array([np.flatnonzero(face == number)[0] for number in numbers])
    for _ in range(_ROUNDS):
        own_vertices, own_weights = _average_places(
            mean, basis, triangles, front, points[:, face], fits
        )
        own_vertices[anchored], own_weights[anchored] = vertices, weights
        model = point_fit.PointModel(
            _weighted(mean, own_vertices, own_weights),
            _weighted(basis, own_vertices, own_weights),
            counts,
        )
        fits = [
            point_fit.fit_points(model, own[face], size)
            for own, size in zip(points, image_sizes, strict=True)
        ]
    return model, fits


def moved_landmarks(
    mean: np.ndarray,
    landmarks: np.ndarray,
    mirror: np.ndarray,
    front: np.ndarray,
    points: point_fit.PointModel,
) -> np.ndarray:
    """Landmarks `[68]` with brows and base of the nose at the hand-set points.

    Args:
        mean: `[V, 3]`.
        landmarks: `[68]`.
        mirror: `[V]` mirror image of each vertex.
        front: `[V]` boolean: vertices that may become landmarks.
        points: Of `register_points`.
    """
    moved = np.array(landmarks)
    place = {number: k for k, number in enumerate(london_points.FACE_POINTS)}
    candidates = np.flatnonzero(front)
    tree = spatial.cKDTree(mean[candidates])
    for landmark, point in london_points.MOVED_LANDMARKS:
        twin = points.mean[place[london_points.MIRRORED_POINTS[point]]] * [-1.0, 1.0, 1.0]
        target = 0.5 * (points.mean[place[point]] + twin)
        if london_points.MIRRORED_LANDMARKS[landmark] == landmark:
            middle = candidates[mirror[candidates] == candidates]
            moved[landmark] = middle[np.argmin(np.linalg.norm(mean[middle] - target, axis=1))]
            continue
        moved[landmark] = candidates[tree.query(target)[1]]
        moved[london_points.MIRRORED_LANDMARKS[landmark]] = mirror[moved[landmark]]
    return moved


def _average_places(mean, basis, triangles, front, points, fits):
    """Vertices and weights `[N, 3]` of the places that points have in the middle of all people."""
    places = []
    for own, fit in zip(points, fits, strict=True):
        shape = mean + basis @ fit.coefficients
        seen = front & visibility.visible_vertices(fit, shape, triangles)
        vertices, weights = _triangle_weights(fit.project(shape), np.flatnonzero(seen), own)
        places.append(_weighted(mean, vertices, weights))
    middle = np.median(places, axis=0)
    return _triangle_weights(mean[:, :2], np.flatnonzero(front), middle[:, :2])


def _triangle_weights(flat, candidates, points):
    """Vertices out of `candidates` `[N, 3]` round each of `points` `[N, 2]`, and their weights."""
    net = spatial.Delaunay(flat[candidates])
    inside = net.find_simplex(points)
    corners = net.simplices[inside]
    affine = net.transform[inside]
    two = np.einsum("nij,nj->ni", affine[:, :2], points - affine[:, 2])
    weights = np.column_stack([two, 1.0 - two.sum(axis=1)])
    vertices = candidates[corners]
    outside = inside < 0
    if outside.any():
        _, nearest = spatial.cKDTree(flat[candidates]).query(points[outside])
        vertices[outside] = candidates[nearest][:, None]
        weights[outside] = [1.0, 0.0, 0.0]
    return vertices, weights


def _weighted(values, vertices, weights):
    """Weighted sums `[N, ...]` of `values` `[V, ...]`."""
    return np.einsum("nk,nk...->n...", weights, values[vertices])
