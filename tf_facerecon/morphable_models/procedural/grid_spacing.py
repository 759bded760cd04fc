"""Number and position of the rows and columns of the face grid.

Rows follow the jaw, the vermilion borders and lip line, the lid margins and the hairline, so that
sharp features lie along mesh edges; rows and columns are denser around eyes, nose and mouth.

Convention:
    The level of a row is its height `t` (dm) on the mid-line. Row 0 is at the top.
"""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import anchor_points, mean_face

_ROWS_PER_COLUMN = 0.92
BOTTOM, _LIP_LINE, TOP = -1.08, mean_face.LIP_LINE_MIDDLE, 1.0
MOUTH_ROWS = len(mean_face.MOUTH_INTERIOR)

# Arc positions and heights of the rows that follow features, away from the mid-line.
_KNOT_S = np.array([0.0, 0.27, 0.55, 0.88, 1.15, 1.42])
_JAW_T = np.array([-0.825, -0.786, -0.719, -0.637, -0.50, -0.38])
_BOTTOM_T = np.array([-1.08, -1.05, -0.98, -0.86, -0.71, -0.54])
_TOP_T = np.array([1.00, 0.985, 0.94, 0.90, 0.86, 0.76])


def _spaced(start: float, stop: float, count: int, density) -> np.ndarray:
    """`count + 1` increasing values from `start` to `stop`, spaced inversely to `density`."""
    fine = np.linspace(start, stop, 4001)
    weight = density(0.5 * (fine[1:] + fine[:-1]))
    mass = np.concatenate([[0.0], np.cumsum(weight)])
    values = np.interp(np.linspace(0.0, mass[-1], count + 1), mass, fine)
    values[0], values[-1] = start, stop
    return values


def _column_density(s: np.ndarray) -> np.ndarray:
    return 1.0 + 1.9 / (1.0 + np.exp((np.abs(s) - 0.52) / 0.04))


def _row_density(t: np.ndarray) -> np.ndarray:
    def bump(centre, half_width):
        return 1.0 / (1.0 + (np.abs(t - centre) / half_width) ** 4)

    return (
        1.0
        + 2.5 * bump(-0.36, 0.10)
        + 4.4 * bump(0.305, 0.07)
        + 2.4 * bump(-0.12, 0.055)
        + 0.8 * bump(0.48, 0.07)
    )


def _integral(density, start: float, stop: float) -> float:
    fine = np.linspace(start, stop, 2001)
    return float(np.mean(density(fine)) * (stop - start))


def _named_rows(s: np.ndarray) -> np.ndarray:
    """Heights `[8, C]` of the rows that follow features, from the bottom.

    Lower boundary, jaw, lower vermilion border, lip line, upper vermilion border, lower and upper
    lid margin, upper boundary.
    """
    from scipy import interpolate

    arc = np.abs(s)
    bottom, jaw, top = (
        interpolate.PchipInterpolator(_KNOT_S, values)(arc)
        for values in (_BOTTOM_T, _JAW_T, _TOP_T)
    )
    # Beyond the mouth the row of the lip line rises to stay between jaw and cheekbone.
    rise = np.clip((arc - 0.35) / 1.07, 0.0, 1.0)
    mouth_line = mean_face.lip_line_height(s)
    lip_line = mouth_line + 0.16 * rise**2 * (3 - 2 * rise)
    upper_lip, lower_lip = feature_masks.lip_edges(s)
    # Beside the mouth and the eyes the rows that converged there diverge again.
    aside = feature_masks.smooth_step(arc, 0.30, 0.75)
    upper_lip = lip_line + _at_least(upper_lip - mouth_line, 0.026 + 0.039 * aside)
    lower_lip = lip_line - _at_least(mouth_line - lower_lip, 0.032 + 0.060 * aside)
    upper_lid, lower_lid, along = feature_masks.lid_heights(s)
    line = 0.5 * (feature_masks.EYE_INNER[1] + feature_masks.EYE_OUTER[1])
    aside = feature_masks.smooth_step(np.abs(along), 1.1, 2.6)
    upper_lid = line + _at_least(upper_lid - line, 0.022 + 0.023 * aside)
    lower_lid = line - _at_least(line - lower_lid, 0.017 + 0.013 * aside)
    return np.stack([bottom, jaw, lower_lip, lip_line, upper_lip, lower_lid, upper_lid, top])


def _at_least(distance: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Smooth maximum of both."""
    return 0.5 * (distance + least + np.hypot(distance - least, 0.004))


def _row_heights(s: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Heights `[R, C]` of the rows of `level [R]` (descending) at the arcs `s [C]`."""
    heights = _named_rows(s)
    named = _named_rows(np.zeros(1))
    # Snap the levels of the features to the nearest rows.
    levels = level[np.abs(level - named).argmin(axis=1)]
    index = np.clip(np.searchsorted(levels, level, side="right") - 1, 0, levels.size - 2)
    fraction = ((level - levels[index]) / (levels[index + 1] - levels[index]))[:, None]
    return heights[index] + fraction * (heights[index + 1] - heights[index])


@dataclasses.dataclass(frozen=True)
class GridSpacing:
    """Rows and columns before the warp to the landmarks.

    Attributes:
        s: `[C]` arc of each column, increasing.
        t: `[R, C]` height of each node, row 0 at the top.
        lip_row: Row on which the lips meet.
        corners: Columns of the corners of the mouth.
    """

    s: np.ndarray
    t: np.ndarray
    lip_row: int
    corners: tuple[int, int]


def _counts(columns: int) -> tuple[int, int, int, int]:
    """`(columns in half the mouth, columns beyond, rows below the lip line, rows above)`."""
    inner_mass = _integral(_column_density, 0.0, mean_face.MOUTH_CORNER)
    outer_mass = _integral(_column_density, mean_face.MOUTH_CORNER, anchor_points.HALF_WIDTH)
    below_mass = _integral(_row_density, BOTTOM, _LIP_LINE)
    above_mass = _integral(_row_density, _LIP_LINE, TOP)
    inner = max(4, round(columns / 2 * inner_mass / (inner_mass + outer_mass)))
    outer = round(columns / 2 - inner)
    rows = columns * _ROWS_PER_COLUMN
    below = round(rows * below_mass / (below_mass + above_mass))
    return inner, outer, below, round(rows - below)


def _total(columns: int) -> int:
    """Number of vertices of the face with about `columns` columns, mouth interior included."""
    inner, outer, below, above = _counts(columns)
    mesh = (2 * (inner + outer) + 1) * (below + above + 1)
    return mesh + (2 * inner - 1) * (MOUTH_ROWS + 1)


def compute_spacing(num_vertices: int) -> GridSpacing:
    """Rows and columns of the grid whose number of vertices is nearest to `num_vertices`."""
    guess = round(np.sqrt(num_vertices / _ROWS_PER_COLUMN))
    candidates = range(guess // 2, guess + 10)
    columns = min(candidates, key=lambda count: abs(_total(count) - num_vertices))
    inner, outer, below, above = _counts(columns)
    inner_s = _spaced(0.0, mean_face.MOUTH_CORNER, inner, _column_density)
    outer_s = _spaced(mean_face.MOUTH_CORNER, anchor_points.HALF_WIDTH, outer, _column_density)
    half = np.concatenate([inner_s, outer_s[1:]])
    s = np.concatenate([-half[:0:-1], half])
    below_t = _spaced(BOTTOM, _LIP_LINE, below, _row_density)
    above_t = _spaced(_LIP_LINE, TOP, above, _row_density)
    levels = np.concatenate([below_t, above_t[1:]])[::-1]
    return GridSpacing(s, _row_heights(s, levels), above, (outer, outer + 2 * inner))
