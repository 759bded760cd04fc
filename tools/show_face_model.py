"""Draws what a face model is like, in one picture.

    python tools/show_face_model.py procedural
    python tools/show_face_model.py my_model.npz --out my_model.png

From the top: the mean face from five sides, as clay, with its regions and with a checked texture;
the first eight modes of identity, expression and colour at -2 and +2 standard deviations (or at the
ends of their range); eight random faces; the 68 landmarks with their numbers, those of the NoW
challenge in red.
"""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

EXIT_BAD_INPUT = 2


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("face_model", help="name of a face model, or its .npz")
    parser.add_argument(
        "--out", type=pathlib.Path, help="picture to write (default: <name>.png, here)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random faces (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace an older picture")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        parser.error("--seed must not be negative")
    if options.out is None:
        name = pathlib.PurePath(options.face_model).name.removesuffix(".npz")
        options.out = pathlib.Path(f"{name}.png")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.io import image_files
    from tf_facerecon.morphable_models.morphable_model import MorphableModel
    from tf_facerecon.visualization import model_overview

    try:
        if options.out.exists() and not options.overwrite:
            raise FileExistsError(f"{options.out} exists; add --overwrite to replace it.")
        model = MorphableModel.from_preset(options.face_model)
        print(f"Drawing {model.name} ({model.num_vertices} vertices) ...", flush=True)
        sheet = model_overview.model_overview(model, options.seed)
        image_files.write_image(options.out, sheet)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(f"Written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
