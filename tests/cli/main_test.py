"""`tf-facerecon`: the table of commands, and the wrappers of `tools/` around them."""

import pathlib
import re
import runpy
import subprocess
import sys

import pytest

from tf_facerecon.cli import command_parser
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
    # TensorFlow may log before.
    assert finished.stderr.splitlines()[-1].startswith("error: There is no face model"), finished
    assert "Traceback" not in finished.stderr


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
