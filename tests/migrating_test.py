"""MIGRATING.md names only commands, options and functions that exist."""

import importlib
import pathlib
import re

from tf_facerecon.cli import main, reconstruct

TEXT = (pathlib.Path(__file__).resolve().parents[1] / "MIGRATING.md").read_text("utf-8")


def test_commands_exist():
    commands = set(re.findall(r"tf-facerecon ([a-z][a-z-]+)", TEXT))
    assert len(commands) >= 6
    assert commands <= set(main.COMMANDS)
    for name in re.findall(r"--format ([\w-]+)", TEXT):
        options = reconstruct.parse_arguments(["a.png", "--out", "b", "--format", name])
        assert options.format == name


def test_functions_exist():
    names = set(re.findall(r"`(tf_facerecon\.[\w.]+)`", TEXT))
    assert len(names) > 15
    for name in names:
        module, attribute = name.rsplit(".", 1)
        assert hasattr(importlib.import_module(module), attribute), name
