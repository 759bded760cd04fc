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

from tf_facerecon.morphable_models.importers.ict import ict_parts

PROCEDURAL = "procedural"
DEFAULT = "ict_london"  # Of the layers and trainings that are not told.

_COMMAND = "tf-facerecon build-face-model"


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


def _no_name(**options: Any) -> str | None:
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
    kind: str, source: str | os.PathLike | None = None, **options: Any
) -> dict[str, Any]:
    """Reads or computes the fields of a `MorphableModel`.

    Args:
        kind: One of `KINDS`.
        source: Source file or folder; `None` for the procedural model.
        **options: Options of the kind, as listed in `BUILDERS[kind].options`.

    Raises:
        FileNotFoundError: If a file is missing; the message says where to get it.
        ValueError: If the kind or an option is unknown or missing, a file is invalid, or it belongs
            to another kind of model.
    """
    if kind not in BUILDERS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind!r}.")
    options = _complete_options(kind, options)
    if BUILDERS[kind].takes_source and source is None:
        raise ValueError(f"`source` must be the source files of {kind}. Received: None.")
    return BUILDERS[kind].build(source, **options)


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


def _build_ict_london(
    source: str | os.PathLike,
    *,
    photos: str | os.PathLike,
    points: str | os.PathLike,
    num_vertices: int | None,
) -> dict[str, Any]:
    from tf_facerecon.morphable_models.ict_london import ict_london_model

    options = {} if num_vertices is None else {"num_vertices": num_vertices}
    return ict_london_model.ict_london_fields(source, photos, points, **options)


def _ict_london_name(*, num_vertices: int | None, **options: Any) -> str:
    return "ict_london" if num_vertices is None else f"ict_london-{num_vertices}"


def _build_procedural(source: None, *, num_vertices: int | None) -> dict[str, Any]:
    from tf_facerecon.morphable_models.procedural import procedural_model

    if num_vertices is None:
        num_vertices = procedural_model.DEFAULT_VERTICES
    return procedural_model.procedural_fields(num_vertices)


_NUM_VERTICES = BuildOption(
    "num_vertices", "--vertices", "approximate number (default: 10000)", type=int
)

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
    "ict_london": ModelBuilder(
        build=_build_ict_london,
        download=_download_ict,
        options=(
            BuildOption(
                "photos",
                "--photos",
                "folder or tar archive of photographs",
                type=pathlib.Path,
                required=True,
            ),
            BuildOption(
                "points",
                "--points",
                ".npz with the points of the photographs",
                type=pathlib.Path,
                required=True,
            ),
            _NUM_VERTICES,
        ),
        model_name=_ict_london_name,
        commands={"ict_london": "ict_london --photos FOLDER --points FILE.npz"},
    ),
    PROCEDURAL: ModelBuilder(
        build=_build_procedural,
        takes_source=False,
        options=(_NUM_VERTICES,),
    ),
}
KINDS = tuple(BUILDERS)
