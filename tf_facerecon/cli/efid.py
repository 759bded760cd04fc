"""E-FID: Fréchet distance between the expressions of two sets of frames, lower is better.

    tf-facerecon efid generated_frames/ real_frames/ --network r_net_deep3d.keras

Each set is a folder of photographs, whose largest faces are reconstructed; a folder of .mat files
as the Deep3D repositories write them; or one .mat, .npy or .npz file with coefficients [N, 257].
Published values were computed with the PyTorch network (see `tf-facerecon convert-weights`).
Compare values of equally many frames only. Frames without a face are left out and reported.
"""

import argparse
import pathlib
import sys

from tf_facerecon.cli import network_option
from tf_facerecon.cli.command_parser import command_parser


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("efid", __doc__)
    parser.add_argument("generated", type=pathlib.Path, help="folder, or file of coefficients")
    parser.add_argument("real", type=pathlib.Path, help="folder, or file of coefficients")
    network_option.add_network(parser)
    parser.add_argument(
        "--face-model", help="name or .npz of the 3DMM, if that of the network has moved"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.cli import expression_sets
    from tf_facerecon.metrics import efid

    try:
        reader = expression_sets.ExpressionReader(options.network, options.face_model)
        sets = {name: reader.read(getattr(options, name)) for name in ("generated", "real")}
        distance = efid.expression_frechet_distance(**sets)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for path, reason in reader.failures.items():
        print(f"left out: {path}: {reason}", file=sys.stderr)
    print(f"frames: {len(sets['generated'])} generated, {len(sets['real'])} real")
    print(f"E-FID: {distance:.6g}")
    return 0
