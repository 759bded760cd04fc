"""The figure of a 3DMM: `visualization.face_model_overview`."""

import dataclasses

import numpy as np
import pytest

from tests.toy_face import build_toy_face_model
from tf_facerecon.visualization import face_model_overview

ROW, STEP, MARGIN = 224 + 2 * 28 + 44, 224 + 28, 28
LARGE = 300


@pytest.fixture(scope="module")
def toy():
    """The toy face with one region; its expressions have no names and no ranges."""
    model = build_toy_face_model()
    left = (model.mean_shape[:, 0] < 0).astype(float)
    return dataclasses.replace(model, regions={"left": left})


@pytest.fixture(autouse=True)
def small_landmarks(monkeypatch):
    monkeypatch.setattr(face_model_overview, "_LARGE_TILE_SIZE", LARGE)


def tile(overview, row, column):
    top, left = row * ROW + MARGIN, MARGIN + column * STEP
    return overview[top : top + 224, left : left + 224].astype(float) / 255


def test_model_overview_preset(toy):
    overview = face_model_overview.model_overview(toy)
    # Mean, 12 of identity, 8 of expression, 10 of albedo, 8 random faces; landmarks.
    assert overview.shape == (7 * ROW + LARGE + ROW - 224, 8 * STEP + MARGIN, 3)
    assert overview.dtype == np.uint8
    np.testing.assert_allclose(tile(overview, 0, 2)[112, 112], toy.mean_albedo[0], atol=0.1)
    # The sixth and last mode of identity at +2 follows six at -2 and five at +2.
    assert tile(overview, 2, 3).min() < 0.9
    np.testing.assert_array_equal(tile(overview, 2, 4), 1.0)
    regions = tile(overview, 0, 6)[112]
    assert np.abs(regions[80] - regions[140]).max() > 0.2
    checks = tile(overview, 0, 7)[60:160, 60:160]
    assert 0.3 < (checks[..., 2] > 0.72).mean() < 0.7
    landmarks = overview[7 * ROW :].astype(int)
    red = (landmarks[..., 0] > 150) & (landmarks[..., 2] < 90)
    assert 100 < red.sum() < 5000


def test_model_summary_preset(toy):
    summary = face_model_overview.model_summary(toy)
    # Mean, two modes of identity, two of albedo, twelve random faces.
    assert summary.shape == (5 * ROW, 6 * STEP + MARGIN, 3)
    mean = tile(summary, 0, 2)
    for row in (1, 2):
        for column in (1, 4):  # Between -2 and +2.
            np.testing.assert_array_equal(tile(summary, row, column), mean)
        for column in (0, 2, 3, 5):
            assert np.abs(tile(summary, row, column) - mean).max() > 0.02
    assert np.abs(tile(summary, 3, 0) - tile(summary, 4, 0)).max() > 0.05


def test_model_overview_of_bounded_expressions(toy, monkeypatch):
    """Ends of ranges at 0, the neutral face, are not drawn."""
    drawn = []
    monkeypatch.setattr(
        face_model_overview.ThumbnailRenderer,
        "render",
        lambda *a, **k: np.zeros((k.get("size", 224),) * 2 + (3,)),
    )
    monkeypatch.setattr(
        face_model_overview,
        "_captioned_row",
        lambda row: drawn.append(row) or np.zeros((9, 9, 3), np.uint8),
    )
    ranges = np.array([[0.0, 1.0], [0.0, 0.5], [0.0, 1.0], [0.0, 1.0]])
    names = ("smile", "a_name_that_is_too_long_for_its_tile", "frown", "wink")
    face_model_overview.model_overview(
        dataclasses.replace(toy, expression_range=ranges, expression_names=names)
    )
    captions = [caption for caption, _ in drawn[3]]
    assert captions == ["smile +1", "a_name_that_is_to… +0.5", "frown +1", "wink +1", *[""] * 4]
