"""More vertices: a mesh is split where its edges are long, and bent smoothly between old vertices.

New vertices are fixed weighted sums of old ones, so that mean and modes of a face model are filled
alike. Old vertices stay where they are.
"""

import numpy as np
from scipy import sparse
from scipy.sparse import linalg


def split_edges(
    vertices: np.ndarray, triangles: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Halves the edges that are longer than wanted, once.

    A triangle becomes two, three or four; with two halved edges the shorter diagonal is drawn.

    Args:
        vertices: `[V, 3]`.
        triangles: `[T, 3]` counter-clockwise.
        wanted: `[V]` length of edges wanted at each vertex, in the unit of `vertices`; the mean of
            both ends counts.

    Returns:
        Ends `[N, 2]` of the halved edges, whose middles become vertices V to V + N - 1, and
        triangles `[T', 3]` int32.
    """
    edges = np.concatenate([triangles[:, [1, 2]], triangles[:, [2, 0]], triangles[:, [0, 1]]])
    pairs, inverse = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    length = np.linalg.norm(vertices[pairs[:, 0]] - vertices[pairs[:, 1]], axis=1)
    long = length > wanted[pairs].mean(axis=1)
    number = np.where(long, len(vertices) + np.cumsum(long) - 1, -1)
    middle = number[inverse.ravel()].reshape(3, -1).T  # of the edge opposite each corner
    places = np.concatenate([vertices, vertices[pairs[long]].mean(axis=1)])
    return pairs[long], _split(places, triangles, middle)


def _split(places: np.ndarray, triangles: np.ndarray, middle: np.ndarray) -> np.ndarray:
    halved = middle >= 0
    count = halved.sum(axis=1)
    whole = triangles[count == 0]
    parts = [whole]
    # Turned so that with one halved edge it is opposite corner 0, with two the whole one is.
    for wanted, first in ((1, np.argmax(halved, axis=1)), (2, np.argmin(halved, axis=1))):
        rows = np.flatnonzero(count == wanted)
        turn = (first[rows, None] + np.arange(3)) % 3
        a, b, c = np.take_along_axis(triangles[rows], turn, axis=1).T
        p, q, r = np.take_along_axis(middle[rows], turn, axis=1).T
        if wanted == 1:
            parts += [np.stack([a, b, p], 1), np.stack([a, p, c], 1)]
            continue
        parts.append(np.stack([a, r, q], 1))
        # The quadrilateral r, b, c, q: r on a-b, q on c-a.
        first_way = _length(places, r, c) <= _length(places, b, q)
        other = ~first_way
        parts += [
            np.stack([r, b, c], 1)[first_way],
            np.stack([r, c, q], 1)[first_way],
            np.stack([r, b, q], 1)[other],
            np.stack([b, c, q], 1)[other],
        ]
    rows = count == 3
    (a, b, c), (p, q, r) = triangles[rows].T, middle[rows].T
    parts += [np.stack(corners, 1) for corners in ((a, r, q), (r, b, p), (q, p, c), (p, q, r))]
    return np.concatenate(parts).astype(np.int32)


def _length(places, first, second):
    return np.linalg.norm(places[first] - places[second], axis=1)


def fill_smoothly(triangles: np.ndarray, values: np.ndarray, num_all: int) -> np.ndarray:
    """Values of vertices between old ones, bent as little as possible.

    The sum of squares of the differences between each vertex and the mean of its neighbours is
    least, as in a thin plate, and on the boundary of the mesh as in a thin wire along it. Old
    vertices are held. The result is linear in `values`.

    Args:
        triangles: `[T, 3]` of all vertices.
        values: `[V, ...]` at the old vertices, which are the first V.
        num_all: Number of vertices.

    Returns:
        `[num_all, ...]` float64, beginning with `values`.
    """
    num_old = len(values)
    if num_all == num_old:
        return np.asarray(values, np.float64)
    laplacian = _laplacian(triangles, num_all)
    energy = (laplacian.T @ laplacian).tocsc()
    flat = np.asarray(values, np.float64).reshape(num_old, -1)
    pull = -(energy[num_old:, :num_old] @ flat)
    between = linalg.splu(energy[num_old:, num_old:]).solve(pull)
    return np.concatenate([flat, between]).reshape(num_all, *np.shape(values)[1:])


def _laplacian(triangles: np.ndarray, num_vertices: int) -> sparse.csr_matrix:
    """Each vertex less the mean of its neighbours; boundary vertices have two, along it."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    uses = sparse.coo_matrix((np.ones(len(pairs)), pairs.T), shape=(num_vertices, num_vertices))
    uses = (uses + uses.T).tocoo()
    on_boundary = np.zeros(num_vertices, bool)
    single = uses.data == 1
    on_boundary[uses.row[single]] = True
    kept = single | ~on_boundary[uses.row]
    graph = sparse.coo_matrix(
        (np.ones(np.count_nonzero(kept)), (uses.row[kept], uses.col[kept])),
        shape=(num_vertices, num_vertices),
    ).tocsr()
    degree = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1.0)
    return sparse.eye(num_vertices) - sparse.diags(1.0 / degree) @ graph
