"""File format of face models: an `array_archive` with a format version and a checksum.

Convention:
    Members are `format_version`, `checksum`, `redistributable`, the strings and arrays of
    `model_checks` by name, `expression_names`, one `region_<name>` for each region, and for a basis
    in half precision `<basis>_scale`, a power of two per mode that multiplies it, or for a compact
    one `<basis>_step`, its step size per mode (`compact_basis`).
"""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_facerecon.io import array_archive
from tf_facerecon.morphable_models import compact_basis, model_checks

FORMAT_VERSION = 2
BASES = ("identity_basis", "expression_basis", "albedo_basis")

_REGION = "region_"
_SCALE = "_scale"
_STEP = "_step"
_STEP_SIZES = {
    "identity_basis": compact_basis.SHAPE_STEP,
    "expression_basis": compact_basis.SHAPE_STEP,
    "albedo_basis": compact_basis.COLOUR_STEP,
}


def write_model(
    path: str | os.PathLike,
    fields: Mapping[str, Any],
    *,
    half: bool = False,
    compact: bool = False,
) -> float:
    """Writes the fields of a `MorphableModel`; equal fields give identical files.

    Args:
        path: The file; written atomically.
        fields: Validated fields by name.
        half: Whether to store the bases in float16 with a scale per mode, and compressed: at most
            half the size, but the file cannot be memory-mapped.
        compact: Whether to store the bases as delta-coded integers, compressed: about a quarter of
            the size, but the file cannot be memory-mapped.

    Returns:
        Largest possible error of a vertex in mm: `quantization_error_mm`,
        `compact_basis.shape_error_mm`, or 0.

    Raises:
        ValueError: If both `half` and `compact` are given.
    """
    if half and compact:
        raise ValueError("Face models are stored with `half` or `compact`. Received: both.")
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
            members[name], members[name + _SCALE] = quantize_basis(fields[name])
    if compact:
        for name in BASES:
            members[name], members[name + _STEP] = compact_basis.encode_basis(
                fields[name], _STEP_SIZES[name]
            )
    members["checksum"] = np.array(_checksum(members))
    array_archive.write_archive(path, members, compress=half or compact)
    if compact:
        return compact_basis.shape_error_mm(fields)
    return quantization_error_mm(fields) if half else 0.0


def read_model(path: str | os.PathLike, *, mapped: bool = False) -> dict[str, Any]:
    """Reads a file of `write_model` and verifies its checksum; the fields are not validated.

    Args:
        path: The file.
        mapped: Whether to memory-map the arrays: processes share one copy, and pages are loaded on
            first use. The bases of a half-precision file are read.

    Returns:
        The fields of a `MorphableModel`, with read-only arrays.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a face model of this format, is damaged, or lacks a member.
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
            f"{FORMAT_VERSION}. Build it again with `tf-facerecon build-face-model`."
        )
    try:
        return _fields(members)
    except ValueError as error:
        raise ValueError(f"Face model {path!r} {error}") from error


def quantize_basis(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float16 quantization of a basis with a scale per mode.

    The largest value of each mode is scaled to between 2^14 and 2^15 (float16 overflows at 2^16),
    so that every value down to 2^-28 of the largest keeps a significand of eleven bits.

    Args:
        basis: `[V, 3, K]`.

    Returns:
        float16 `[V, 3, K]`, and the scales `[K]`, float32 powers of two, that multiply it.
    """
    largest = np.abs(basis).max(axis=(0, 1))
    # Smaller modes have no effect, and their scales would underflow float32.
    _, exponent = np.frexp(np.maximum(largest, np.float32(2.0**-100)))
    scale = np.ldexp(np.float32(1.0), exponent - 15).astype(np.float32)
    return (basis / scale).astype(np.float16), scale


def dequantize_basis(half: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The float32 basis of `quantize_basis`, without further rounding."""
    return half.astype(np.float32) * scale


def quantization_error_mm(fields: Mapping[str, Any], coefficient: float = 3.0) -> float:
    """Upper bound in mm of the vertex displacement by quantization to half precision.

    The errors of all modes are assumed to add up. The mean shape is stored in full precision.

    Args:
        fields: Fields of a `MorphableModel`.
        coefficient: Largest absolute identity or expression coefficient.
    """
    error = 0.0
    for name in ("identity_basis", "expression_basis"):
        quantized = dequantize_basis(*quantize_basis(fields[name])).astype(np.float64)
        error = error + np.linalg.norm(quantized - fields[name], axis=1).sum(axis=-1)
    return float(100.0 * coefficient * np.max(error))


def _fields(members: dict[str, np.ndarray]) -> dict[str, Any]:
    """Fields of a model from the members of its file, after verifying the checksum."""
    required = ("redistributable", "expression_names", *model_checks.TEXTS, "checksum")
    wanted = ("format_version", *model_checks.CORE_ARRAYS, *required)
    missing = [name for name in wanted if name not in members]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}.")
    checksum = _checksum(members)
    if str(members["checksum"]) != checksum:
        raise ValueError(
            f"is damaged: its checksum is {checksum[:12]}…, expected "
            f"{str(members['checksum'])[:12]}…. Build or copy it again."
        )
    arrays = {
        name: members.get(name)
        for name in (*model_checks.CORE_ARRAYS, *model_checks.OPTIONAL_ARRAYS)
    }
    for name in BASES:
        if arrays[name].dtype == np.float16:
            arrays[name] = _from_stored_half(name, members)
        elif arrays[name].dtype == np.uint8:
            arrays[name] = _from_compact(name, members)
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
        raise ValueError(f"needs {name + _SCALE}, one value per mode, with {name} in float16.")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError(f"needs positive values in {name + _SCALE}.")
    with np.errstate(over="ignore"):
        basis = dequantize_basis(half, scale)
    basis.setflags(write=False)  # So that the validation does not copy it.
    return basis


def _from_compact(name: str, members: dict[str, np.ndarray]) -> np.ndarray:
    stored, steps = members[name], members.get(name + _STEP)
    fits = stored.ndim == 4 and len(stored) == 2 and steps is not None
    if not fits or steps.shape != stored.shape[1:2] or steps.dtype.kind != "f":
        raise ValueError(f"needs {name + _STEP}, one value per mode, with {name} in bytes.")
    if not (np.isfinite(steps).all() and (steps > 0).all()):
        raise ValueError(f"needs positive values in {name + _STEP}.")
    with np.errstate(over="ignore"):
        basis = compact_basis.decode_basis(stored, steps)
    basis.setflags(write=False)  # So that the validation does not copy it.
    return basis


def _checksum(members: Mapping[str, np.ndarray]) -> str:
    """sha256 (hex) of all known members, with names, dtypes and shapes."""
    scales = tuple(name + suffix for name in BASES for suffix in (_SCALE, _STEP))
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
