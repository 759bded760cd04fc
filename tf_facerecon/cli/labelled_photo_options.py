"""Options of programs that read photographs and their landmarks. Imports no TensorFlow."""

import argparse
import pathlib


def add_labelled_photos(parser: argparse.ArgumentParser) -> None:
    """Adds `--photos` and `--labels`; `datasets.labelled_photos` reads both."""
    parser.add_argument(
        "--photos", type=pathlib.Path, required=True, help="folder or tar archive of photographs"
    )
    parser.add_argument("--labels", type=pathlib.Path, required=True, help=".npz of landmarks")


def add_held_out(parser: argparse.ArgumentParser) -> None:
    """Adds `--held-out`."""
    parser.add_argument(
        "--held-out", action="store_true", help="only people that are left out of training"
    )
