"""The errors of photographs of one's own."""

import json
import sys

import numpy as np
import pytest

from benchmarks import photographs
from tf_facerecon.io import image_files


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["photographs.py", *map(str, arguments)])
    photographs.main()


def test_table_holds_each_photograph_and_the_mean(monkeypatch, capsys, tmp_path):
    data = pytest.importorskip("skimage.data")
    photo, figures = tmp_path / "astronaut.png", tmp_path / "figures.json"
    image_files.write_image(photo, data.astronaut())
    empty = tmp_path / "nobody.png"
    image_files.write_image(empty, np.full((64, 64, 3), 90, np.uint8))
    run(monkeypatch, photo, empty, photo, "--json", figures)
    table = capsys.readouterr().out
    assert table.count(f"| {photo} |") == 2 and table.count("| mean |") == 1
    written = json.loads(figures.read_text())
    assert written["network_each"][0] == written["network_each"][1] == written["network_points"]
    assert list(written["skipped"]) == [str(empty)]
    assert 0 < written["network_points"] < written["mean_face_points"] < 0.3


def test_missing_photograph_is_named(monkeypatch, capsys, tmp_path):
    with pytest.raises(SystemExit) as exit_code:
        run(monkeypatch, tmp_path / "nobody.jpg")
    assert exit_code.value.code == 2
    assert "nobody.jpg" in capsys.readouterr().err
