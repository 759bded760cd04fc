"""Exports a network and its face model as a SavedModel that needs only TensorFlow to be served.

    tf-facerecon export --network r_net_small --out serving/1

Signature `serving_default`: `image` [N, 224, 224, 3], aligned crops, RGB in 0..1, to
`coefficients`, `landmarks`, `pose` (4 x 4) and `vertices`. Signature `serve_encoded`: the same from
`image_bytes`, JPEG or PNG files of such crops (square, of any size).
"""

import argparse
import pathlib
import sys

from tf_facerecon.cli import network_option
from tf_facerecon.cli.command_parser import command_parser


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("export", __doc__)
    network_option.add_network(parser)
    parser.add_argument(
        "--face-model", help="name or .npz of the 3DMM, if that of the network has moved"
    )
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder to create")
    parser.add_argument(
        "--allow-licensed-face-model",
        action="store_true",
        help="export a face model whose licence forbids redistribution, for your own use",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.export import saved_model
    from tf_facerecon.inference.reconstructor import load_network

    try:
        r_net, decoder = load_network(options.network, options.face_model)
        folder = saved_model.export_saved_model(
            r_net,
            decoder,
            options.out,
            allow_licensed_face_model=options.allow_licensed_face_model,
        )
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"SavedModel written to {folder}")
    return 0
