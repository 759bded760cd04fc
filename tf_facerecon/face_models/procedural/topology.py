"""The mesh of the procedural face: a lattice over the face domain with a slit for the mouth.

Rows follow the jaw, the lips' seam and the hairline; rows and columns are denser round eyes, nose
and mouth. Between the corners of the mouth the lattice is cut along the seam and a sheet (inner
lips, teeth, cavity) joins the two edges behind it, so the surface stays one manifold piece.
"""

import dataclasses

import numpy as np

from tf_facerecon.face_models.procedural import anchors, mean_face

MIN_VERTICES = 4_000
_ROWS_PER_COLUMN = 0.92
_SHEET_ROWS = len(mean_face.MOUTH_SHEET)
_BOTTOM, _JAW, _SEAM, _TOP = -1.08, -0.825, -0.3585, 1.0

# Arc positions and heights of the rows named above, away from the middle of the face.
_KNOT_S = np.array([0.0, 0.27, 0.55, 0.88, 1.15, 1.42])
_JAW_T = np.array([-0.825, -0.786, -0.719, -0.637, -0.50, -0.38])
_BOTTOM_T = np.array([-1.08, -1.05, -0.98, -0.86, -0.71, -0.54])
_TOP_T = np.array([1.00, 0.985, 0.94, 0.90, 0.86, 0.76])


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


def _spaced(start: float, stop: float, count: int, density) -> np.ndarray:
    """`count + 1` increasing values from `start` to `stop`, spaced inversely to `density`."""
    fine = np.linspace(start, stop, 4001)
    weight = density(0.5 * (fine[1:] + fine[:-1]))
    mass = np.concatenate([[0.0], np.cumsum(weight)])
    values = np.interp(np.linspace(0.0, mass[-1], count + 1), mass, fine)
    values[0], values[-1] = start, stop
    return values


def _column_density(s: np.ndarray) -> np.ndarray:
    return 1.0 + 1.6 / (1.0 + np.exp((np.abs(s) - 0.50) / 0.05))


def _row_density(t: np.ndarray) -> np.ndarray:
    def bump(centre, half_width):
        return 1.0 / (1.0 + (np.abs(t - centre) / half_width) ** 4)

    return (
        1.0
        + 2.6 * bump(-0.36, 0.10)
        + 3.4 * bump(0.30, 0.06)
        + 1.0 * bump(-0.11, 0.09)
        + 1.0 * bump(0.50, 0.07)
    )


def _integral(density, start: float, stop: float) -> float:
    fine = np.linspace(start, stop, 2001)
    return float(np.mean(density(fine)) * (stop - start))


def _row_heights(s: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Height of row `level` (its height in the middle of the face) at arc `s`; broadcasts."""
    from scipy import interpolate

    def knots(values):
        return interpolate.PchipInterpolator(_KNOT_S, values)(np.abs(s))

    bottom, jaw, top = knots(_BOTTOM_T), knots(_JAW_T), knots(_TOP_T)
    # Beyond the mouth the seam's row swings up to stay between jaw and cheekbone.
    rise = np.clip((np.abs(s) - 0.35) / 1.07, 0.0, 1.0)
    seam = mean_face.seam_height(s) + 0.16 * rise**2 * (3 - 2 * rise)
    eye = 0.30 + 0.0 * s
    heights = np.stack(np.broadcast_arrays(bottom, jaw, seam, eye, top))
    levels = np.array([_BOTTOM, _JAW, _SEAM, 0.30, _TOP])
    index = np.clip(np.searchsorted(levels, level, side="right") - 1, 0, 3)
    fraction = (level - levels[index]) / (levels[index + 1] - levels[index])
    picked = np.broadcast_to(index, heights.shape[1:])[None]
    below = np.take_along_axis(heights, picked, axis=0)[0]
    above = np.take_along_axis(heights, picked + 1, axis=0)[0]
    return below + fraction * (above - below)


def _lattice_size(num_vertices: int) -> tuple[int, int, int, int]:
    """Counts `(columns inside half the mouth, columns beyond, rows below seam, rows above)`."""
    inner_mass = _integral(_column_density, 0.0, mean_face.MOUTH_CORNER)
    outer_mass = _integral(_column_density, mean_face.MOUTH_CORNER, anchors.HALF_WIDTH)
    below_mass = _integral(_row_density, _BOTTOM, _SEAM)
    above_mass = _integral(_row_density, _SEAM, _TOP)

    def counts(columns):
        inner = max(4, round(columns / 2 * inner_mass / (inner_mass + outer_mass)))
        outer = round(columns / 2 - inner)
        rows = columns * _ROWS_PER_COLUMN
        below = round(rows * below_mass / (below_mass + above_mass))
        return inner, outer, below, round(rows - below)

    def total(columns):
        inner, outer, below, above = counts(columns)
        lattice = (2 * (inner + outer) + 1) * (below + above + 1)
        return lattice + (2 * inner - 1) * (_SHEET_ROWS + 1)

    columns = min(range(40, 4000), key=lambda c: abs(total(c) - num_vertices))
    return counts(columns)


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


def _snapped_lattice(s: np.ndarray, t: np.ndarray, seam_row: int, corners):
    """Bends the lattice so that every landmark falls on a node.

    Args:
        s: `[C]` arc of the columns.
        t: `[R, C]` heights, row 0 on top.
        seam_row: Row of the mouth's seam.
        corners: Columns of the corners of the mouth.

    Returns:
        `s [R, C]`, `t [R, C]` and the landmarks' nodes `[68, 2]`.
    """
    from scipy import interpolate, ndimage

    points = anchors.domain_coordinates(anchors.landmark_template())
    column = np.interp(points[:, 0], s, np.arange(s.size))
    heights = interpolate.interp1d(s, t, axis=1)(points[:, 0])
    row = np.array(
        [
            np.interp(-height, -heights[:, k], np.arange(t.shape[0]))
            for k, height in enumerate(points[:, 1])
        ]
    )
    nodes = _landmark_nodes(row, column, seam_row, corners)
    shift = np.stack([row, column], axis=-1) - nodes
    spread = 1.5

    def kernel(a, b):
        squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(-1)
        return np.exp(-0.5 * squared / spread**2)

    weights = np.linalg.solve(kernel(nodes, nodes), shift)
    grid = np.stack(np.meshgrid(*map(np.arange, t.shape), indexing="ij"), axis=-1).reshape(-1, 2)
    moved = (grid + kernel(grid, nodes) @ weights).T
    fields = np.broadcast_to(s, t.shape), t
    bent = [
        ndimage.map_coordinates(field, moved, order=1, mode="nearest").reshape(t.shape)
        for field in fields
    ]
    return bent[0], bent[1], nodes


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
        ValueError: If `num_vertices` is too small to hold the landmarks of the mouth.
    """
    if num_vertices < MIN_VERTICES:
        raise ValueError(f"num_vertices must be at least {MIN_VERTICES}, got {num_vertices}")
    inner, outer, below, above = _lattice_size(num_vertices)
    inner_s = _spaced(0.0, mean_face.MOUTH_CORNER, inner, _column_density)
    outer_s = _spaced(mean_face.MOUTH_CORNER, anchors.HALF_WIDTH, outer, _column_density)
    half = np.concatenate([inner_s, outer_s[1:]])
    columns = np.concatenate([-half[:0:-1], half])
    below_t = _spaced(_BOTTOM, _SEAM, below, _row_density)
    above_t = _spaced(_SEAM, _TOP, above, _row_density)
    levels = np.concatenate([below_t, above_t[1:]])[::-1]
    seam_row = above
    heights = np.stack([_row_heights(columns, level) for level in levels])
    corners = (outer, outer + 2 * inner)
    s, t, nodes = _snapped_lattice(columns, heights, seam_row, corners)
    return _join(s, t, nodes, seam_row, corners, levels, columns)


def _join(s, t, nodes, seam_row, corners, levels, columns) -> FaceLattice:
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
    width, bottom, height = 2 * anchors.HALF_WIDTH, _BOTTOM, _TOP - _BOTTOM
    uv = np.stack([flat_s / width + 0.5, (opened - bottom) / height], axis=-1)
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
