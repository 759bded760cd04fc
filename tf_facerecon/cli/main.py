"""The command `tf-facerecon`: starts the module that implements the given subcommand."""

import argparse
import importlib
import importlib.metadata
import os
import sys

from tf_facerecon.cli import tensorflow_log

COMMANDS = {
    "reconstruct": "reconstruct faces from photographs, or one face from a set of photographs",
    "train": "train an R-Net",
    "train-c-net": "train a C-Net, which weights the photographs of an image set",
    "train-identity-network": "train the identity network of the perceptual loss",
    "export": "export a network as a SavedModel for TensorFlow Serving",
    "convert-weights": "convert published R-Net weights of the Deep3D repositories to Keras",
    "build-face-model": "import a morphable model (Basel Face Model, ICT-FaceKit)",
    "show-face-model": "render an overview of a morphable model",
    "label-photos": "write an archive of photographs with landmarks as folders for training",
    "prepare-photos": "detect and align the faces of a folder of photographs for training",
    "train-skin-model": "fit a skin-colour model to labelled photographs",
    "efid": "compare the expressions of generated and real frames (E-FID)",
    "demo": "reconstruct a photograph and train for a minute",
}

_EXAMPLES = """\
examples:
  tf-facerecon reconstruct photo.jpg --out faces --refine
  tf-facerecon reconstruct --set anna_photos/ --out faces
  tf-facerecon train --config smoke
  tf-facerecon train --config r_net_photos data.folder=my_photos
  tf-facerecon export --network r_net_small --out serving/1

`tf-facerecon COMMAND --help` explains a command.
"""


def module_name(command: str) -> str:
    """The module whose `main` implements a command."""
    return f"tf_facerecon.cli.{command.replace('-', '_')}"


def main(arguments: list[str] | None = None) -> int:
    """Runs a subcommand and returns its exit code: 0 on success, 2 on bad arguments or input.

    Args:
        arguments: Command line without the program's name; by default that of the process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments[:1])
    # Must be set before TensorFlow is imported; its start-up log would bury the messages.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    tensorflow_log.hide_start_up_log()
    try:
        return importlib.import_module(module_name(options.command)).main(arguments[1:])
    except OSError as error:  # Of a path that cannot exist, wherever it is looked at first.
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    table = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="tf-facerecon",
        usage="tf-facerecon COMMAND ...",
        description=f"3D face reconstruction from photographs.\n\ncommands:\n{table}",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = importlib.metadata.version("tf_facerecon")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version}")
    parser.add_argument("command", choices=COMMANDS, help=argparse.SUPPRESS)
    return parser
