"""Scan conversion of one mesh with NumPy: `rendering.scan_conversion`."""

import numpy as np
import pytest
import scipy.ndimage

from tests.rendering import rendering_scenes, rendering_truth
from tf_facerecon.rendering import scan_conversion, visibility

SIZE = (32, 64)


def triangle_image(fragments):
    return fragments.image(fragments.triangle_ids + 1) - 1


def without_near_ones(clip_vertices, triangles):
    """Triangles with a vertex before the near plane replaced by degenerate ones."""
    with np.errstate(invalid="ignore"):
        visible = (clip_vertices[:, 3] > 0) & (clip_vertices[:, 2] >= -clip_vertices[:, 3])
    return np.where(visible[triangles].all(axis=1, keepdims=True), triangles, triangles[:, :1])


@pytest.mark.parametrize("scene", rendering_scenes.SCENES)
def test_scan_convert_scenes(scene):
    clip_vertices, triangles = rendering_scenes.SCENES[scene]()
    ids = triangle_image(scan_conversion.scan_convert(clip_vertices, triangles, SIZE))
    # Screen coordinates are rounded by up to 1/2048 pixel, 1e-2 of the smallest triangles.
    tolerance = 1e-2 if scene in ("sub_pixel", "small") else 1e-3
    shown = without_near_ones(clip_vertices, triangles)
    rendering_truth.assert_covered(ids, clip_vertices, shown, SIZE, tolerance)


def test_scan_convert_preset():
    """A right triangle over the lower left half of 4 x 4 pixels; the diagonal counts as inside."""
    clip = np.array([[-1, 1, 0, 1], [-1, -1, 0, 1], [1, -1, 0, 1]], np.float32)
    for triangle in ([0, 1, 2], [0, 2, 1]):
        fragments = scan_conversion.scan_convert(clip, np.array([triangle]), (4, 4))
        np.testing.assert_array_equal(fragments.mask, np.tril(np.ones((4, 4))))
        np.testing.assert_array_equal(fragments.pixels, [0, 4, 5, 8, 9, 10, 12, 13, 14, 15])
    # The centre of pixel (3, 1) lies 3/8 to the right and 1/8 up from the lower left corner.
    values = fragments.interpolate(np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]))
    np.testing.assert_allclose(fragments.image(values)[3, 1], [3 / 8, 1 / 8], rtol=1e-6)


def test_scan_convert_perspective_preset():
    """Seen at the middle of an edge from depth 1 to depth 3 is the point a quarter along it."""
    clip = np.array([[-1, 0, 0, 1], [3, 0, 0, 3], [0, 2, 0, 1]], np.float32)
    fragments = scan_conversion.scan_convert(clip, np.array([[0, 1, 2]]), (2, 1025))
    column = 512  # Its centre is x = 0.
    found = fragments.pixels == column
    low = (fragments.corners[found] == 0) * fragments.weights[found]
    high = (fragments.corners[found] == 1) * fragments.weights[found]
    np.testing.assert_allclose(low.sum() / high.sum(), 3.0, rtol=1e-3)


def test_scan_convert_nearest_wins_and_of_equals_the_first():
    clip, triangles = rendering_scenes.quad(1.0)
    far, near = clip + np.float32([0, 0, 0.5, 0]), clip - np.float32([0, 0, 0.5, 0])
    triangles = np.concatenate([triangles, triangles + 4, triangles + 4])
    ids = triangle_image(
        scan_conversion.scan_convert(np.concatenate([far, near]), triangles, (8, 8))
    )
    assert set(np.unique(ids)) == {2, 3}


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (64, 64), (224, 224)])
@pytest.mark.parametrize("half_side", [1.0, 100.0])
def test_scan_convert_full_screen_quad_has_no_hole(half_side, size):
    assert scan_conversion.scan_convert(*rendering_scenes.quad(half_side), size).mask.all()


def test_scan_convert_sheet_has_no_hole():
    clip_vertices, triangles = rendering_scenes.bumpy_sheet()
    mask = scan_conversion.scan_convert(clip_vertices, triangles, (301, 287)).mask
    assert mask.sum() > 10_000
    np.testing.assert_array_equal(scipy.ndimage.binary_fill_holes(mask), mask == 1)


def test_scan_convert_agrees_with_the_differentiable_rasterizer():
    clip_vertices, triangles = rendering_scenes.bumpy_sheet()
    fragments = scan_conversion.scan_convert(clip_vertices, triangles, (96, 96))
    ids = visibility.visible_triangles(clip_vertices[np.newaxis], triangles, (96, 96))[0].numpy()
    assert (triangle_image(fragments) == ids).mean() > 0.995
    expected = rendering_truth.barycentrics(clip_vertices, triangles, triangle_image(fragments))
    np.testing.assert_allclose(fragments.image(fragments.weights), expected, atol=2e-3)


def test_scan_convert_does_not_depend_on_blocks(monkeypatch):
    scene = rendering_scenes.SCENES["huge"]()
    whole = scan_conversion.scan_convert(*scene, SIZE)
    monkeypatch.setattr(scan_conversion, "_BLOCK_PIXELS", 100)
    blocks = scan_conversion.scan_convert(*scene, SIZE)
    np.testing.assert_array_equal(whole.pixels, blocks.pixels)
    np.testing.assert_array_equal(whole.triangle_ids, blocks.triangle_ids)


def test_with_corners_interpolates_other_attributes():
    clip, triangles = rendering_scenes.quad(1.0)
    fragments = scan_conversion.scan_convert(clip, triangles, (8, 8))
    order = np.array([5, 3, 0, 1])  # Rows of the attributes of the four vertices.
    attributes = np.random.default_rng(0).normal(size=(6, 2))
    other = fragments.with_corners(order[triangles], 6)
    np.testing.assert_allclose(
        other.interpolate(attributes), fragments.interpolate(attributes[order]), rtol=1e-6
    )


@pytest.mark.parametrize("triangles", [np.zeros((0, 3), int), [[0, 1, 2]]])
def test_scan_convert_nothing_is_covered(triangles):
    clip = np.full((3, 4), [9.0, 9.0, 0.0, 1.0])
    fragments = scan_conversion.scan_convert(clip, np.array(triangles), (4, 5))
    assert fragments.mask.shape == (4, 5) and not fragments.mask.any()
    assert fragments.interpolate(np.ones((3, 2))).shape == (0, 2)


def test_scan_convert_exception_raised():
    clip, triangles = rendering_scenes.quad(1.0)
    with pytest.raises(ValueError, match="`clip_vertices`"):
        scan_conversion.scan_convert(clip[:, :3], triangles, (4, 4))
    with pytest.raises(ValueError, match="be below 3, the vertices. Received: 0 to 3"):
        scan_conversion.scan_convert(clip[:3], triangles, (4, 4))
    with pytest.raises(ValueError, match="`image_size` must be positive"):
        scan_conversion.scan_convert(clip, triangles, (0, 4))
    fragments = scan_conversion.scan_convert(clip, triangles, (4, 4))
    with pytest.raises(ValueError, match="`attributes`"):
        fragments.interpolate(np.ones((5, 2)))
    with pytest.raises(ValueError, match="be below 3"):
        fragments.with_corners(triangles, 3)
