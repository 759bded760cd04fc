"""The option `--network` of the commands that load a network. Imports no TensorFlow."""

import argparse


def add_network(parser: argparse.ArgumentParser) -> None:
    """Adds `--network`, a preset or a `.keras` file, by default the R-Net that ships."""
    parser.add_argument(
        "--network",
        default="r_net_small",
        help="shipped network, or a .keras file of your own (default r_net_small)",
    )
