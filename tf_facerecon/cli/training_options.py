"""Options and messages shared by the training commands. Imports no TensorFlow."""

import argparse
import pathlib
import sys
from collections.abc import Callable, Mapping

from tf_facerecon.cli.command_parser import command_parser
from tf_facerecon.cli.shipped_configs import find_config
from tf_facerecon.training import interruption


def run_parser(command: str, description: str) -> argparse.ArgumentParser:
    """A parser with `--config`, `--run-dir` and `section.key=value` overrides."""
    parser = command_parser(command, description)
    parser.add_argument(
        "--config",
        type=find_config,
        required=True,
        help="YAML file, or the name of a shipped configuration, for example smoke",
    )
    parser.add_argument(
        "--run-dir",
        type=pathlib.Path,
        help="folder of the run; by default runs/<name of the configuration>",
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help="a setting that overrides the file, for example schedule.steps=500",
    )
    return parser


def add_no_resume(parser: argparse.ArgumentParser) -> None:
    """Adds `--no-resume`."""
    parser.add_argument(
        "--no-resume", action="store_true", help="fail if the folder already contains a run"
    )


def add_out(parser: argparse.ArgumentParser) -> None:
    """Adds `--out`, the folder to which a preset is saved."""
    parser.add_argument(
        "--out", type=pathlib.Path, help="folder of the preset; by default the folder of the run"
    )


def run_folder(options: argparse.Namespace) -> pathlib.Path:
    """The folder of the run, from the options of a `run_parser`."""
    return options.run_dir or default_run_folder(options.config)


def default_run_folder(config: pathlib.Path) -> pathlib.Path:
    """The folder of a run without `--run-dir`."""
    return pathlib.Path("runs") / config.stem


def report(
    work: Callable[[], str],
    after_signal: str = "The state is saved; the same command resumes.",
) -> int:
    """Prints what `work` returns, or one line that says why it failed.

    Args:
        work: Runs the command; its result is printed.
        after_signal: Sentence that follows the message if a signal ended the run.

    Returns:
        The exit code of the command. Errors other than `interruption.REPORTED` are bugs and are not
        caught.
    """
    try:
        text = work()
    except interruption.REPORTED as error:
        message, exit_code = interruption.describe_failure(error, after_signal)
        sys.stderr.write(f"{message}\n")
        return exit_code
    sys.stdout.write(f"{text}\n")
    return 0


def describe_result(result, further: Mapping[str, object]) -> str:
    """Summary of a finished run.

    Args:
        result: `run_folder.TrainingResult`.
        further: Further files or facts to list, by name.
    """
    losses = "\n".join(f"  {name:<22} {value:.4g}" for name, value in result.metrics.items())
    entries = {"network": result.network_path, **further}
    lines = "\n".join(f"  {name:<9} {entry}" for name, entry in entries.items())
    done = result.steps - result.first_step
    return (
        f"\nTrained {result.steps} steps ({done} of them now, {result.seconds:.0f} s, "
        f"{result.steps_per_second:.2f} steps/s). Means of the last epoch:\n{losses}\n{lines}"
    )
