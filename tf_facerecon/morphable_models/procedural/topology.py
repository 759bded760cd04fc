"""The mesh of the procedural face: a grid over the face domain with a mouth interior.

Between the corners of the mouth the grid is cut along the lip line, and a mouth interior (inner
lips, teeth, oral cavity) connects the two boundaries, so the surface is one connected manifold.
"""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.parameterization import face_domain
from tf_facerecon.morphable_models.procedural import anchor_points, grid_spacing, mean_face

MIN_VERTICES = 4_000
MAX_VERTICES = 400_000  # The bases of larger models exceed the memory of common machines.
_MOUTH_ROWS = grid_spacing.MOUTH_ROWS
# Width of the kernel that warps the grid to the landmarks, in grid nodes.
_SNAP_WIDTH = 1.5


@dataclasses.dataclass(frozen=True)
class FaceMesh:
    """Triangle mesh over the face domain.

    Attributes:
        s: `[V]` arc coordinate.
        t: `[V]` height coordinate; in the mouth interior that of the lip line.
        lip_side: `[V]` +1 above, -1 below the lip line between the mouth corners, else 0.
        mouth_row: `[V]` row of the mouth interior, -1 for the outer face.
        upper_edge: `[V]` in the mouth interior, the upper-lip vertex of the same column; else the
            vertex itself.
        lower_edge: `[V]` the same for the lower lip.
        triangles: `[T, 3]` int32.
        landmarks: `[68]` int32.
        uv: `[V, 2]` texture coordinates in [0, 1].
    """

    s: np.ndarray
    t: np.ndarray
    lip_side: np.ndarray
    mouth_row: np.ndarray
    upper_edge: np.ndarray
    lower_edge: np.ndarray
    triangles: np.ndarray
    landmarks: np.ndarray
    uv: np.ndarray


def _landmark_nodes(row: np.ndarray, column: np.ndarray, lip_row: int, corners) -> np.ndarray:
    """Assigns a grid node `(row, column)` to each landmark from its fractional grid position."""
    nodes = np.stack([np.rint(row), np.rint(column)], axis=-1).astype(int)
    nodes[60], nodes[64] = (lip_row, corners[0]), (lip_row, corners[1])
    for outer, inner, step in ((48, 60, -1), (54, 64, 1)):
        if nodes[outer, 1] * step <= nodes[inner, 1] * step:
            nodes[outer] = lip_row, nodes[inner, 1] + step
    upper, lower = [61, 62, 63], [65, 66, 67]
    nodes[upper, 0] = np.minimum(nodes[upper, 0], lip_row - 1)
    nodes[lower, 0] = np.maximum(nodes[lower, 0], lip_row + 1)
    return nodes


@dataclasses.dataclass(frozen=True)
class _SnappedGrid:
    """Grid `s`, `t` `[R, C]` whose `nodes [68, 2]` (row, column) are the landmarks."""

    s: np.ndarray
    t: np.ndarray
    nodes: np.ndarray
    spacing: grid_spacing.GridSpacing


def _snap(spacing: grid_spacing.GridSpacing) -> _SnappedGrid:
    """Warps the grid smoothly so that every landmark falls on a node."""
    from scipy import interpolate, ndimage

    s, t = spacing.s, spacing.t
    points = face_domain.domain_coordinates(face_domain.landmark_template())
    column = np.interp(points[:, 0], s, np.arange(s.size))
    heights = interpolate.interp1d(s, t, axis=1)(points[:, 0])
    row = np.array(
        [
            np.interp(-height, -heights[:, k], np.arange(t.shape[0]))
            for k, height in enumerate(points[:, 1])
        ]
    )
    nodes = _landmark_nodes(row, column, spacing.lip_row, spacing.corners)
    shift = np.stack([row, column], axis=-1) - nodes

    def kernel(a, b):
        squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(-1)
        return np.exp(-0.5 * squared / _SNAP_WIDTH**2)

    weights = np.linalg.solve(kernel(nodes, nodes), shift)
    grid = np.stack(np.meshgrid(*map(np.arange, t.shape), indexing="ij"), axis=-1).reshape(-1, 2)
    moved = (grid + kernel(grid, nodes) @ weights).T
    bent_s, bent_t = (
        ndimage.map_coordinates(field, moved, order=1, mode="nearest").reshape(t.shape)
        for field in (np.broadcast_to(s, t.shape), t)
    )
    return _SnappedGrid(bent_s, bent_t, nodes, spacing)


def _quads(index: np.ndarray) -> np.ndarray:
    """Two counter-clockwise triangles for each cell of `index [R, C]` (row 0 at the top)."""
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    left = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2)
    right = np.stack([np.stack([a, b, d], -1), np.stack([b, c, d], -1)], axis=2)
    # Diagonals point outward on both halves, so that the triangulation is mirror-symmetric.
    middle = index.shape[1] // 2
    return np.concatenate([left[:, :middle], right[:, middle:]], axis=1).reshape(-1, 3)


def build_mesh(num_vertices: int = 10_000) -> FaceMesh:
    """Builds the mesh over the face domain.

    Args:
        num_vertices: Desired number of vertices; the nearest possible mesh is built (within 3 %).

    Returns:
        The mesh.

    Raises:
        ValueError: If `num_vertices` is too small to resolve the landmarks of the mouth, or too
            large for the memory of common machines.
    """
    if num_vertices > MAX_VERTICES:
        raise ValueError(f"num_vertices must be at most {MAX_VERTICES}, got {num_vertices}")
    if num_vertices < MIN_VERTICES:
        raise ValueError(f"num_vertices must be at least {MIN_VERTICES}, got {num_vertices}")
    return _join(_snap(grid_spacing.compute_spacing(num_vertices)))


def _join(snapped: _SnappedGrid) -> FaceMesh:
    """Cuts the grid at the lip line, adds the mouth interior and triangulates."""
    s, t, nodes = snapped.s, snapped.t, snapped.nodes
    lip_row, corners = snapped.spacing.lip_row, snapped.spacing.corners
    rows, cols = s.shape
    index = np.arange(rows * cols).reshape(rows, cols)
    lip_columns = np.arange(corners[0] + 1, corners[1])
    count = rows * cols
    lower_lip_line = index[lip_row].copy()
    lower_lip_line[lip_columns] = count + np.arange(lip_columns.size)
    count += lip_columns.size
    mouth = np.tile(index[lip_row, corners[0] : corners[1] + 1], (_MOUTH_ROWS + 2, 1))
    mouth[1:-1, 1:-1] = count + np.arange(_MOUTH_ROWS * lip_columns.size).reshape(_MOUTH_ROWS, -1)
    mouth[-1] = lower_lip_line[corners[0] : corners[1] + 1]
    total = count + _MOUTH_ROWS * lip_columns.size

    lower_part = np.concatenate([lower_lip_line[None], index[lip_row + 1 :]])
    triangles = np.concatenate([_quads(index[: lip_row + 1]), _quads(lower_part), _quads(mouth)])
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]

    upper_edge, lower_edge = np.arange(total), np.arange(total)
    upper_edge[mouth[1:-1, 1:-1]] = index[lip_row, lip_columns]
    lower_edge[mouth[1:-1, 1:-1]] = lower_lip_line[lip_columns]
    grid_node = np.arange(total)
    grid_node[lower_lip_line[lip_columns]] = index[lip_row, lip_columns]
    grid_node[mouth[1:-1, 1:-1]] = index[lip_row, lip_columns]
    mouth_row = np.full(total, -1)
    mouth_row[mouth[1:-1, 1:-1]] = np.arange(_MOUTH_ROWS)[:, None]

    grid_side = np.zeros((rows, cols))
    grid_side[: lip_row + 1, lip_columns] = 1.0
    grid_side[lip_row + 1 :, lip_columns] = -1.0
    lip_side = grid_side.reshape(-1)[grid_node]
    lip_side[lower_lip_line[lip_columns]] = -1.0
    return FaceMesh(
        s=s.reshape(-1)[grid_node],
        t=t.reshape(-1)[grid_node],
        lip_side=lip_side,
        mouth_row=mouth_row,
        upper_edge=upper_edge,
        lower_edge=lower_edge,
        triangles=triangles.astype(np.int32),
        landmarks=index[nodes[:, 0], nodes[:, 1]].astype(np.int32),
        uv=_texture_coordinates(s, t, lip_side, mouth_row, grid_node),
    )


def _texture_coordinates(s, t, lip_side, mouth_row, grid_node) -> np.ndarray:
    """The domain coordinates, with the lips pulled apart to make room for the mouth interior."""
    flat_s, flat_t = s.reshape(-1)[grid_node], t.reshape(-1)[grid_node]
    gap = 0.05 * mean_face.mouth_opening(flat_s)
    side = np.where(mouth_row >= 0, 1.0 - 2.0 * (mouth_row + 1) / (_MOUTH_ROWS + 1), lip_side)
    distance = np.abs(flat_t - mean_face.lip_line_height(flat_s)) * (mouth_row < 0)
    opened = flat_t + side * gap * np.exp(-distance / 0.15)
    height = grid_spacing.TOP - grid_spacing.BOTTOM
    uv = [flat_s / (2 * anchor_points.HALF_WIDTH) + 0.5, (opened - grid_spacing.BOTTOM) / height]
    uv = np.stack(uv, axis=-1)
    return np.clip(0.01 + 0.98 * uv, 0.0, 1.0).astype(np.float32)


def vertex_positions(mesh: FaceMesh, surface: np.ndarray) -> np.ndarray:
    """Vertex positions of the mean face, the mouth interior placed behind the lips.

    Args:
        mesh: The mesh.
        surface: `[V, 3]` the mean face at the domain coordinates of the vertices.

    Returns:
        `[V, 3]` float64 mean positions, decimetres.
    """
    positions = surface.copy()
    inside = mesh.mouth_row >= 0
    offsets = mean_face.MOUTH_INTERIOR[mesh.mouth_row[inside]]
    positions[inside, 1:] += offsets[:, :2] * mean_face.mouth_opening(mesh.s[inside])[:, None]
    return positions
