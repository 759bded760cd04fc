"""Lines across the cheeks on which the visible contour of a turned face meets the jaw landmarks.

2D labels place landmarks 0-16 on the visible contour of the face, where the vertices that lie there
in a frontal view do not stay when the head turns. As in landmark marching (Zhu et al. 2015,
"High-fidelity pose and expression normalization for face recognition in the wild", section 3.1),
each of them may move along a line on the face. The line is the cross-section of the mean face with
a plane through the landmark that holds the viewing direction and the normal of the frontal contour
there. It runs from the landmark inwards to where the cheek comes nearest to the camera, because
what lies beyond is on its contour only when the back of the head is seen, and at most to the eye,
the nose or the mouth, which are no part of the jaw even where they hide it.
"""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.morphable_model import MorphableModel

NUM_JAW_LANDMARKS = 17
# Outer corner of the eye, wing of the nose, corner of the mouth and middle of the lower lip.
_CHEEK_ENDS = ((36, 31, 48, 57), (45, 35, 54, 57))
_LOOK_AHEAD = 0.1  # Decimetres along the line: shorter dips do not end it.


@dataclasses.dataclass(frozen=True, eq=False)
class JawLines:
    """For each of the 17 jaw landmarks K candidate points on edges of the mesh, from it inwards.

    Shorter lines are filled up with the landmark itself, which is always candidate 0.

    Attributes:
        vertices: `[17, K, 2]` int32, the two ends of each point's edge.
        weights: `[17, K, 2]` float32, their barycentric weights: at least 0, sum 1.
        outward: `[17, 2]` float32, unit normals (x, y) of the frontal contour, out of the face.
    """

    vertices: np.ndarray
    weights: np.ndarray
    outward: np.ndarray

    def points(self, vertices: np.ndarray) -> np.ndarray:
        """Candidates `[17, K, 3]` of a face `[V, 3]`."""
        return np.sum(vertices[self.vertices] * self.weights[..., None], axis=2)


def jaw_lines(face_model: MorphableModel) -> JawLines:
    """Finds the lines on the mean face; with a `mirror_index` those of both sides are mirrored.

    Raises:
        ValueError: If jaw landmarks coincide in the frontal view, so that they form no contour.
    """
    points = face_model.mean_shape.astype(np.float64)
    landmarks = face_model.landmarks[:NUM_JAW_LANDMARKS]
    outward = _contour_normals(points[landmarks, :2], face_model.name)
    on_cheek = _is_outside_features(points, face_model.landmarks)
    lines = [
        _line(points, face_model.triangles, landmark, normal, on_cheek)
        for landmark, normal in zip(landmarks, outward, strict=True)
    ]
    mirror = face_model.mirror_index
    for number in range(NUM_JAW_LANDMARKS // 2 + 1, NUM_JAW_LANDMARKS):
        other = NUM_JAW_LANDMARKS - 1 - number
        if mirror is not None and mirror[landmarks[other]] == landmarks[number]:
            ends, weights = lines[other]
            lines[number] = mirror[ends], weights
            outward[number] = outward[other] * [-1, 1]
    longest = max(len(ends) for ends, _ in lines)
    vertices = np.broadcast_to(landmarks[:, None, None], (len(lines), longest, 2)).copy()
    shares = np.broadcast_to(np.float32([1, 0]), vertices.shape).copy()
    for number, (ends, weights) in enumerate(lines):
        vertices[number, : len(ends)] = ends
        shares[number, : len(ends)] = weights
    return JawLines(vertices.astype(np.int32), shares, outward.astype(np.float32))


def _contour_normals(contour: np.ndarray, name: str) -> np.ndarray:
    """Unit normals `[17, 2]` of a polyline that runs from the left over the chin to the right."""
    along = np.concatenate([contour[1:2], contour[2:], contour[-1:]]) - np.concatenate(
        [contour[:1], contour[:-2], contour[-2:-1]]
    )
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    if not np.all(length > 0):
        raise ValueError(
            f"Jaw landmarks of face model {name!r} must be 17 different points to form a contour. "
            f"Received: neighbours of landmark {int(np.argmin(length))} coincide."
        )
    return along[:, ::-1] / length * [1, -1]


def _is_outside_features(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Whether each vertex lies beside eyes, nose and mouth, or below them, bool `[V]`."""
    x, y, _ = points.T
    is_outside = np.zeros(len(points), bool)
    for sign, numbers in zip((-1, 1), _CHEEK_ENDS, strict=True):
        ends = points[landmarks[list(numbers)]]
        ends = ends[np.argsort(ends[:, 1])]
        is_outside |= sign * x > np.interp(y, ends[:, 1], sign * ends[:, 0])
        is_outside |= y < ends[0, 1]
    return is_outside


def _line(points, triangles, landmark, outward, allowed) -> tuple[np.ndarray, np.ndarray]:
    """Ends `[N, 2]` and weights `[N, 2]` of one line, the landmark first."""
    side = (points[:, :2] - points[landmark, :2]) @ (outward[::-1] * [1, -1])
    chains = _section_chains(triangles[allowed[triangles].all(axis=1)], side >= 0, landmark)
    start = [(landmark, landmark)]
    # Of the two ways from the landmark, one leads to the front of the face and one to its back.
    lines = [_climb(points, side, np.array(start + chain)) for chain in chains]
    return max(lines, key=lambda line: _interpolate(points, *line)[-1, 2])


def _section_chains(triangles, above, landmark) -> list[list[tuple[int, int]]]:
    """Edges that the plane cuts, in order, both ways from the landmark."""
    cut = triangles[above[triangles].any(axis=1) & ~above[triangles].all(axis=1)]
    neighbours: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for triangle in cut.tolist():
        edges = [
            (min(ends), max(ends))
            for ends in zip(triangle, triangle[1:] + triangle[:1], strict=True)
            if above[ends[0]] != above[ends[1]]
        ]
        for edge, other in (edges, edges[::-1]):
            neighbours.setdefault(edge, []).append(other)
    starts = [edge for edge in neighbours if landmark in edge]
    if not starts:
        return [[]]
    chains = []
    for first in neighbours[starts[0]]:
        chain, edge, seen = [], first, {starts[0]}
        while edge is not None:
            chain.append(edge)
            seen.add(edge)
            edge = next((other for other in neighbours[edge] if other not in seen), None)
        chains.append(chain)
    return chains


def _climb(points, side, edges) -> tuple[np.ndarray, np.ndarray]:
    """The part of a chain of edges up to where z stops growing, without repeated points."""
    first, second = side[edges].T
    same = first == second
    share = np.where(same, 0.0, first / np.where(same, 1.0, first - second))
    weights = np.stack([1 - share, share], axis=-1)
    chain = _interpolate(points, edges, weights)
    steps = np.linalg.norm(np.diff(chain, axis=0), axis=-1)
    is_new = np.concatenate([[True], steps > 1e-6])
    edges, weights, chain = edges[is_new], weights[is_new], chain[is_new]
    way = np.concatenate([[0], np.cumsum(steps)])[is_new]
    height, end = chain[:, 2], 0
    while end + 1 < len(chain):
        reach = max(way[end] + _LOOK_AHEAD, way[end + 1])
        ahead = np.flatnonzero((way > way[end]) & (way <= reach))
        higher = ahead[height[ahead] > height[end]]
        if not len(higher):
            break
        end = int(higher[0])
    return edges[: end + 1], weights[: end + 1]


def _interpolate(points, edges, weights) -> np.ndarray:
    return np.sum(points[edges] * weights[..., None], axis=1)
