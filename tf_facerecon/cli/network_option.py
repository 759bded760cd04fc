"""What the command lines of tools that use a network have in common. Imports no TensorFlow."""

import argparse


def add_network(parser: argparse.ArgumentParser) -> None:
    """Adds `--network`, a preset or a `.keras` file, by default the R-Net that ships.

    `--preset` and `--weights` are further names for it; two of the three are refused.
    """
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        "--network",
        default="r_net_small",
        help="shipped network, or a .keras file of your own (default r_net_small)",
    )
    for name in ("--preset", "--weights"):
        names.add_argument(
            name, dest="network", metavar="NETWORK", default=argparse.SUPPRESS, help="the same"
        )
