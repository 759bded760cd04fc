"""Errors on photographs, with a fake network."""

import json
import sys
import types

import numpy as np
import pytest

from benchmarks import photographs

FOUND = np.array([[90.0, 100], [134, 100], [112, 124], [94, 150], [130, 150]])


class QuickReconstructor:
    """Every prediction is 2.2 pixels, 5 % of the eye distance, to the right of the detection."""

    def __init__(self):
        tensor = types.SimpleNamespace(numpy=lambda: (FOUND + [4.4, 0])[None])
        self.decoder = lambda coefficients, render: {"five_points": tensor}
        self.decoder.layout = types.SimpleNamespace(total=3)

    def reconstruct(self, path):
        if "nobody" in path.name:
            raise ValueError(f"No face was found in {path.name}.")
        same = types.SimpleNamespace(to_crop=lambda points: points)
        return [
            types.SimpleNamespace(
                crop_transform=same, alignment_points=FOUND, photo_five_points=FOUND + [2.2, 0]
            )
        ]


@pytest.fixture
def run(monkeypatch):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["photographs.py", *map(str, arguments)])
        photographs.main()

    monkeypatch.setattr(
        photographs.tf_facerecon.FaceReconstructor,
        "from_preset",
        lambda network: QuickReconstructor(),
    )
    return call


@pytest.fixture
def photos(tmp_path):
    paths = [tmp_path / name for name in ("anna.jpg", "nobody.jpg", "bert.jpg")]
    for path in paths:
        path.touch()
    return paths


def test_table_holds_each_photograph_and_the_mean(run, photos, capsys, tmp_path):
    run(*photos, "--json", tmp_path / "figures.json")
    printed = capsys.readouterr()
    for name in (photos[0], photos[2], "mean"):
        assert f"| {name} | 10.0 | 5.0 |" in printed.out
    assert f"skipped {photos[1]}: No face" in printed.err
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written["network_points"] == pytest.approx(0.05)
    assert written["network_each"] == pytest.approx([0.05, 0.05])
    assert list(written["skipped"]) == [str(photos[1])]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.jpg"], "no photograph absent.jpg"),
        (["{}/nobody.jpg"], "none of the photographs"),
        (["{}/anna.jpg", "--json", "{}"], "not the folder"),
    ],
)
def test_main_exits_2(run, photos, capsys, tmp_path, arguments, message):
    with pytest.raises(SystemExit) as exit_code:
        run(*(argument.format(tmp_path) for argument in arguments))
    assert exit_code.value.code == 2
    assert message in capsys.readouterr().err
