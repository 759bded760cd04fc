import numpy as np
import pytest

from tf_facerecon.morphable_models.procedural import anchor_points, grid_spacing, mean_face


@pytest.fixture(scope="module", params=[4_000, 10_000, 35_709])
def spacing(request):
    return request.param, grid_spacing.compute_spacing(request.param)


def test_compute_spacing_counts(spacing):
    """Nodes, with what the mouth's between and mouth add to them, are as many as wanted."""
    wanted, mesh = spacing
    between = mesh.corners[1] - mesh.corners[0] - 1
    total = mesh.t.size + between * (1 + grid_spacing.MOUTH_ROWS)
    assert abs(total - wanted) <= 0.03 * wanted


def test_compute_spacing_columns_are_symmetric_and_increase(spacing):
    _, mesh = spacing
    assert (np.diff(mesh.s) > 0).all()
    np.testing.assert_allclose(mesh.s, -mesh.s[::-1], atol=1e-12)
    np.testing.assert_allclose(
        mesh.s[[0, -1]], [-anchor_points.HALF_WIDTH, anchor_points.HALF_WIDTH]
    )
    corners = mesh.s[list(mesh.corners)]
    np.testing.assert_allclose(corners, [-mean_face.MOUTH_CORNER, mean_face.MOUTH_CORNER])


def test_compute_spacing_rows_are_symmetric_and_never_cross(spacing):
    _, mesh = spacing
    assert mesh.t.shape[1] == mesh.s.size
    assert (np.diff(mesh.t, axis=0) < 0).all()  # Row 0 is on top.
    np.testing.assert_allclose(mesh.t, mesh.t[:, ::-1], atol=1e-12)
    middle = mesh.s.size // 2
    np.testing.assert_allclose(mesh.t[[0, -1], middle], [grid_spacing.TOP, grid_spacing.BOTTOM])


def test_compute_spacing_lip_row_is_where_the_lips_meet(spacing):
    _, mesh = spacing
    mouth = slice(mesh.corners[0], mesh.corners[1] + 1)
    np.testing.assert_allclose(
        mesh.t[mesh.lip_row, mouth], mean_face.lip_line_height(mesh.s[mouth]), atol=1e-12
    )


def test_compute_spacing_is_denser_at_eyes_and_mouth(spacing):
    _, mesh = spacing
    middle = mesh.s.size // 2
    heights = mesh.t[:, middle]
    gap = -np.diff(heights)
    between = (heights[1:] + heights[:-1]) / 2

    def mean_gap(low, high):
        return gap[(between > low) & (between < high)].mean()

    forehead = mean_gap(0.65, 0.95)
    assert mean_gap(0.27, 0.33) < 0.5 * forehead
    assert mean_gap(-0.42, -0.30) < 0.5 * forehead
