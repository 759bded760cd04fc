"""The mesh of the procedural face: a lattice over the face domain with a slit for the mouth.

Between the corners of the mouth the lattice is cut along the lips' seam, and a sheet (inner lips,
teeth, cavity) joins the two edges behind it, so the surface stays one manifold piece.
"""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.albedo import face_domain
from tf_facerecon.morphable_models.procedural import anchor_points, grid_spacing, mean_face

MIN_VERTICES = 4_000
MAX_VERTICES = 400_000  # Beyond, the bases fill the memory of a common machine.
_SHEET_ROWS = grid_spacing.SHEET_ROWS
# How far, in nodes, a landmark pulls the lattice along.
_SNAP_REACH = 1.5


@dataclasses.dataclass(frozen=True)
class FaceLattice:
    """Vertices of the face domain and how they are joined.

    Attributes:
        s: `[V]` arc coordinate.
        t: `[V]` height coordinate; for the sheet in the mouth that of the seam.
        seam_side: `[V]` +1 above, -1 below the mouth's seam (between its corners), else 0.
        sheet_row: `[V]` row of the mouth sheet, -1 for the outer face.
        upper_edge: `[V]` for the mouth sheet, the upper lip vertex it hangs on; else own index.
        lower_edge: `[V]` the same for the lower lip.
        triangles: `[T, 3]` int32.
        landmarks: `[68]` int32.
        uv: `[V, 2]` texture coordinates in [0, 1].
    """

    s: np.ndarray
    t: np.ndarray
    seam_side: np.ndarray
    sheet_row: np.ndarray
    upper_edge: np.ndarray
    lower_edge: np.ndarray
    triangles: np.ndarray
    landmarks: np.ndarray
    uv: np.ndarray


def _landmark_nodes(row: np.ndarray, column: np.ndarray, seam_row: int, corners) -> np.ndarray:
    """Chooses a lattice node `(row, column)` for each landmark's fractional lattice position."""
    nodes = np.stack([np.rint(row), np.rint(column)], axis=-1).astype(int)
    nodes[60], nodes[64] = (seam_row, corners[0]), (seam_row, corners[1])
    for outer, inner, step in ((48, 60, -1), (54, 64, 1)):
        if nodes[outer, 1] * step <= nodes[inner, 1] * step:
            nodes[outer] = seam_row, nodes[inner, 1] + step
    upper, lower = [61, 62, 63], [65, 66, 67]
    nodes[upper, 0] = np.minimum(nodes[upper, 0], seam_row - 1)
    nodes[lower, 0] = np.maximum(nodes[lower, 0], seam_row + 1)
    return nodes


@dataclasses.dataclass(frozen=True)
class _SnappedLattice:
    """Lattice `s`, `t` `[R, C]` whose `nodes [68, 2]` (row, column) are the landmarks."""

    s: np.ndarray
    t: np.ndarray
    nodes: np.ndarray
    spacing: grid_spacing.LatticeSpacing


def _snap(spacing: grid_spacing.LatticeSpacing) -> _SnappedLattice:
    """Bends the lattice smoothly so that every landmark falls on a node."""
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
    nodes = _landmark_nodes(row, column, spacing.seam_row, spacing.corners)
    shift = np.stack([row, column], axis=-1) - nodes

    def kernel(a, b):
        squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(-1)
        return np.exp(-0.5 * squared / _SNAP_REACH**2)

    weights = np.linalg.solve(kernel(nodes, nodes), shift)
    grid = np.stack(np.meshgrid(*map(np.arange, t.shape), indexing="ij"), axis=-1).reshape(-1, 2)
    moved = (grid + kernel(grid, nodes) @ weights).T
    bent_s, bent_t = (
        ndimage.map_coordinates(field, moved, order=1, mode="nearest").reshape(t.shape)
        for field in (np.broadcast_to(s, t.shape), t)
    )
    return _SnappedLattice(bent_s, bent_t, nodes, spacing)


def _quads(index: np.ndarray) -> np.ndarray:
    """Two counter-clockwise triangles for each cell of `index [R, C]` (row 0 on top)."""
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    left = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2)
    right = np.stack([np.stack([a, b, d], -1), np.stack([b, c, d], -1)], axis=2)
    # Diagonals lean outward on both halves, so that the mesh is mirror-symmetric too.
    middle = index.shape[1] // 2
    return np.concatenate([left[:, :middle], right[:, middle:]], axis=1).reshape(-1, 3)


def build_lattice(num_vertices: int = 10_000) -> FaceLattice:
    """Builds the mesh of the face domain.

    Args:
        num_vertices: Wanted number of vertices; the lattice nearest to it is built (within 3 %).

    Returns:
        The lattice.

    Raises:
        ValueError: If `num_vertices` is too small to hold the landmarks of the mouth, or too large
            for the memory of common machines.
    """
    if num_vertices > MAX_VERTICES:
        raise ValueError(f"num_vertices must be at most {MAX_VERTICES}, got {num_vertices}")
    if num_vertices < MIN_VERTICES:
        raise ValueError(f"num_vertices must be at least {MIN_VERTICES}, got {num_vertices}")
    return _join(_snap(grid_spacing.space_lattice(num_vertices)))


def _join(snapped: _SnappedLattice) -> FaceLattice:
    """Cuts the mouth, hangs the sheet into it and numbers vertices and triangles."""
    s, t, nodes = snapped.s, snapped.t, snapped.nodes
    seam_row, corners = snapped.spacing.seam_row, snapped.spacing.corners
    rows, cols = s.shape
    index = np.arange(rows * cols).reshape(rows, cols)
    slit = np.arange(corners[0] + 1, corners[1])
    count = rows * cols
    lower_seam = index[seam_row].copy()
    lower_seam[slit] = count + np.arange(slit.size)
    count += slit.size
    sheet = np.tile(index[seam_row, corners[0] : corners[1] + 1], (_SHEET_ROWS + 2, 1))
    sheet[1:-1, 1:-1] = count + np.arange(_SHEET_ROWS * slit.size).reshape(_SHEET_ROWS, -1)
    sheet[-1] = lower_seam[corners[0] : corners[1] + 1]
    total = count + _SHEET_ROWS * slit.size

    lower_part = np.concatenate([lower_seam[None], index[seam_row + 1 :]])
    triangles = np.concatenate([_quads(index[: seam_row + 1]), _quads(lower_part), _quads(sheet)])
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]

    upper_edge, lower_edge = np.arange(total), np.arange(total)
    upper_edge[sheet[1:-1, 1:-1]] = index[seam_row, slit]
    lower_edge[sheet[1:-1, 1:-1]] = lower_seam[slit]
    on_lattice = np.arange(total)
    on_lattice[lower_seam[slit]] = index[seam_row, slit]
    on_lattice[sheet[1:-1, 1:-1]] = index[seam_row, slit]
    sheet_row = np.full(total, -1)
    sheet_row[sheet[1:-1, 1:-1]] = np.arange(_SHEET_ROWS)[:, None]

    grid_side = np.zeros((rows, cols))
    grid_side[: seam_row + 1, slit] = 1.0
    grid_side[seam_row + 1 :, slit] = -1.0
    seam_side = grid_side.reshape(-1)[on_lattice]
    seam_side[lower_seam[slit]] = -1.0
    return FaceLattice(
        s=s.reshape(-1)[on_lattice],
        t=t.reshape(-1)[on_lattice],
        seam_side=seam_side,
        sheet_row=sheet_row,
        upper_edge=upper_edge,
        lower_edge=lower_edge,
        triangles=triangles.astype(np.int32),
        landmarks=index[nodes[:, 0], nodes[:, 1]].astype(np.int32),
        uv=_texture_coordinates(s, t, seam_side, sheet_row, on_lattice),
    )


def _texture_coordinates(s, t, seam_side, sheet_row, on_lattice) -> np.ndarray:
    """The domain itself, its mouth pulled open so that the sheet inside has room."""
    flat_s, flat_t = s.reshape(-1)[on_lattice], t.reshape(-1)[on_lattice]
    gap = 0.05 * mean_face.mouth_opening(flat_s)
    side = np.where(sheet_row >= 0, 1.0 - 2.0 * (sheet_row + 1) / (_SHEET_ROWS + 1), seam_side)
    distance = np.abs(flat_t - mean_face.seam_height(flat_s)) * (sheet_row < 0)
    opened = flat_t + side * gap * np.exp(-distance / 0.15)
    height = grid_spacing.TOP - grid_spacing.BOTTOM
    uv = [flat_s / (2 * anchor_points.HALF_WIDTH) + 0.5, (opened - grid_spacing.BOTTOM) / height]
    uv = np.stack(uv, axis=-1)
    return np.clip(0.01 + 0.98 * uv, 0.0, 1.0).astype(np.float32)


def vertex_positions(lattice: FaceLattice, surface: np.ndarray) -> np.ndarray:
    """Hangs the mouth's sheet behind the lips.

    Args:
        lattice: The mesh.
        surface: `[V, 3]` the mean face at the vertices' domain coordinates.

    Returns:
        `[V, 3]` float64 mean positions, decimetres.
    """
    positions = surface.copy()
    inside = lattice.sheet_row >= 0
    offsets = mean_face.MOUTH_SHEET[lattice.sheet_row[inside]]
    positions[inside, 1:] += offsets[:, :2] * mean_face.mouth_opening(lattice.s[inside])[:, None]
    return positions
