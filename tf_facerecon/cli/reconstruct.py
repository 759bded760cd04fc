"""Reconstructs the faces of photographs and writes meshes, images and coefficients.

    tf-facerecon reconstruct photo.jpg more_photos/ --out faces --refine
    tf-facerecon reconstruct --set anna_photos/ --out faces

Photographs: for each face <name>.obj with material and <name>_texture.png, <name>_neutral.obj,
<name>_overlay.png (an overview), <name>_photo.png (the rendered face in its photograph),
<name>.json (named coefficients, pose, camera, crop, landmarks) and <name>.npz (arrays). --save
writes only some of these: mesh (<name>.obj), neutral, overlay, photo, json, npz.

Image sets (--set): each folder holds photographs of one person; the largest face of each is used.
They are combined into one face, written to <out>/<folder>/: <folder>.obj (the person with neutral
expression), <folder>_<photo>.obj (the person with the expression and pose of that photograph),
<folder>_confidence.png (how much each photograph contributed to the nose, the jaw, ...),
<folder>.json and <folder>.npz (all results in numbers); their names for --save are mesh, posed,
confidence, json, npz. --aggregate selects how the identity coefficients are combined:

    cnet  a mean weighted per coefficient by the confidence that C-Net predicts for each photograph:
          blurred, occluded or badly lit ones count less
    mean  the plain mean: equally good if all photographs are good
    best  the identity of the photograph with the highest detector confidence

Photographs without a face, duplicates, and those that seem to show another person are reported.

A photograph or set that fails does not stop the others; failures are listed at the end, and the
exit code is then 1. So is what folders hold besides photographs. Photographs are never overwritten.
Where names clash, results are numbered; `source` in <name>.json is the path of the photograph.
HEIC needs `pip install "tf_facerecon[heif]"`.
"""

import argparse
import pathlib
import warnings

from tf_facerecon.cli import network_option
from tf_facerecon.cli.command_parser import command_parser
from tf_facerecon.inference import output_names


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("reconstruct", __doc__)
    parser.add_argument("photos", nargs="*", type=pathlib.Path, help="image files, or folders")
    parser.add_argument(
        "--set",
        dest="sets",
        nargs="+",
        default=[],
        type=pathlib.Path,
        metavar="FOLDER",
        help="folders with photographs of one person each, instead of single photographs",
    )
    parser.add_argument(
        "--aggregate",
        choices=("cnet", "mean", "best"),
        help="how a set is combined into one face (see above; default cnet)",
    )
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder to write to")
    parser.add_argument(
        "--refine", action="store_true", help="refine by gradient descent through the renderer"
    )
    parser.add_argument(
        "--all-faces", action="store_true", help="reconstruct all faces, not only the largest"
    )
    network_option.add_network(parser)
    parser.add_argument(
        "--points",
        type=pathlib.Path,
        metavar="FOLDER",
        help="folder with photo.txt (or photo.jpg.txt) for photographs in which the detector "
        "fails: 5 rows `column row` (eye on the image's left, eye on its right, nose tip, mouth "
        "corner on the left, on the right) or 68 (iBUG), in pixels of the upright photograph, "
        "top-left pixel (0, 0); or photo.pts as of 300-W, top-left pixel (1, 1)",
    )
    parser.add_argument(
        "--face-model", help="name or .npz of the 3DMM, if that of the network has moved"
    )
    parser.add_argument(
        "--c-net", default="c_net_small", help="C-Net of a set: preset or .keras file"
    )
    parser.add_argument(
        "--identity-network",
        default="identity_small",
        help="preset or .keras file of the network that detects another person in a set; `none` "
        "disables the check",
    )
    parser.add_argument(
        "--format",
        choices=("standard", "deep3d", "deep3d-tf1"),
        default="standard",
        help="files to write: those above; <name>.mat and <name>.obj as "
        "sicxu/Deep3DFaceRecon_pytorch does; or <name>.mat and <name>_mesh.obj as "
        "microsoft/Deep3DFaceReconstruction does. Of a set, <name> is <folder>_<photo>: the person "
        "with the expression, pose and light of that photograph",
    )
    parser.add_argument(
        "--save",
        metavar="NAMES",
        help="what to write, separated by commas, such as `mesh,json` (see above; default all)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="replace files of earlier runs")
    existing.add_argument(
        "--skip-existing",
        action="store_true",
        help="keep the results of earlier runs, whatever their options, and compute the others",
    )
    options = parser.parse_intermixed_args(arguments)
    if bool(options.photos) == bool(options.sets):
        parser.error("give photographs, or folders of one person each after --set")
    if options.sets and (options.refine or options.all_faces or options.points):
        parser.error("--refine, --all-faces, --points are for single photographs, not for --set")
    if options.format != "standard" and options.skip_existing:
        parser.error(
            "--skip-existing goes by the .json files of --format standard: "
            f"--format {options.format} writes none"
        )
    if options.format != "standard" and options.save:
        parser.error("--save chooses among the files of --format standard")
    try:
        options.save = output_names.choose(
            options.save and [name.strip() for name in options.save.split(",")],
            output_names.SET_OUTPUTS if options.sets else output_names.FACE_OUTPUTS,
        )
    except ValueError as error:
        parser.error(f"--save: {error}")
    if options.points and not options.points.is_dir():
        parser.error(f"--points {options.points} is not a folder")
    if options.aggregate and not options.sets:
        parser.error("--aggregate selects how a set is combined: use it with --set")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    # Pillow's warnings about unusual files; the package reports what matters itself.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    if options.sets:
        from tf_facerecon.cli import reconstruct_sets

        return reconstruct_sets.run_sets(options)
    from tf_facerecon.cli import reconstruct_photos

    return reconstruct_photos.run_photos(options)
