"""The table of image sets: keys, rows and files, with fake networks."""

import json
import types

import numpy as np
import pytest

from benchmarks import image_sets

ROWS = ("mean_face", "single", "mean", "best", "cnet")


@pytest.fixture
def quick(monkeypatch):
    """Errors that fall from row to row, and are larger for sets with bad frames."""
    model = types.SimpleNamespace(name="toy")
    networks = {"face_model": model, "r_net": None, "c_net": None, "detector": None}
    monkeypatch.setattr(image_sets, "load_networks", lambda options: networks)

    def measure(networks, condition, size, options):
        worse = 1.0 if condition == "clean" else 2.0
        people = np.linspace(0.9, 1.1, options.count)
        vertices = {row: worse * people * (5 - number) for number, row in enumerate(ROWS)}
        return {"vertices": vertices, "now": {row: people for row in ROWS}}

    monkeypatch.setattr(image_sets, "measure", measure)


def test_main_writes_what_is_asked(quick, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    files = {kind: tmp_path / f"sets.{kind}" for kind in ("json", "markdown", "plot")}
    files["plot"] = tmp_path / "sets.png"
    named = [text for kind, path in files.items() for text in (f"--{kind}", str(path))]
    image_sets.main(["--count", "10", "--sizes", "2", "5", *named])
    data = json.loads(files["json"].read_text(encoding="utf-8"))
    for key, worse in (("clean_5", 1.0), ("bad_frames_5", 2.0)):
        expected = dict(
            zip((f"{row}_mm" for row in ROWS), worse * np.arange(5, 0, -1), strict=True)
        )
        assert {name: data[key][name] for name in expected} == pytest.approx(expected)
        assert data[key]["cnet_over_mean"]["value"] == pytest.approx(1 / 3)
        assert data[key]["intervals"]["vertices"]["single"]["low"] < worse * 4
    assert {"clean_2", "bad_frames_2"} <= set(data) and data["people"] == 10
    text = files["markdown"].read_text(encoding="utf-8")
    assert text.count("| mean_face |") == 4 and "bad frames, sets of 5" in text
    assert capsys.readouterr().out.count("C-Net's vertex error over that of mean 0.333") == 4
    assert files["plot"].stat().st_size > 1000


@pytest.mark.parametrize(
    ("condition", "size", "expected"),
    [
        ("clean", 5, (0, 0)),
        ("bad_frames", 5, (1, 3)),
        ("bad_frames", 10, (1, 3)),
        ("bad_frames", 3, (1, 2)),
        ("bad_frames", 2, (1, 1)),
    ],
)
def test_bad_frames_preset(condition, size, expected):
    assert image_sets.bad_frames(condition, size) == expected


@pytest.mark.parametrize("bad", [["--count", "0"], ["--sizes", "1"], ["--scan-points", "-1"]])
def test_arguments_exception_raised(bad, capsys):
    with pytest.raises(SystemExit):
        image_sets.parse_arguments(bad)
    assert "expected --count" in capsys.readouterr().err


def test_recorded_losses_preset(tmp_path):
    path = tmp_path / "losses.json"
    assert image_sets.recorded_losses(path) == (None, "")
    path.write_text('{"hybrid_mm": 2.0}', encoding="utf-8")
    path.with_suffix(".md").write_text("| hybrid |", encoding="utf-8")
    assert image_sets.recorded_losses(path) == ({"hybrid_mm": 2.0}, "| hybrid |")
