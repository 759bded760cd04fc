"""Face models that can be built from files people are sent or may fetch: names and commands."""

import os
from typing import Any

KINDS = ("bfm09", "bfm17", "bfm19", "ict", "procedural")
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
}


def build_command(name: str) -> str | None:
    """The command that makes the model of that name, or `None` if none of ours does.

    Args:
        name: As for `MorphableModel.from_preset`: a kind, or a kind and what it is a variant of
            (`bfm09-full`, `bfm17-face12`, `ict-full-head`).
    """
    return f"{_COMMAND} {_ARGUMENTS[name]}" if name in _ARGUMENTS else None


def built_name(kind: str, *, full: bool = False, part: str = PARTS[0]) -> str | None:
    """The name of the model that `build_fields` makes, where its source has no say in it.

    Args:
        kind: One of `KINDS`.
        full: As for `build_fields`.
        part: As for `build_fields`.

    Returns:
        The name, or `None` for models that are named after their file.
    """
    if kind == "bfm09":
        return "bfm09-full" if full else kind
    if kind == "ict":
        return kind if part == PARTS[0] else f"ict-{part.replace('_', '-')}"
    return None


def build_fields(
    kind: str,
    source: str | os.PathLike | None = None,
    *,
    full: bool = False,
    part: str = PARTS[0],
    num_vertices: int | None = None,
) -> dict[str, Any]:
    """Reads or computes the fields of a `MorphableModel`.

    Args:
        kind: One of `KINDS`.
        source: File or folder to build from; none for the procedural face.
        full: Of bfm09, all vertices with ears and neck.
        part: Of ict, one of `PARTS`.
        num_vertices: Of the procedural face; none for its usual number.

    Raises:
        FileNotFoundError: If a file is missing; says where it comes from.
        ValueError: If a file is not what it should be, or does not belong to `kind`.
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind!r}.")
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
    return _checked_year(kind, source)


def _procedural_fields(num_vertices: int | None) -> dict[str, Any]:
    from tf_facerecon.morphable_models.procedural import procedural_model

    if num_vertices is None:
        num_vertices = procedural_model.DEFAULT_VERTICES
    return procedural_model.procedural_fields(num_vertices)


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
