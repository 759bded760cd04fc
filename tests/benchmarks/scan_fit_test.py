import pathlib

import numpy as np
import pytest

from benchmarks import scan_fit

BUST = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "scans" / "demo_bust.npz"


def test_best_plausible_preset():
    rows = [
        {"ridge": None, "median_mm": 0.1, "coefficient_rms": 0.0},
        {"ridge": 0.3, "median_mm": 0.2, "coefficient_rms": 1.4},
        {"ridge": 1.0, "median_mm": 0.4, "coefficient_rms": 1.3},
        {"ridge": 3.0, "median_mm": 0.5, "coefficient_rms": 0.9},
    ]
    assert scan_fit.best_plausible(rows) is rows[2]
    assert scan_fit.best_plausible(rows[:2]) is None


def test_read_scan_exception_raised(tmp_path):
    path = tmp_path / "scan.npz"
    with pytest.raises(FileNotFoundError):
        scan_fit.read_scan(path)
    np.savez(path, vertices=np.zeros((9, 3)), triangles=np.zeros((4, 3), int))
    with pytest.raises(ValueError, match=r"landmarks68.*\[N, 3\]"):
        scan_fit.read_scan(path)
    np.savez(
        path,
        vertices=np.zeros((9, 3)),
        triangles=np.zeros((4, 3), int),
        landmarks68=np.full((68, 3), np.nan),
    )
    with pytest.raises(ValueError, match="68 finite points"):
        scan_fit.read_scan(path)


@pytest.mark.skipif(not BUST.is_file(), reason="needs the demonstration bust")
def test_read_scan_crops_the_face():
    points, seven = scan_fit.read_scan(BUST)
    assert 500 < len(points) < 10_000 and seven.shape == (7, 3)
    assert np.ptp(points, axis=0).max() < 170.0
