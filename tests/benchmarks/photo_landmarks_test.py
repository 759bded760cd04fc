import json
import sys

import numpy as np
import pytest

from benchmarks import photo_landmarks
from tests.datasets.made_up_photos import FACE, landmarks_of, write_photos
from tests.morphable_models.half_cylinder import RADIUS, half_cylinder
from tf_facerecon.datasets.labelled_photos import Labels
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.photos import face_alignment


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


@pytest.fixture
def turned_network(monkeypatch):
    """A network that sees everybody as the half cylinder, turned by 35 degrees to the right."""

    def load_network(name, jaw):
        decoder = FaceDecoder(half_cylinder(), jaw=jaw)
        coefficients = np.zeros(decoder.layout.total, np.float32)
        coefficients[decoder.layout.slices["rotation"]] = [0, np.radians(35), 0]
        return lambda crops, training: np.tile(coefficients, (len(crops), 1)), decoder

    monkeypatch.setattr(photo_landmarks.reconstructor, "load_network", load_network)


def test_predict_jaw_of_a_turned_face(turned_network, tmp_path):
    """Landmark 12 is hidden, behind the contour where the line of sight touches the cylinder."""
    write_photos(tmp_path, ["a/1.png"])
    landmarks = landmarks_of(FACE)
    to_image = face_alignment.fit_crop_transform(landmarks, 160, 180).to_image
    columns = {
        "fixed": 111.5 + 1015 * RADIUS * 0.819152 / (10 + RADIUS * 0.573576),  # cos, sin of 35
        "contour": 111.5 + 1015 * RADIUS / np.sqrt(10**2 - RADIUS**2),
    }
    for jaw, column in columns.items():
        found = photo_landmarks.predict("turned", tmp_path, Labels({"a/1.png": landmarks}, {}), jaw)
        expected = to_image(np.array([column, 0.0]))[0]
        assert found["turned"]["a/1.png"][12, 0] == pytest.approx(expected, abs=0.3)


def test_main_writes_which_jaw(turned_network, tmp_path, monkeypatch, capsys):
    write_photos(tmp_path / "set", ["a/1.png"])
    points = np.zeros((1, 3, 68))
    points[0, :2] = landmarks_of(FACE).T
    np.savez(tmp_path / "labels.npz", names=["a/1.png"], points3d=points)
    results = {}
    for jaw in ("fixed", "contour"):
        path = tmp_path / f"{jaw}.json"
        arguments = ["--photos", tmp_path / "set", "--labels", tmp_path / "labels.npz"]
        arguments += ["--network", "turned", "--jaw", jaw, "--json", path]
        monkeypatch.setattr(sys, "argv", ["photo_landmarks.py", *map(str, arguments)])
        photo_landmarks.main()
        assert f"1 photographs, jaw: {jaw};" in capsys.readouterr().out
        results[jaw] = json.loads(path.read_text())
        assert results[jaw]["jaw"] == jaw
    assert results["fixed"]["turned"]["inner_51"] == results["contour"]["turned"]["inner_51"]
    assert results["fixed"]["turned"]["nme"] != results["contour"]["turned"]["nme"]
