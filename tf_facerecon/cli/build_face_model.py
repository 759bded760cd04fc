"""Converts a morphable face model from the files its authors distribute, once per machine.

    tf-facerecon build-face-model bfm09 --source FOLDER          Basel Face Model 2009, cropped
    tf-facerecon build-face-model bfm09 --source FOLDER --full   the same with ears and neck
    tf-facerecon build-face-model bfm17 --source FILE.h5         Basel Face Model 2017
    tf-facerecon build-face-model bfm19 --source FILE.h5         Basel Face Model 2019
    tf-facerecon build-face-model ict                            ICT-FaceKit, freely available
    tf-facerecon build-face-model ict_london --photos FOLDER --points FILE.npz
                                                                 ICT-FaceKit with learnt albedo
    tf-facerecon build-face-model procedural --out FILE.npz      the built-in model, as a file

What to pass as --source:
    bfm09  the folder with 01_MorphableModel.mat (or the archive BaselFaceModel.tgz), Exp_Pca.bin
           and the small files of Deep3DFaceReconstruction; or a ready BFM_model_front.mat. If one
           is missing, the error message says where to get it.
    bfm17, bfm19  the .h5 file (face12, bfm or fullHead) that the University of Basel sends a link
           to after registration.
    ict, ict_london  a folder or an archive of ICT-FaceKit (also as --ict); without --source it is
           downloaded and verified. ict_london also needs --photos and --points: photographs with
           the 189 points of the Face Research Lab London Set, see docs/face_models.md.
The Basel models are licensed to the person who registered, for research; neither they nor files
built from them may be redistributed. The licence is printed and stored in the file.

Without --out the file is written to the folder of face models of the package and is available by
name from then on: `face_model.name=bfm09` in a configuration, `--face-model bfm09` on the command
line. Render it with `tf-facerecon show-face-model bfm09`. Exit code 2: a file is missing or
invalid, and nothing was written.
"""

import argparse
import logging
import pathlib
import sys
from typing import Any

from tf_facerecon.cli.command_parser import command_parser

EXIT_BAD_INPUT = 2


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    from tf_facerecon.morphable_models import model_sources

    parser = command_parser("build-face-model", __doc__)
    parser.add_argument("kind", choices=model_sources.KINDS, help="which model")
    parser.add_argument(
        "--source",
        "--ict",
        type=pathlib.Path,
        help="file or folder to build from; --ict where it is ICT-FaceKit",
    )
    parser.add_argument("--out", type=pathlib.Path, help="file to write, .npz")
    flags = {}
    for kind, builder in model_sources.BUILDERS.items():
        for option in builder.options:
            flags.setdefault(option.name, (option, []))[1].append(kind)
    for option, kinds in flags.values():
        is_switch = option.type is bool
        value = {"action": "store_true", "default": None} if is_switch else {"type": option.type}
        if option.choices:
            value["choices"] = option.choices
        parser.add_argument(
            option.flag, dest=option.name, help=f"{', '.join(kinds)}: {option.help}", **value
        )
    parser.add_argument(
        "--half",
        action="store_true",
        help="store bases in float16: half the size; the error is printed",
    )
    parser.add_argument(
        "--compact",
        action="store_true",
        help="store bases as delta-coded integers: a quarter of the size; the error is printed",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    options = parser.parse_args(arguments)
    if options.half and options.compact:
        parser.error("--half and --compact exclude each other")
    for option, kinds in flags.values():
        is_given = getattr(options, option.name) is not None
        if is_given and options.kind not in kinds:
            parser.error(f"{option.flag} is for {', '.join(kinds)}, not for {options.kind}")
        if option.required and not is_given and options.kind in kinds:
            parser.error(f"{options.kind} needs {option.flag}; see --help for what to pass")
    builder = model_sources.BUILDERS[options.kind]
    if not builder.takes_source and (options.out is None or options.source is not None):
        parser.error(
            f"{options.kind} needs --out (the package itself needs no file) and no --source"
        )
    if builder.takes_source and builder.download is None and options.source is None:
        parser.error(f"{options.kind} needs --source; see --help for what to pass")
    if options.out is not None and options.out.suffix != ".npz":
        parser.error(f"--out must end in .npz, got {options.out}")
    return options


def check_free(path: pathlib.Path, overwrite: bool) -> None:
    """Raises `OSError` if `path` exists without `overwrite`, or cannot be written."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; --out must be a file.")
    nearest = next(parent for parent in path.absolute().parents if parent.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(f"Cannot write {path}: {nearest} is a file.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; add --overwrite to replace it.")


def build_options(options: argparse.Namespace) -> dict[str, Any]:
    """The options of the builder selected on the command line, defaults included."""
    from tf_facerecon.morphable_models import model_sources

    chosen = {}
    for option in model_sources.BUILDERS[options.kind].options:
        value = getattr(options, option.name)
        chosen[option.name] = option.default if value is None else value
    return chosen


def known_name(options: argparse.Namespace) -> str | None:
    """The name the model will have, or `None` if only its source determines it."""
    from tf_facerecon.morphable_models import model_sources

    return model_sources.built_name(options.kind, **build_options(options))


def target(options: argparse.Namespace, name: str | None) -> pathlib.Path | None:
    """The file to which a model of that name is written, or `None` if the name is not known yet."""
    from tf_facerecon.morphable_models import morphable_model

    if options.out is not None or name is None:
        return options.out
    return morphable_model.face_model_folder() / f"{name}.npz"


def build(options: argparse.Namespace):
    """Builds the model selected on the command line."""
    from tf_facerecon.morphable_models import model_sources, morphable_model

    source, builder = options.source, model_sources.BUILDERS[options.kind]
    if source is None and builder.download is not None:
        source = builder.download(morphable_model.face_model_folder().parent)
    print(f"Building {options.kind} ({source or 'from formulas'}) ...", flush=True)
    fields = model_sources.build_fields(options.kind, source, **build_options(options))
    return morphable_model.MorphableModel(**fields)


def describe(model, path: pathlib.Path, error_mm: float, options: argparse.Namespace) -> str:
    """Summary of the model written, its licence and its file."""
    modes = (model.identity_basis, model.expression_basis, model.albedo_basis)
    identity, expression, texture = (basis.shape[-1] for basis in modes)
    lines = [
        f"{model.name}: {model.num_vertices} vertices, {len(model.triangles)} triangles; "
        f"{identity} identity, {expression} expression and {texture} texture modes",
        f"Licence: {model.licence}",
        f"Written to {path} ({path.stat().st_size / 1e6:.1f} MB)",
    ]
    if options.compact:
        lines.append(
            f"Compact storage moves no vertex by more than {error_mm:.2g} mm for coefficients up "
            "to 3."
        )
    if options.half:
        lines.append(
            f"Half precision moves no vertex by more than {error_mm:.2g} mm for coefficients up to "
            "3. The fingerprint differs from that of the full-precision model, so networks trained "
            "with one do not accept the other."
        )
    if model.recipe:
        lines.append(
            "The fingerprint of the file differs from that of the built-in model: networks trained "
            f"with {model.name!r} need it by that name, which requires no file."
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.morphable_models import morphable_model

    # Checksums of the source files are logged.
    logging.basicConfig(format="%(message)s")
    logging.getLogger("tf_facerecon").setLevel(logging.INFO)
    try:
        # Checked before downloading and building if the name is already known.
        if early := target(options, known_name(options)):
            check_free(early, options.overwrite)
        model = build(options)
        path = target(options, model.name)
        check_free(path, options.overwrite)
        error_mm = model.save(path, half=options.half, compact=options.compact)
    except (OSError, ValueError, MemoryError) as error:
        print(f"error: {str(error) or type(error).__name__}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(describe(model, path, error_mm, options))
    # A name of a model that ships finds that one, not the file.
    by_path = options.out or model.name in morphable_model.shipped_face_models()
    print(f"Use it as {path if by_path else model.name}")
    return 0
