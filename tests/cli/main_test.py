"""`tf-facerecon`: the table of commands, and the wrappers of `tools/` around them."""

import importlib.metadata
import os
import pathlib
import re
import runpy
import subprocess
import sys

import pytest

from tf_facerecon.cli import command_parser, tensorflow_log
from tf_facerecon.cli import main as cli

TOOLS = sorted((pathlib.Path(__file__).resolve().parents[2] / "tools").glob("*.py"))


def run(*arguments):
    command = [sys.executable, "-m", "tf_facerecon", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def help_of(main, *arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(*arguments)
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_help_lists_all_commands(capsys):
    text = help_of(cli.main, ["--help"], capsys=capsys)
    for command, summary in cli.COMMANDS.items():
        assert re.search(rf"^  {command} +{re.escape(summary)}$", text, re.MULTILINE)
    assert "tf-facerecon reconstruct photo.jpg --out faces" in text


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_of_a_command_teaches_by_an_example(command, capsys):
    text = help_of(cli.main, [command, "--help"], capsys=capsys)
    assert text.startswith(f"usage: tf-facerecon {command} ")
    assert f"\n    tf-facerecon {command} " in text


def test_no_help_imports_tensorflow():
    code = (
        "import contextlib, io, sys\n"
        "from tf_facerecon.cli.main import COMMANDS, main\n"
        "for words in (['--help'], *([c, '--help'] for c in COMMANDS)):\n"
        "    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "        main(words)\n"
        "assert 'tf_facerecon.cli.train' in sys.modules\n"
        "print([name for name in ('tensorflow', 'keras', 'scipy', 'cv2') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.stdout.strip() == "[]", finished.stdout + finished.stderr


def test_python_m_runs_a_command_and_returns_its_exit_code(tmp_path):
    finished = run("show-face-model", str(tmp_path / "absent.npz"))
    assert finished.returncode == 2
    last = finished.stderr.splitlines()[-1]
    assert last.startswith("error: There is no face model"), finished
    assert "Traceback" not in finished.stderr
    if not any(map(os.path.exists, tensorflow_log._NVIDIA_DEVICES)):
        assert finished.stderr.splitlines() == [last]  # And nothing of TensorFlow's log.


@pytest.mark.parametrize(
    ("line", "is_noise"),
    [
        ("I0000 00:00:1796060012.173428    9823 port.cc:153] oneDNN custom operations", True),
        ("WARNING: All log messages before absl::InitializeLog() is called", True),
        ("E0000 00:00:1.2 9 cuda_platform.cc:52] failed call to cuInit: INTERNAL", None),
        ("E0000 00:00:1796060012.173428    9823 port.cc:153] out of memory", False),
        ("UserWarning: an import warned", False),
    ],
)
@pytest.mark.parametrize("has_gpu", [True, False])
def test_start_up_log_is_told_from_messages(line, is_noise, has_gpu, monkeypatch, tmp_path):
    device = tmp_path if has_gpu else tmp_path / "absent"
    monkeypatch.setattr(tensorflow_log, "_NVIDIA_DEVICES", (str(device),))
    assert tensorflow_log._is_noise(line) == (not has_gpu if is_noise is None else is_noise)


@pytest.mark.parametrize(
    "arguments",
    [
        ["reconstruct", "--set", "x" * 300, "--out", "o"],
        ["reconstruct", "me.jpg", "--points", "x" * 300, "--out", "o"],
        ["train", "--config", "x" * 300],
        ["show-face-model", "procedural", "--out", "x" * 300],
        ["train-skin-model", "x" * 300, "--out", "o.npz"],
        ["build-face-model", "bfm09", "--source", "x" * 300],
        ["prepare-photos", "x" * 300],
        ["label-photos", "--photos", "p", "--labels", "x" * 300, "--out", "o"],
        ["export", "--network", "x" * 300, "--out", "o"],
    ],
    ids=" ".join,
)
def test_names_too_long_for_the_file_system_are_errors_not_tracebacks(
    arguments, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) in (1, 2)
    assert "error: " in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_command_parser_keeps_the_lines_of_its_description(capsys):
    parser = command_parser.command_parser("train", "Trains.\n\n    an example")
    text = help_of(parser.parse_args, ["--help"], capsys=capsys)
    assert text.startswith("usage: tf-facerecon train [-h]\n\nTrains.\n\n    an example\n")


@pytest.mark.parametrize("arguments", [[], ["reconstrct"]])
def test_unknown_command_exits_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "command" in capsys.readouterr().err


@pytest.mark.parametrize("tool", TOOLS, ids=lambda path: path.stem)
def test_tool_is_a_command(tool, capsys, monkeypatch):
    command = {"export_savedmodel": "export"}.get(tool.stem, tool.stem.replace("_", "-"))
    monkeypatch.setattr(sys, "argv", [str(tool), "--help"])
    text = help_of(runpy.run_path, str(tool), None, "__main__", capsys=capsys)
    assert text == help_of(cli.main, [command, "--help"], capsys=capsys)


def test_every_command_has_a_tool():
    assert len(TOOLS) == len(cli.COMMANDS)


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    version = importlib.metadata.version("tf_facerecon")
    assert capsys.readouterr().out.split() == ["tf-facerecon", version]
