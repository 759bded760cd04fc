import pathlib

import pytest

from tf_facerecon.cli.preset_commands import portable, preset_command


def test_preset_command_preset(tmp_path):
    command = preset_command(
        "tools/train.py",
        tmp_path / "configs" / "small.yaml",
        root=tmp_path,
        preset="mine",
        out=tmp_path / "out",
        overrides=["schedule.steps=8", "face_model.name=/elsewhere/my face.npz"],
    )
    assert command == (
        "python tools/train.py --config configs/small.yaml --preset mine --out out "
        "schedule.steps=8 'face_model.name=my face.npz'"
    )


def test_preset_command_leaves_out_what_was_not_given(tmp_path):
    command = preset_command("tools/x.py", tmp_path / "a.yaml", root=tmp_path)
    assert command == "python tools/x.py --config a.yaml"


@pytest.mark.parametrize(
    ("starts_from", "first"),
    [
        ("runs/first/r_net.keras", "python tools/train.py --config configs/first.yaml && "),
        ("runs/unknown/r_net.keras", ""),
        ("runs/first/other.keras", ""),
        ("elsewhere/first/r_net.keras", ""),
        ("r_net_small", ""),
        (None, ""),
    ],
)
def test_preset_command_begins_where_its_start_is_made(tmp_path, starts_from, first):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "first.yaml").write_text("", encoding="utf-8")
    config = tmp_path / "configs" / "second.yaml"
    command = preset_command("tools/x.py", config, root=tmp_path, starts_from=starts_from)
    assert command == f"{first}python tools/x.py --config configs/second.yaml"


def test_portable_preset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert portable(pathlib.Path("a/b.yaml"), tmp_path) == "a/b.yaml"
    assert portable(tmp_path.parent / "else" / "b.yaml", tmp_path) == "b.yaml"
