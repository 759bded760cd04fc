import pytest

from benchmarks import photo_landmarks
from tf_facerecon.datasets.labelled_photos import Labels


def test_figures_by_hand(rng):
    true = rng.random((68, 2))
    true[0], true[1] = (0, 0), (100, 100)  # The box: 100 x 100 pixels.
    true[2:] = 20 + 60 * true[2:]
    true[36], true[45] = (30, 40), (80, 40)  # The eyes: 50 pixels apart.
    labels = Labels({"a": true, "b": true}, {"a": -10.0, "b": 70.0})
    found = {"network": {"a": true + [3.0, 4.0], "b": true - [1.0, 0.0]}}
    results = photo_landmarks.figures(found, labels)["network"]
    assert results["nme"] == pytest.approx((5 + 1) / 2)
    assert results["nme_0_30"] == pytest.approx(5) and results["nme_60_90"] == pytest.approx(1)
    assert "nme_30_60" not in results  # Nobody.
    assert results["inner_51"] == pytest.approx(100 * (5 + 1) / 2 / 50)
    assert results["offsets"]["jaw"] == pytest.approx([100 * 1 / 50, 100 * 2 / 50])
