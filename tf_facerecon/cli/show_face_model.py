"""Renders an overview of a morphable face model as one image.

    tf-facerecon show-face-model procedural
    tf-facerecon show-face-model my_model.npz --out my_model.png

From top to bottom: the mean face from five viewpoints, as untextured shape, with its regions
coloured and with a checkerboard texture; the first eight identity, expression and texture modes at
-2 and +2 standard deviations (or at the limits of their range); eight random faces; the 68
landmarks with their indices, those of the NoW challenge in red. With --summary a smaller image, all
in colour: the mean face, the first modes, twelve random faces.
"""

import argparse
import pathlib
import sys

from tf_facerecon.cli.command_parser import command_parser

EXIT_BAD_INPUT = 2


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("show-face-model", __doc__)
    parser.add_argument("face_model", help="name of a face model, or its .npz file")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        help="image to write (default: <name>.png in the current folder)",
    )
    parser.add_argument("--summary", action="store_true", help="render the smaller image")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random faces (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing image")
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
    from tf_facerecon.visualization import face_model_overview

    try:
        if options.out.exists() and not options.overwrite:
            raise FileExistsError(f"{options.out} exists; add --overwrite to replace it.")
        model = MorphableModel.from_preset(options.face_model)
        print(f"Rendering {model.name} ({model.num_vertices} vertices) ...", flush=True)
        draw = face_model_overview.model_overview
        if options.summary:
            draw = face_model_overview.model_summary
        image_files.write_image(options.out, draw(model, options.seed))
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(f"Written to {options.out}")
    return 0
