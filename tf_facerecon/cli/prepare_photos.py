"""Detects and aligns the faces of a folder of photographs, ready for training.

    tf-facerecon prepare-photos my_photos
    tf-facerecon prepare-photos my_photos --out prepared --landmarks-y-up

The folder is searched recursively. Landmarks (68 rows `column row`) are read from
landmarks/<name>.txt beside a photograph, five points from detections/<name>.txt; otherwise a face
detector finds the largest face. Inspect the crops in <out>/crops before training on them.

Training runs this step itself when it starts; use the command to inspect the result first. It can
be killed at any moment, and the same command resumes. Photographs that cannot be used are listed in
<out>/skipped.txt and at the end, and the exit code is then 1.
"""

import argparse
import pathlib
import sys
import warnings

from tf_facerecon.cli.command_parser import command_parser

EXIT_SOME_SKIPPED = 1
EXIT_BAD_INPUT = 2


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("prepare-photos", __doc__)
    parser.add_argument("photos", type=pathlib.Path, help="folder of photographs")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        help="folder to write to (default: tf_facerecon_prepared inside the photographs' folder, "
        "where training looks for it)",
    )
    parser.add_argument(
        "--skin-model", type=pathlib.Path, help=".npz of `tf-facerecon train-skin-model`"
    )
    parser.add_argument(
        "--landmarks-y-up",
        action="store_true",
        help="rows in landmark files count upwards from the last row of the photograph, as in "
        "files of Deep3DFaceRecon_pytorch",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    # Pillow's warnings about unusual files; the package reports what matters itself.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    from tf_facerecon.datasets.photo_preparation import prepare_photos
    from tf_facerecon.photos.skin_probability import SkinModel

    try:
        skin_model = SkinModel.load(options.skin_model) if options.skin_model else None
        prepared = prepare_photos(
            options.photos,
            options.out,
            skin_model=skin_model,
            landmarks_y_up=options.landmarks_y_up,
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    total = len(prepared.names) + len(prepared.skipped)
    print(f"{len(prepared.names)} of {total} photographs are ready in {prepared.folder}")
    for name, reason in prepared.skipped.items():
        print(f"skipped: {name}: {reason}", file=sys.stderr)
    return EXIT_SOME_SKIPPED if prepared.skipped else 0
