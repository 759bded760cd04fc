import numpy as np
import pytest

from tf_facerecon.morphable_models.procedural import anchor_points, grid_spacing, mean_face


@pytest.fixture(scope="module", params=[4_000, 10_000, 35_709])
def spacing(request):
    return request.param, grid_spacing.space_lattice(request.param)


def test_space_lattice_counts(spacing):
    """Nodes, with what the mouth's slit and sheet add to them, are as many as wanted."""
    wanted, lattice = spacing
    slit = lattice.corners[1] - lattice.corners[0] - 1
    total = lattice.t.size + slit * (1 + grid_spacing.SHEET_ROWS)
    assert abs(total - wanted) <= 0.03 * wanted


def test_space_lattice_columns_are_symmetric_and_increase(spacing):
    _, lattice = spacing
    assert (np.diff(lattice.s) > 0).all()
    np.testing.assert_allclose(lattice.s, -lattice.s[::-1], atol=1e-12)
    np.testing.assert_allclose(
        lattice.s[[0, -1]], [-anchor_points.HALF_WIDTH, anchor_points.HALF_WIDTH]
    )
    corners = lattice.s[list(lattice.corners)]
    np.testing.assert_allclose(corners, [-mean_face.MOUTH_CORNER, mean_face.MOUTH_CORNER])


def test_space_lattice_rows_are_symmetric_and_never_cross(spacing):
    _, lattice = spacing
    assert lattice.t.shape[1] == lattice.s.size
    assert (np.diff(lattice.t, axis=0) < 0).all()  # Row 0 is on top.
    np.testing.assert_allclose(lattice.t, lattice.t[:, ::-1], atol=1e-12)
    middle = lattice.s.size // 2
    np.testing.assert_allclose(lattice.t[[0, -1], middle], [grid_spacing.TOP, grid_spacing.BOTTOM])


def test_space_lattice_seam_row_is_where_the_lips_meet(spacing):
    _, lattice = spacing
    mouth = slice(lattice.corners[0], lattice.corners[1] + 1)
    np.testing.assert_allclose(
        lattice.t[lattice.seam_row, mouth], mean_face.seam_height(lattice.s[mouth]), atol=1e-12
    )


def test_space_lattice_is_denser_at_eyes_and_mouth(spacing):
    _, lattice = spacing
    middle = lattice.s.size // 2
    heights = lattice.t[:, middle]
    gap = -np.diff(heights)
    between = (heights[1:] + heights[:-1]) / 2

    def mean_gap(low, high):
        return gap[(between > low) & (between < high)].mean()

    forehead = mean_gap(0.65, 0.95)
    assert mean_gap(0.27, 0.33) < 0.5 * forehead
    assert mean_gap(-0.42, -0.30) < 0.5 * forehead
