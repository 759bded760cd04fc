"""Detects and aligns the faces of a folder of photographs, ready for training.

    python tools/prepare_photos.py my_photos
    python tools/prepare_photos.py my_photos --out prepared --landmarks-y-up

Photographs are searched in folders in folders. Landmarks (68 rows `column row`) are taken from
landmarks/<name>.txt beside a photograph, five points from detections/<name>.txt; otherwise a face
detector finds the largest face. Look at the crops in <out>/crops before training on them.

Training does this by itself when it starts; the tool is for those who want to see the outcome
first. Killed at any moment, the same command goes on. Photographs that cannot be used are listed in
<out>/skipped.txt and at the end, and the exit code is then 1.
"""

import argparse
import os
import pathlib
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

EXIT_SOME_SKIPPED = 1
EXIT_BAD_INPUT = 2


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=pathlib.Path, help="folder of photographs")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        help="folder to write to (default: tf_facerecon_prepared inside the photographs' folder, "
        "where training looks for it)",
    )
    parser.add_argument("--skin-model", type=pathlib.Path, help=".npz of tools/train_skin_model.py")
    parser.add_argument(
        "--landmarks-y-up",
        action="store_true",
        help="rows of landmark files count upwards from the photograph's last row, as "
        "Deep3DFaceRecon_pytorch writes them",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    # Of odd photographs Pillow says things that help nobody; what matters is said by the package.
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


if __name__ == "__main__":
    sys.exit(main())
