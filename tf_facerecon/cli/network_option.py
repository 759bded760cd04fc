"""The option `--network` of the commands that load a network. Imports no TensorFlow."""

import argparse


def add_network(parser: argparse.ArgumentParser) -> None:
    """Adds `--network`, a preset or a `.keras` file, by default the R-Net that ships.

    `--preset` and `--weights` are older names for it; only one of the three is accepted.
    """
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        "--network",
        default="r_net_small",
        help="shipped network, or a .keras file of your own (default r_net_small)",
    )
    for name in ("--preset", "--weights"):
        names.add_argument(
            name,
            dest="network",
            metavar="NETWORK",
            default=argparse.SUPPRESS,
            help="same as --network",
        )
