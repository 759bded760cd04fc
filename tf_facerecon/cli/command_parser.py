"""The argument parser that all commands start from. Imports no TensorFlow."""

import argparse


def command_parser(command: str, description: str) -> argparse.ArgumentParser:
    """A parser for `tf-facerecon <command>` that prints its description as it is written.

    Args:
        command: Name of the command, as typed after `tf-facerecon`.
        description: Text of `--help`; it begins with an example.
    """
    return argparse.ArgumentParser(
        prog=f"tf-facerecon {command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
