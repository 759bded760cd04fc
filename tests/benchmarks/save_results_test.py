"""Time of saving results, with a fake face."""

import json
import sys
import types

import numpy as np
import pytest

from benchmarks import save_results


@pytest.fixture
def saved(monkeypatch):
    """What the fake face was told to save; each time takes one second, of two cores."""
    calls, clock = [], [0.0]

    def save(folder, stem, outputs, overwrite):
        calls.append(outputs)
        clock[0] += 10.0 if len(calls) == 1 else 1.0

    face = types.SimpleNamespace(save=save)
    reconstructor = types.SimpleNamespace(reconstruct=lambda photo: [face])
    monkeypatch.setattr(
        save_results.tf_facerecon.FaceReconstructor, "from_preset", lambda network: reconstructor
    )
    monkeypatch.setattr(save_results, "read_photo", lambda path: np.zeros((20, 20, 3), np.uint8))
    monkeypatch.setattr(save_results.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(save_results.time, "process_time", lambda: 2.0 * clock[0])
    return calls


def test_first_is_apart_and_the_others_are_medians(saved, monkeypatch, capsys, tmp_path):
    path = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["save_results.py", "--rounds", "2", "--json", str(path)])
    save_results.main()
    assert saved == [outputs for outputs in save_results.ROWS.values() for _ in range(3)]
    assert "| all files | 10.00 | 1.00 | 2.00 |" in capsys.readouterr().out
    written = json.loads(path.read_text(encoding="utf-8"))
    expected = {"first_seconds": 10.0, "seconds": 1.0, "processor_seconds": 2.0}
    assert written["all files"] == pytest.approx(expected)


@pytest.mark.parametrize("rounds", ["0", "-1"])
def test_rounds_exception_raised(saved, monkeypatch, capsys, rounds):
    monkeypatch.setattr(sys, "argv", ["save_results.py", "--rounds", rounds])
    with pytest.raises(SystemExit):
        save_results.main()
    assert "--rounds must be at least 1" in capsys.readouterr().err
    assert not saved
