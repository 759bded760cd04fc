"""What the command lines of training tools have in common. Imports no TensorFlow."""

import argparse
import pathlib
import sys
from collections.abc import Callable, Mapping

from tf_facerecon.training import interruption


def run_parser(description: str) -> argparse.ArgumentParser:
    """A parser that knows `--config`, `--run-dir` and `section.key=value` settings."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=pathlib.Path, required=True, help="YAML file of the run")
    parser.add_argument(
        "--run-dir", type=pathlib.Path, help="folder of the run; by default runs/<config's name>"
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help="a setting that wins over the file, for example schedule.steps=500",
    )
    return parser


def add_no_resume(parser: argparse.ArgumentParser) -> None:
    """Adds `--no-resume`."""
    parser.add_argument(
        "--no-resume", action="store_true", help="refuse a folder that already holds a run"
    )


def add_out(parser: argparse.ArgumentParser) -> None:
    """Adds `--out`, where a preset goes."""
    parser.add_argument(
        "--out", type=pathlib.Path, help="folder of the preset; by default the folder of the run"
    )


def run_folder(options: argparse.Namespace) -> pathlib.Path:
    """The folder of the run that a `run_parser` was asked for."""
    return options.run_dir or default_run_folder(options.config)


def default_run_folder(config: pathlib.Path) -> pathlib.Path:
    """Where a run of a configuration file goes if nothing else is asked."""
    return pathlib.Path("runs") / config.stem


def report(
    work: Callable[[], str],
    after_signal: str = "The state is saved; the same command goes on.",
) -> int:
    """Prints what `work` answers, or in plain words why it failed.

    Args:
        work: Does everything; its answer is printed.
        after_signal: What follows if a signal ended it, a sentence.

    Returns:
        The exit code of the tool. Errors other than `interruption.REPORTED` are bugs and pass.
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
    """What a person wants to know at the end of a run.

    Args:
        result: `run_folder.TrainingResult`.
        further: What else there is and where, by name.
    """
    losses = "\n".join(f"  {name:<22} {value:.4g}" for name, value in result.metrics.items())
    places = {"network": result.network_path, **further}
    lines = "\n".join(f"  {name:<9} {place}" for name, place in places.items())
    done = result.steps - result.first_step
    return (
        f"\nTrained {result.steps} steps ({done} of them now, {result.seconds:.0f} s, "
        f"{result.steps_per_second:.2f} steps/s). Means of the last epoch:\n{losses}\n{lines}"
    )
