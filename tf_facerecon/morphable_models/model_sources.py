"""Registry of the face models that can be built from source files: builders, options and names.

To add a face model, add a `ModelBuilder` to `BUILDERS`: `MorphableModel.from_preset`, its error
messages and the command `tf-facerecon build-face-model` are driven by this table. Builders import
their package only when they are called, and return the fields of a `MorphableModel` as a dict,
because `morphable_model` imports this module.
"""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

<<<<<<< HEAD
from tf_facerecon.morphable_models.importers.ict import ict_parts

PROCEDURAL = "procedural"

_COMMAND = "tf-facerecon build-face-model"
=======
KINDS = ("bfm09", "bfm17", "bfm19", "ict", "ict_london", "procedural")
# Of ICT-FaceKit; the first is what "ict" alone stands for.
PARTS = ("narrow_face", "face", "full_head")

_COMMAND = "tf-facerecon build-face-model"
_ARGUMENTS = {
    "bfm09": "bfm09 --source FOLDER",
    "bfm09-full": "bfm09 --source FOLDER --full",
    **dict.fromkeys(("bfm17", "bfm17-face12"), "bfm17 --source FILE.h5"),
    **dict.fromkeys(("bfm19", "bfm19-face12", "bfm19-full-head"), "bfm19 --source FILE.h5"),
    "ict": "ict",
    "ict-face": "ict --part face",
    "ict-full-head": "ict --part full_head",
    "ict_london": "ict_london --ict ARCHIVE --photos FOLDER --points FILE.npz",
}
>>>>>>> 49672ae (Quantize face models for shipping and build ict_london by the command)


@dataclasses.dataclass(frozen=True)
class BuildOption:
    """An option of a builder; also defines its command-line flag.

    Attributes:
        name: Keyword argument of the builder.
        flag: Command-line flag.
        help: Help text of the flag.
        type: Converts the text of the flag; `bool` for a switch without a value.
        choices: Allowed values; empty if unrestricted.
        default: Value if the option is not given.
        required: Whether it must be given.
    """

    name: str
    flag: str
    help: str
    type: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False


<<<<<<< HEAD
def _no_name(**options: Any) -> str | None:
=======
def built_name(
    kind: str, *, full: bool = False, part: str = PARTS[0], num_vertices: int | None = None
) -> str | None:
    """The name of the model that `build_fields` makes, where its source has no say in it.

    Args:
        kind: One of `KINDS`.
        full: As for `build_fields`.
        part: As for `build_fields`.
        num_vertices: As for `build_fields`.

    Returns:
        The name, or `None` for models that are named after their file.
    """
    if kind == "bfm09":
        return "bfm09-full" if full else kind
    if kind == "ict":
        return kind if part == PARTS[0] else f"ict-{part.replace('_', '-')}"
    if kind == "ict_london":
        return kind if num_vertices is None else f"{kind}-{num_vertices}"
>>>>>>> 49672ae (Quantize face models for shipping and build ict_london by the command)
    return None


@dataclasses.dataclass(frozen=True)
class ModelBuilder:
    """How one kind of face model is built.

    Attributes:
        build: `build(source, **options)` returns the fields of the `MorphableModel`; `source` is a
            path, or `None` for kinds without source files.
        takes_source: Whether the model is built from source files.
        download: Downloads public source files into a folder and returns the source; `None` if
            users have to provide the files.
        options: Options of `build`.
        model_name: `model_name(**options)` is the name of the model, or `None` if that depends on
            the source.
        commands: Arguments of `tf-facerecon build-face-model` by the name of the model they build.
    """

    build: Callable[..., dict[str, Any]]
    takes_source: bool = True
    download: Callable[[str | os.PathLike], pathlib.Path] | None = None
    options: tuple[BuildOption, ...] = ()
    model_name: Callable[..., str | None] = _no_name
    commands: Mapping[str, str] = dataclasses.field(default_factory=dict)


def build_command(name: str) -> str | None:
    """The command that builds the model of that name, or `None` for unknown names.

    Args:
        name: As for `MorphableModel.from_preset`: a kind, or one of its variants (`bfm09-full`,
            `bfm17-face12`, `ict-full-head`).
    """
    for builder in BUILDERS.values():
        if name in builder.commands:
            return f"{_COMMAND} {builder.commands[name]}"
    return None


def built_name(kind: str, **options: Any) -> str | None:
    """The name of the model that `build_fields` builds, or `None` if it depends on the source.

    Args:
        kind: One of `KINDS`.
        **options: As for `build_fields`.
    """
    return BUILDERS[kind].model_name(**_complete_options(kind, options))


def build_fields(
<<<<<<< HEAD
    kind: str, source: str | os.PathLike | None = None, **options: Any
=======
    kind: str,
    source: str | os.PathLike | None = None,
    *,
    full: bool = False,
    part: str = PARTS[0],
    num_vertices: int | None = None,
    photos: str | os.PathLike | None = None,
    points: str | os.PathLike | None = None,
>>>>>>> 49672ae (Quantize face models for shipping and build ict_london by the command)
) -> dict[str, Any]:
    """Reads or computes the fields of a `MorphableModel`.

    Args:
        kind: One of `KINDS`.
<<<<<<< HEAD
        source: Source file or folder; `None` for the procedural model.
        **options: Options of the kind, as listed in `BUILDERS[kind].options`.
=======
        source: File or folder to build from; none for the procedural face.
        full: Of bfm09, all vertices with ears and neck.
        part: Of ict, one of `PARTS`.
        num_vertices: Of the procedural face and of ict_london; none for the usual number.
        photos: Of ict_london, folder or tar archive of photographs.
        points: Of ict_london, file with the points of the photographs.
>>>>>>> 49672ae (Quantize face models for shipping and build ict_london by the command)

    Raises:
        FileNotFoundError: If a file is missing; the message says where to get it.
        ValueError: If the kind or an option is unknown or missing, a file is invalid, or it belongs
            to another kind of model.
    """
    if kind not in BUILDERS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind!r}.")
<<<<<<< HEAD
    options = _complete_options(kind, options)
    if BUILDERS[kind].takes_source and source is None:
        raise ValueError(f"`source` must be the source files of {kind}. Received: None.")
    return BUILDERS[kind].build(source, **options)
=======
    if kind == "procedural":
        return _procedural_fields(num_vertices)
    if source is None:
        raise ValueError(f"`source` must name the files of {kind}. Received: None.")
    if kind == "bfm09":
        from tf_facerecon.morphable_models.importers.basel.bfm09 import bfm09_fields

        return bfm09_fields(source, full=full)
    if kind == "ict":
        from tf_facerecon.morphable_models.importers.ict.ict_model import ict_fields

        return ict_fields(source, part=part)
    if kind == "ict_london":
        return _ict_london_fields(source, photos, points, num_vertices)
    return _checked_year(kind, source)
>>>>>>> 49672ae (Quantize face models for shipping and build ict_london by the command)


def _complete_options(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Adds defaults; raises `ValueError` for unknown and missing options and invalid choices."""
    known = {option.name: option for option in BUILDERS[kind].options}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"`options` of {kind} must be among {sorted(known)}. Received: {', '.join(unknown)}."
        )
    complete = {name: options.get(name, option.default) for name, option in known.items()}
    for name, option in known.items():
        value = complete[name]
        if value is None and option.required:
            raise ValueError(f"{kind} needs `{name}`: {option.help}. Received: None.")
        if value is not None and option.choices and value not in option.choices:
            raise ValueError(f"`{name}` must be one of {option.choices}. Received: {value!r}.")
    return complete


def _build_bfm09(source: str | os.PathLike, *, full: bool) -> dict[str, Any]:
    from tf_facerecon.morphable_models.importers.basel import bfm09

    return bfm09.bfm09_fields(source, full=full)


def _build_bfm17_or_19(kind: str) -> Callable[..., dict[str, Any]]:
    def build(source: str | os.PathLike) -> dict[str, Any]:
        from tf_facerecon.morphable_models.importers.basel import bfm17

        fields = bfm17.bfm17_fields(source)
        if not fields["name"].startswith(kind):
            raise ValueError(
                f"{os.fspath(source)!r} contains {fields['name']} according to its file name, not "
                f"{kind}: build {fields['name'].partition('-')[0]}, or restore the published name."
            )
        return fields

    return build


def _build_ict(source: str | os.PathLike, *, part: str) -> dict[str, Any]:
    from tf_facerecon.morphable_models.importers.ict import ict_model

    return ict_model.ict_fields(source, part=part)


def _download_ict(folder: str | os.PathLike) -> pathlib.Path:
    from tf_facerecon.morphable_models.importers.ict import ict_download

    return ict_download.fetch_ict(pathlib.Path(folder) / "ict-facekit")


def _build_procedural(source: None, *, num_vertices: int | None) -> dict[str, Any]:
    from tf_facerecon.morphable_models.procedural import procedural_model

    if num_vertices is None:
        num_vertices = procedural_model.DEFAULT_VERTICES
    return procedural_model.procedural_fields(num_vertices)


<<<<<<< HEAD
BUILDERS: Mapping[str, ModelBuilder] = {
    "bfm09": ModelBuilder(
        build=_build_bfm09,
        options=(BuildOption("full", "--full", "with ears and neck", bool, default=False),),
        model_name=lambda full: "bfm09-full" if full else "bfm09",
        commands={
            "bfm09": "bfm09 --source FOLDER",
            "bfm09-full": "bfm09 --source FOLDER --full",
        },
    ),
    "bfm17": ModelBuilder(
        build=_build_bfm17_or_19("bfm17"),
        commands=dict.fromkeys(("bfm17", "bfm17-face12"), "bfm17 --source FILE.h5"),
    ),
    "bfm19": ModelBuilder(
        build=_build_bfm17_or_19("bfm19"),
        commands=dict.fromkeys(
            ("bfm19", "bfm19-face12", "bfm19-full-head"), "bfm19 --source FILE.h5"
        ),
    ),
    "ict": ModelBuilder(
        build=_build_ict,
        download=_download_ict,
        options=(
            BuildOption(
                "part",
                "--part",
                f"part of the head (default: {ict_parts.NARROW_FACE})",
                choices=ict_parts.PART_NAMES,
                default=ict_parts.NARROW_FACE,
            ),
        ),
        model_name=ict_parts.model_name,
        commands={
            "ict": "ict",
            "ict-face": "ict --part face",
            "ict-full-head": "ict --part full_head",
        },
    ),
    PROCEDURAL: ModelBuilder(
        build=_build_procedural,
        takes_source=False,
        options=(
            BuildOption(
                "num_vertices", "--vertices", "approximate number (default: 10000)", type=int
            ),
        ),
    ),
}
KINDS = tuple(BUILDERS)
=======
def _ict_london_fields(source, photos, points, num_vertices) -> dict[str, Any]:
    from tf_facerecon.morphable_models.ict_london import ict_london_model

    for name, value in (("photos", photos), ("points", points)):
        if value is None:
            raise ValueError(f"`{name}` must be given for ict_london. Received: None.")
    options = {} if num_vertices is None else {"num_vertices": num_vertices}
    return ict_london_model.ict_london_fields(source, photos, points, **options)


def _checked_year(kind: str, source: str | os.PathLike) -> dict[str, Any]:
    """Fields of a model of 2017 or 2019, whichever was asked for."""
    from tf_facerecon.morphable_models.importers.basel.bfm17 import bfm17_fields

    fields = bfm17_fields(source)
    if not fields["name"].startswith(kind):
        raise ValueError(
            f"{os.fspath(source)!r} goes by the name of {fields['name']}, not {kind}: build "
            f"{fields['name'].partition('-')[0]}, or name the file as it was published."
        )
    return fields
>>>>>>> 49672ae (Quantize face models for shipping and build ict_london by the command)
