"""Files of face models: format, version and checksum of what `array_archive` stores.

Convention:
    Members are `format_version`, `checksum`, `redistributable`, the texts and arrays of
    `model_checks` by name, `expression_names`, one `region_<name>` for each region, and for a basis
    in half precision `<basis>_scale`, the power of two of each mode by which it is multiplied.
"""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_facerecon.io import array_archive
from tf_facerecon.morphable_models import half_precision, model_checks

FORMAT_VERSION = 2
BASES = ("identity_basis", "expression_basis", "albedo_basis")

_REGION = "region_"
_SCALE = "_scale"


def write_model(path: str | os.PathLike, fields: Mapping[str, Any], *, half: bool = False) -> float:
    """Writes the fields of a `MorphableModel`; the same fields give the same bytes.

    Args:
        path: Where to; an older file is replaced only by a whole new one.
        fields: Checked fields by name.
        half: Stores the bases in float16, each mode multiplied by a power of two so that none runs
            out of exponents, and compresses: at most half the size, and not mappable.

    Returns:
        How far in mm the stored model may be from this one: `half_precision.error_mm`, or 0.
    """
    members = {
        "format_version": np.array(FORMAT_VERSION),
        "redistributable": np.array(bool(fields["redistributable"])),
        "expression_names": np.array(fields["expression_names"], dtype=np.str_),
        **{name: np.array(fields[name]) for name in model_checks.TEXTS},
        **{f"{_REGION}{name}": region for name, region in fields["regions"].items()},
    }
    for name in (*model_checks.CORE_ARRAYS, *model_checks.OPTIONAL_ARRAYS):
        if fields[name] is not None:
            members[name] = fields[name]
    if half:
        for name in BASES:
            members[name], members[name + _SCALE] = half_precision.to_half(fields[name])
    members["checksum"] = np.array(_checksum(members))
    array_archive.write_archive(path, members, compress=half)
    return half_precision.error_mm(fields) if half else 0.0


def read_model(path: str | os.PathLike, *, mapped: bool = False) -> dict[str, Any]:
    """Reads what `write_model` wrote, whole and as it was, but not yet checked as a face model.

    Args:
        path: The file.
        mapped: Leaves arrays in the file and maps them into memory: several processes share one
            copy, and what is not used is not loaded. Arrays of a half-precision file are read.

    Returns:
        The fields of a `MorphableModel`, their arrays read-only.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no face model of this format, is damaged, or lacks something.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no face model file {path!r}.")
    try:
        members = array_archive.read_archive(path, mapped=mapped)
        version = int(members["format_version"]) if "format_version" in members else None
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{path!r} is not a readable face model (.npz): {error}") from error
    if version is not None and version != FORMAT_VERSION:
        raise ValueError(
            f"Face model {path!r} has format version {version}; this package reads version "
            f"{FORMAT_VERSION}. Make it again with `tf-facerecon build-face-model`."
        )
    try:
        return _fields(members)
    except ValueError as error:
        raise ValueError(f"Face model {path!r} {error}") from error


def _fields(members: dict[str, np.ndarray]) -> dict[str, Any]:
    """Fields of a model from the members of its file, once their checksum is right."""
    required = ("redistributable", "expression_names", *model_checks.TEXTS, "checksum")
    wanted = ("format_version", *model_checks.CORE_ARRAYS, *required)
    missing = [name for name in wanted if name not in members]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}.")
    checksum = _checksum(members)
    if str(members["checksum"]) != checksum:
        raise ValueError(
            f"is damaged: its checksum is {checksum[:12]}…, expected "
            f"{str(members['checksum'])[:12]}…. Make or copy it again."
        )
    arrays = {
        name: members.get(name)
        for name in (*model_checks.CORE_ARRAYS, *model_checks.OPTIONAL_ARRAYS)
    }
    for name in BASES:
        if arrays[name].dtype == np.float16:
            arrays[name] = _from_stored_half(name, members)
    regions = {
        name.removeprefix(_REGION): members[name] for name in members if name.startswith(_REGION)
    }
    return {
        **arrays,
        **{name: str(members[name]) for name in model_checks.TEXTS},
        "redistributable": bool(members["redistributable"]),
        "expression_names": tuple(members["expression_names"].ravel().tolist()),
        "regions": regions,
    }


def _from_stored_half(name: str, members: dict[str, np.ndarray]) -> np.ndarray:
    half, scale = members[name], members.get(name + _SCALE)
    if scale is None or half.ndim != 3 or scale.shape != half.shape[-1:] or scale.dtype.kind != "f":
        raise ValueError(f"needs {name + _SCALE}, one number per mode, with {name} in float16.")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError(f"needs positive numbers in {name + _SCALE}.")
    with np.errstate(over="ignore"):
        basis = half_precision.from_half(half, scale)
    basis.setflags(write=False)  # So that the checks need not copy it.
    return basis


def _checksum(members: Mapping[str, np.ndarray]) -> str:
    """sha256 (hex) of all members that are read, with names, types and shapes."""
    scales = tuple(name + _SCALE for name in BASES)
    known = {
        *model_checks.CORE_ARRAYS, *model_checks.OPTIONAL_ARRAYS, *model_checks.TEXTS, *scales,
        "format_version", "redistributable", "expression_names",
    }  # fmt: skip
    digest = hashlib.sha256()
    for name in sorted(members):
        if name in known or name.startswith(_REGION):
            array = members[name]
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array_archive.array_bytes(array))
    return digest.hexdigest()
