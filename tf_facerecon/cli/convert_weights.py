"""Converts published weights of the two Deep3D repositories to a Keras file.

    tf-facerecon convert-weights epoch_20.pth --to r_net_deep3d.keras
    tf-facerecon convert-weights backbone.pth --to arcface.keras --network arcface

Sources: the .pth checkpoint of sicxu/Deep3DFaceRecon_pytorch (needs PyTorch to be installed), the
frozen graph FaceReconModel.pb or a training checkpoint (iter_190000.ckpt) of
microsoft/Deep3DFaceReconstruction. The largest differences between source and converted network
on random images are printed. Files that do not fit are refused, and nothing in them is executed.

Use the result with `--network r_net_deep3d.keras`; its face model is built from the Basel Face
Model 2009 by `tf-facerecon build-face-model bfm09`. ArcFace is the identity network that the
PyTorch code trains with (insightface's ms1mv3_arcface_r50_fp16/backbone.pth): train with
`perceptual.network=arcface perceptual.weights=arcface.keras`.
"""

import argparse
import pathlib
import sys

from tf_facerecon.cli.command_parser import command_parser


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("convert-weights", __doc__)
    parser.add_argument("file", type=pathlib.Path, help=".pth, .pb or TensorFlow 1 checkpoint")
    parser.add_argument("--to", required=True, type=pathlib.Path, help=".keras file to write")
    parser.add_argument(
        "--network",
        choices=("r_net", "arcface"),
        default="r_net",
        help="what the weights are of (default: %(default)s)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    options = parser.parse_args(arguments)
    if options.to.suffix != ".keras":
        parser.error(f"--to must end in .keras, as networks are kept in. Received: {options.to}")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    if options.to.exists() and not options.overwrite:
        print(f"error: {options.to} exists already; see --overwrite", file=sys.stderr)
        return 2
    from tf_facerecon.io import atomic_files

    try:
        network, description = CONVERSIONS[options.network](options.file)
        with atomic_files.atomic_path(options.to) as temporary:
            network.save(temporary)
    except (ImportError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"source: {options.file} {description}")
    print(f"written to {options.to}")
    return 0


def _convert_r_net(path: pathlib.Path):
    """The network, and what to tell about it."""
    from tf_facerecon.models.converters import deep3d_weights

    r_net, report = deep3d_weights.convert_deep3d_weights(path)
    lines = [f"({report.format}), variant {r_net.backbone_variant}"]
    for label in ("feature", "coefficient"):
        difference, scale = (getattr(report, f"{label}_{k}") for k in ("difference", "scale"))
        lines.append(f"largest {label} difference: {difference:.2e} (largest {label}: {scale:.2e})")
    return r_net, "\n".join(lines)


def _convert_arcface(path: pathlib.Path):
    """The network, and what to tell about it."""
    from tf_facerecon.models.converters import arcface_pytorch

    network, report = arcface_pytorch.convert_arcface_weights(path)
    return network, (
        "(ArcFace, iresnet50)\n"
        f"largest vector difference: {report.difference:.2e} (largest vector: {report.scale:.2e})"
    )


CONVERSIONS = {"r_net": _convert_r_net, "arcface": _convert_arcface}
