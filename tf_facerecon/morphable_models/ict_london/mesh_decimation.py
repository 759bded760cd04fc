"""Fewer vertices: a symmetric mesh loses those that say least about its surface.

Vertices are merged into neighbours, never moved: what remains is a subset of the mesh, and every
mode of a face model carries over as it is. Both halves lose the same vertices.

Source: half-edge collapses by quadric error, Garland and Heckbert 1997.
"""

import heapq

import numpy as np

# A merge must not turn a triangle by more than the angle of this cosine.
_LEAST_COSINE = 0.3
# How much planes through boundary edges count against those of triangles.
_BOUNDARY_WEIGHT = 4.0
# Share of the squared length of an edge in its cost: flat places lose short edges first.
_LENGTH_WEIGHT = 1e-3


def decimate(
    vertices: np.ndarray,
    triangles: np.ndarray,
    mirror: np.ndarray,
    removable: np.ndarray,
    count: int,
) -> np.ndarray:
    """Merges removable vertices into neighbours until `count` are gone, or no more can go.

    Args:
        vertices: `[V, 3]`, any unit, symmetric under x to -x.
        triangles: `[T, 3]`, symmetric; no edge has more than two.
        mirror: `[V]` vertex that is the mirror image of each.
        removable: `[V]` boolean, symmetric: which vertices may go.
        count: How many vertices to remove.

    Returns:
        `[T', 3]` triangles of what remains, with the old numbers of vertices.

    Raises:
        ValueError: If an edge has more than two triangles.
    """
    reduction = _Reduction(vertices, triangles, mirror, removable)
    while count > 0:
        removed = reduction.step()
        if not removed:
            break
        count -= removed
    return reduction.remaining()


class _Reduction:
    """State of a reduction: triangles round each vertex, quadrics, and a heap of merges."""

    def __init__(self, vertices, triangles, mirror, removable):
        self._points = np.asarray(vertices, np.float64)
        self._mirror = mirror.tolist()
        self._corners = [tuple(row) for row in np.asarray(triangles).tolist()]
        self._alive = [True] * len(self._corners)
        self._around = [set() for _ in self._points]
        for number, corners in enumerate(self._corners):
            for vertex in corners:
                self._around[vertex].add(number)
        self._boundary = np.zeros(len(self._points), bool)
        self._quadrics = self._initial_quadrics(np.asarray(triangles))
        self._stamp = [0] * len(self._points)
        self._removable = removable
        self._heap: list[tuple[float, int, int, int]] = []
        for vertex in np.flatnonzero(removable).tolist():
            self._offer(vertex)

    def remaining(self) -> np.ndarray:
        kept = [row for row, alive in zip(self._corners, self._alive, strict=True) if alive]
        return np.array(kept, np.int32).reshape(-1, 3)

    def step(self) -> int:
        """Makes the cheapest merge and its mirror image; returns how many vertices went."""
        while self._heap:
            _, vertex, target, stamp = heapq.heappop(self._heap)
            if stamp != self._stamp[vertex] or not self._around[vertex]:
                continue
            twin, twin_target = self._mirror[vertex], self._mirror[target]
            pairs = [(vertex, target)]
            if twin != vertex:
                pairs.append((twin, twin_target))
            if not all(self._allowed(*pair) for pair in pairs):
                continue
            for pair in pairs:
                self._merge(*pair)
            for _, end in pairs:
                for neighbour in (end, *self._neighbours(end)):
                    self._offer(neighbour)
            return len(pairs)
        return 0

    def _initial_quadrics(self, triangles):
        a, b, c = np.moveaxis(self._points[triangles], 1, 0)
        normal = np.cross(b - a, c - a)
        area = np.linalg.norm(normal, axis=1, keepdims=True)
        unit = normal / np.maximum(area, 1e-30)
        quadrics = np.zeros((len(self._points), 4, 4))
        planes = _planes(unit, a) * area[:, :, None]
        for k in range(3):
            np.add.at(quadrics, triangles[:, k], planes)
        edges = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
        _, inverse, uses = np.unique(
            np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True
        )
        if uses.max() > 2:
            raise ValueError("`triangles` must not share an edge by three or more.")
        rim = uses[inverse.ravel()] == 1
        first, second = self._points[edges[rim, 0]], self._points[edges[rim, 1]]
        across = np.cross(second - first, np.tile(unit, (3, 1))[rim])
        length = np.linalg.norm(across, axis=1, keepdims=True)
        walls = _planes(across / np.maximum(length, 1e-30), first)
        walls *= _BOUNDARY_WEIGHT * length[:, :, None] ** 2
        for k in range(2):
            np.add.at(quadrics, edges[rim, k], walls)
            self._boundary[edges[rim, k]] = True
        return quadrics

    def _neighbours(self, vertex) -> list[int]:
        found = {corner for number in self._around[vertex] for corner in self._corners[number]}
        return sorted(found - {vertex})

    def _offer(self, vertex) -> None:
        """Puts the cheapest merges of a vertex on the heap, in place of older ones."""
        self._stamp[vertex] += 1
        if not self._removable[vertex] or not self._around[vertex]:
            return
        own = self._mirror[vertex] == vertex
        for target in self._neighbours(vertex):
            if own != (self._mirror[target] == target) and own:
                continue
            cost = self._cost(vertex, target)
            heapq.heappush(self._heap, (cost, vertex, target, self._stamp[vertex]))

    def _cost(self, vertex, target) -> float:
        quadric = self._quadrics[vertex] + self._quadrics[target]
        point = np.append(self._points[target], 1.0)
        step = self._points[vertex] - self._points[target]
        weight = _LENGTH_WEIGHT * (step @ step) * quadric[:3, :3].trace()
        return round(float(point @ quadric @ point + weight), 12)

    def _allowed(self, vertex, target) -> bool:
        shared = self._around[vertex] & self._around[target]
        if not shared or self._mirror[vertex] == target:
            return False
        if self._mirror[vertex] != vertex:
            twin = self._mirror[vertex]
            if self._around[vertex] & self._around[twin] or self._mirror[target] == target:
                return False
        if self._boundary[vertex] and (not self._boundary[target] or len(shared) != 1):
            return False
        if not self._boundary[vertex] and len(shared) != 2:
            return False
        common = set(self._neighbours(vertex)) & set(self._neighbours(target))
        if len(common) != len(shared):
            return False
        return all(
            self._keeps_side(number, vertex, target) for number in self._around[vertex] - shared
        )

    def _keeps_side(self, number, vertex, target) -> bool:
        before = self._points[list(self._corners[number])]
        moved = [target if corner == vertex else corner for corner in self._corners[number]]
        after = self._points[moved]
        old = np.cross(before[1] - before[0], before[2] - before[0])
        new = np.cross(after[1] - after[0], after[2] - after[0])
        return old @ new > _LEAST_COSINE * np.linalg.norm(old) * np.linalg.norm(new) > 0

    def _merge(self, vertex, target) -> None:
        for number in sorted(self._around[vertex]):
            corners = self._corners[number]
            for corner in corners:
                self._around[corner].discard(number)
            if target in corners:
                self._alive[number] = False
                continue
            moved = tuple(target if corner == vertex else corner for corner in corners)
            self._corners[number] = moved
            for corner in moved:
                self._around[corner].add(number)
        self._around[vertex] = set()
        self._quadrics[target] += self._quadrics[vertex]


def _planes(normals, points):
    """Quadrics `[N, 4, 4]` of planes with unit normals through points."""
    plane = np.concatenate([normals, -np.sum(normals * points, axis=1, keepdims=True)], axis=1)
    return plane[:, :, None] * plane[:, None, :]
