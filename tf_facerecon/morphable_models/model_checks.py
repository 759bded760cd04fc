"""Validation of the fields of a face model: dtype, shape, range and indices.

Convention:
    Sizes: V vertices, T triangles, U texture coordinates, K_id, K_exp, K_tex modes. A size is
    defined by the first array that has it, and all later arrays must agree.
"""

import dataclasses
import math
import re
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

NUM_LANDMARKS = 68
UNITS = "dm"
# iBUG numbers of the landmarks of the NoW challenge in its order: outer and inner corners of both
# eyes from the image's left, nose base, mouth corners.
NOW_POINTS = (36, 39, 42, 45, 33, 48, 54)

_REGION_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclasses.dataclass(frozen=True)
class ArrayField:
    """Specification of one array.

    Attributes:
        dtype: Data type of the validated array.
        shape: Numbers, or names of sizes.
        low: Smallest allowed value.
        high: Largest allowed value.
        below: For indices, name of the size that all values must be below.
    """

    dtype: type
    shape: tuple[int | str, ...]
    low: float = -math.inf
    high: float = math.inf
    below: str | None = None


# Arrays that define the model (its fingerprint is computed from them), and two masks.
CORE_ARRAYS = {
    "mean_shape": ArrayField(np.float32, ("V", 3)),
    "identity_basis": ArrayField(np.float32, ("V", 3, "K_id")),
    "expression_basis": ArrayField(np.float32, ("V", 3, "K_exp")),
    "mean_albedo": ArrayField(np.float32, ("V", 3)),
    "albedo_basis": ArrayField(np.float32, ("V", 3, "K_tex")),
    "triangles": ArrayField(np.int32, ("T", 3), 0, below="V"),
    "landmarks": ArrayField(np.int32, (NUM_LANDMARKS,), 0, below="V"),
    "uv": ArrayField(np.float32, ("U", 2), 0, 1),
    "skin_region": ArrayField(np.float32, ("V",), 0, 1),
    "face_region": ArrayField(np.float32, ("V",), 0, 1),
}
OPTIONAL_ARRAYS = {
    "uv_triangles": ArrayField(np.int32, ("T", 3), 0, below="U"),
    "now_landmarks": ArrayField(np.int32, (len(NOW_POINTS),), 0, below="V"),
    "expression_range": ArrayField(np.float32, ("K_exp", 2)),
    "expression_requires": ArrayField(np.int32, ("K_exp",), -1, below="K_exp"),
    "identity_scales": ArrayField(np.float32, ("K_id",), 0),
    "expression_scales": ArrayField(np.float32, ("K_exp",), 0),
    "texture_scales": ArrayField(np.float32, ("K_tex",), 0),
    "mirror_index": ArrayField(np.int32, ("V",), 0, below="V"),
}
TEXTS = ("name", "source", "licence", "units")
_REGION = ArrayField(np.float32, ("V",), 0, 1)


def checked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Validates the fields of a `MorphableModel` and converts them to their final types.

    Args:
        fields: All fields by name, as `MorphableModel` documents them.

    Returns:
        Arrays, `regions` and `expression_names`: read-only, of the documented types. Arrays that
        already are read-only, contiguous and of that type are not copied, so that memory-mapped
        files stay mapped. `now_landmarks` is filled in.

    Raises:
        ValueError: The message names field and model, the expected and the received value.
    """
    model = f"of face model {fields['name']!r}"
    for name in TEXTS:
        if not isinstance(fields[name], str):
            raise ValueError(f"`{name}` {model} must be a string. Received: {fields[name]!r}.")
    if fields["units"] != UNITS:
        raise ValueError(f"`units` {model} must be {UNITS!r}. Received: {fields['units']!r}.")
    sizes: dict[int | str, int] = {}
    checked = {
        name: _checked_array(f"`{name}` {model}", fields[name], field, sizes)
        for name, field in CORE_ARRAYS.items()
    }
    for name, field in OPTIONAL_ARRAYS.items():
        value = fields[name]
        if value is not None:
            value = _checked_array(f"`{name}` {model}", value, field, sizes)
        checked[name] = value
    if checked["now_landmarks"] is None:
        checked["now_landmarks"] = _read_only(checked["landmarks"][list(NOW_POINTS)])
    if checked["uv_triangles"] is None and sizes["U"] != sizes["V"]:
        raise ValueError(
            f"`uv` {model} must have shape [{sizes['V']}, 2], one row per vertex, unless "
            f"`uv_triangles` is given. Received: {sizes['U']} rows."
        )
    _check_expressions(checked, model)
    _check_mirror(checked["mirror_index"], model)
    checked["expression_names"] = _checked_names(fields["expression_names"], sizes["K_exp"], model)
    checked["regions"] = _checked_regions(fields["regions"], sizes, model)
    return checked


def _checked_array(
    label: str, value: Any, field: ArrayField, sizes: dict[int | str, int]
) -> np.ndarray:
    """`value` as a read-only array of the field's dtype; defines sizes that are not known yet."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{label} must be an array. Received: {error}.") from error
    expected = [sizes.get(size, size) for size in field.shape]
    fits = array.ndim == len(expected) and all(
        got > 0 if isinstance(want, str) else got == want
        for want, got in zip(expected, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{label} must have shape [{', '.join(map(str, expected))}]. "
            f"Received: shape {array.shape}."
        )
    sizes.update(zip(field.shape, array.shape, strict=True))
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{label} must hold finite numbers. Received: dtype {array.dtype}.")
    _check_values(label, array, field, sizes)
    kept = array.dtype == field.dtype and array.flags.c_contiguous and not array.flags.writeable
    with np.errstate(over="ignore"):
        checked = array if kept else np.array(array, field.dtype, order="C")
    if field.dtype is np.float32 and not np.isfinite(checked).all():
        raise ValueError(f"{label} must hold finite numbers. Received: NaN or infinite ones.")
    return _read_only(checked)


def _check_values(
    label: str, array: np.ndarray, field: ArrayField, sizes: dict[int | str, int]
) -> None:
    """Raises `ValueError` for values out of range and for fractional indices."""
    if field.dtype is np.int32 and array.dtype.kind == "f" and (array != np.round(array)).any():
        raise ValueError(f"{label} must hold integers. Received: dtype {array.dtype}.")
    low, high = field.low, sizes[field.below] - 1 if field.below else field.high
    if math.isinf(low) and math.isinf(high):
        return
    # Negated, so that NaN is out of range.
    if not (array.min() >= low and array.max() <= high):
        wanted = f"not be less than {low}" if math.isinf(high) else f"lie in [{low}, {high}]"
        raise ValueError(f"{label} must {wanted}. Received: {array.min()} to {array.max()}.")


def _check_expressions(checked: Mapping[str, Any], model: str) -> None:
    ranges, requires = checked["expression_range"], checked["expression_requires"]
    if ranges is not None:
        wrong = (ranges[:, 0] > 0) | (ranges[:, 1] < 0) | (ranges[:, 0] >= ranges[:, 1])
        if wrong.any():
            mode = int(np.argmax(wrong))
            raise ValueError(
                f"`expression_range` {model} must hold low < high with 0 between them. "
                f"Received: {ranges[mode].tolist()} for mode {mode}."
            )
    if requires is not None:
        # Required modes must not require others: no chains, hence no cycles.
        wrong = (requires >= 0) & (requires[requires] >= 0)
        if wrong.any():
            mode = int(np.argmax(wrong))
            raise ValueError(
                f"`expression_requires` {model} must name modes that require none themselves. "
                f"Received: mode {mode} requires {requires[mode]}, which requires "
                f"{requires[requires[mode]]}."
            )
    if ranges is not None and requires is not None:
        # A mode is clipped to the one it requires, which must not push it below its own range.
        wrong = (requires >= 0) & (ranges[requires, 0] < ranges[:, 0])
        if wrong.any():
            mode = int(np.argmax(wrong))
            raise ValueError(
                f"`expression_range` {model} must not allow a mode to be smaller than the minimum "
                f"of one that requires it. Received: {ranges[mode].tolist()} for mode {mode}, "
                f"{ranges[requires[mode]].tolist()} for mode {requires[mode]}, which it requires."
            )


def _check_mirror(mirror: np.ndarray | None, model: str) -> None:
    if mirror is not None:
        wrong = mirror[mirror] != np.arange(len(mirror))
        if wrong.any():
            vertex = int(np.argmax(wrong))
            raise ValueError(
                f"`mirror_index` {model} must be an involution. Received: vertex {vertex} to "
                f"{mirror[vertex]}, and that to {mirror[mirror[vertex]]}."
            )


def _checked_names(names: Any, num_modes: int, model: str) -> tuple[str, ...]:
    names = tuple(names)
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"`expression_names` {model} must be strings. Received: {names}.")
    if len(names) not in (0, num_modes) or len(set(names)) != len(names):
        raise ValueError(
            f"`expression_names` {model} must be empty or {num_modes} unique names. "
            f"Received: {len(names)} names, {len(set(names))} of them unique."
        )
    return names


def _checked_regions(
    regions: Any, sizes: dict[int | str, int], model: str
) -> Mapping[str, np.ndarray]:
    if not isinstance(regions, Mapping):
        raise ValueError(f"`regions` {model} must be a mapping. Received: {type(regions)}.")
    for name in regions:
        if not isinstance(name, str) or not _REGION_NAME.fullmatch(name):
            raise ValueError(
                f"`regions` {model} must have names of lowercase letters, digits and underscores. "
                f"Received: {name!r}."
            )
    return types.MappingProxyType(
        {
            name: _checked_array(f"`regions[{name!r}]` {model}", value, _REGION, sizes)
            for name, value in regions.items()
        }
    )


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
