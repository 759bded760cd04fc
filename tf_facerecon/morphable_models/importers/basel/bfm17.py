"""Importer of the Basel Face Models 2017 and 2019 from their HDF5 files.

Convention:
    Model frame as in the files: +x to the image's right (the subject's left), +y up, +z out of the
    face. The files are in millimetres and RGB 0 to 1; the result is in decimetres.

Source: Gerig et al. 2018, "Morphable Face Models - An Open Framework". Layout (statismo): groups
`shape`, `expression`, `color` with `model/mean [3V]`, `model/pcaBasis [3V, K]` of unit columns,
`model/pcaVariance [K]`; `shape/representer/cells [3, T]`; `metadata/landmarks/json`, a list of
`{"id": name, "coordinates": [x, y, z]}`.
"""

import dataclasses
import json
import os
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_facerecon.morphable_models.importers.basel import (
    hdf5_files,
    ibug_landmarks,
    mesh_annotations,
)

if TYPE_CHECKING:
    import h5py

MILLIMETRES_PER_DECIMETRE = 100.0
LICENCE = (
    "Basel Face Model 2017 / 2019, University of Basel: for non-commercial research by the "
    "registered person; neither the model nor files that contain its bases (including this one) "
    "may be redistributed."
)

_PUBLISHED_NAMES = {
    "model2017-1_bfm_nomouth": "bfm17",
    "model2017-1_face12_nomouth": "bfm17-face12",
    "model2019_bfm": "bfm19",
    "model2019_face12": "bfm19-face12",
    "model2019_fullHead": "bfm19-full-head",
}
_UNIT_TOLERANCE = 0.01
_COLOUR_LIMITS = (-0.5, 1.5)  # Wider than 0 to 1 for means outside it, but not 0 to 255.


@dataclasses.dataclass(frozen=True)
class _LinearModel:
    """Mean `[V, 3]`, modes times their standard deviations `[V, 3, K]`, and these `[K]`."""

    mean: np.ndarray
    basis: np.ndarray
    scales: np.ndarray


def bfm17_fields(source: str | os.PathLike, *, name: str | None = None) -> dict[str, Any]:
    """The fields of `MorphableModel` for a Basel Face Model 2017 or 2019.

    All modes are kept. Expression coefficients 0 give the neutral face, as in the other models of
    this package: the mean of the expression model, which moves the mouth by up to 17 mm, is left
    out (as that of `Exp_Pca.bin` is for the 2009 model).

    Args:
        source: The `.h5` file (`face12`, `bfm` or `fullHead`), or a folder with exactly one. The 68
            landmarks are read from the file `landmarks68.txt` beside it if it exists, else derived
            from the landmarks in the file.
        name: Name of the model; by default derived from the file name.

    Returns:
        The fields by name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or is another model, or landmarks cannot be derived.
    """
    import h5py

    path = _model_file(pathlib.Path(source))
    label = path.name
    try:
        with h5py.File(path, "r") as file:
            _check_groups(file, label)
            shape = _linear_model(file, "shape", label)
            expression = _linear_model(file, "expression", label, len(shape.mean))
            colour = _linear_model(file, "color", label, len(shape.mean))
            cells = hdf5_files.read_array(file, "shape/representer/cells", label, (3, None))
            landmarks = _landmarks(file, path, shape.mean / MILLIMETRES_PER_DECIMETRE)
    except (OSError, RuntimeError, KeyError, MemoryError) as error:
        raise ValueError(f"{str(path)!r} is not a readable HDF5 file: {error}") from error
    if not _COLOUR_LIMITS[0] <= colour.mean.min() <= colour.mean.max() <= _COLOUR_LIMITS[1]:
        raise ValueError(
            f"`color/model/mean` of {label} must be RGB from 0 to 1. "
            f"Received: {colour.mean.min():g} to {colour.mean.max():g}."
        )
    mean_shape = (shape.mean - shape.mean.mean(axis=0)) / MILLIMETRES_PER_DECIMETRE
    return _fields(
        name or _PUBLISHED_NAMES.get(path.stem, "bfm19" if "2019" in path.stem else "bfm17"),
        mean_shape,
        mesh_annotations.orient_outward(mean_shape, _triangles(cells, len(mean_shape), label)),
        landmarks,
        identity_basis=shape.basis / MILLIMETRES_PER_DECIMETRE,
        expression_basis=expression.basis / MILLIMETRES_PER_DECIMETRE,
        mean_albedo=colour.mean,
        albedo_basis=colour.basis,
        identity_scales=shape.scales / MILLIMETRES_PER_DECIMETRE,
        expression_scales=expression.scales / MILLIMETRES_PER_DECIMETRE,
        texture_scales=colour.scales,
    )


def _fields(name, mean_shape, triangles, landmarks, **arrays) -> dict[str, Any]:
    uv, uv_triangles = mesh_annotations.cylindrical_uv(mean_shape, triangles, landmarks)
    regions = mesh_annotations.regions_from_landmarks(mean_shape, landmarks)
    arrays["mean_shape"] = mean_shape
    return dict(
        name=name,
        **{field: np.asarray(array, np.float32) for field, array in arrays.items()},
        triangles=triangles,
        landmarks=landmarks,
        uv=uv,
        uv_triangles=uv_triangles,
        skin_region=regions["skin"],
        face_region=regions["small_face"],
        regions=regions,
        source="Basel Face Model 2017 / 2019 (Gerig et al. 2018)",
        licence=LICENCE,
        redistributable=False,
        units="dm",
    )


def _model_file(source: pathlib.Path) -> pathlib.Path:
    if source.is_dir():
        found = sorted(source.glob("*.h5"))
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise ValueError(f"{str(source)!r} holds several models: give the path of one, {names}")
        source = found[0] if found else source / "*.h5"
    if not source.is_file():
        raise FileNotFoundError(
            f"There is no file {str(source)!r}. The Basel Face Models 2017 and 2019 are .h5 files, "
            "for which the University of Basel sends links after registration at "
            "https://faces.dmi.unibas.ch/bfm; their licence allows non-commercial research and "
            "forbids redistribution."
        )
    if source.suffix.lower() == ".mat":
        raise ValueError(f"{str(source)!r} is a file of the Basel Face Model 2009: build bfm09.")
    return source


def _check_groups(file: "h5py.File", label: str) -> None:
    missing = [group for group in ("shape", "expression", "color") if group not in file]
    if missing:
        raise ValueError(
            f"{label} lacks the groups {', '.join(missing)} of a Basel Face Model 2017 or 2019 "
            "(the 2009 model has no expressions in this format: build bfm09 from its .mat file). "
            f"Received: {', '.join(sorted(file)) or 'none'}."
        )


def _linear_model(
    file: "h5py.File", group: str, label: str, num_vertices: int | None = None
) -> _LinearModel:
    size = None if num_vertices is None else 3 * num_vertices
    mean = hdf5_files.read_array(file, f"{group}/model/mean", label, (size,))
    variance = hdf5_files.read_array(file, f"{group}/model/pcaVariance", label, (None,))
    if len(mean) % 3 or (variance < 0).any():
        raise ValueError(
            f"`{group}/model` of {label} must have a mean of x, y, z per vertex and no negative "
            f"variances. Received: {len(mean)} values, variances from {variance.min():g}."
        )
    basis = hdf5_files.read_array(
        file, f"{group}/model/pcaBasis", label, (len(mean), len(variance))
    )
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(basis, axis=0)
    if (np.abs(norms - 1.0) > _UNIT_TOLERANCE).any():
        # Early versions of statismo stored modes that are already scaled.
        raise ValueError(
            f"`{group}/model/pcaBasis` of {label} must have columns of length 1. "
            f"Received: lengths from {norms.min():g} to {norms.max():g}."
        )
    scales = np.sqrt(variance.astype(np.float64))
    return _LinearModel(
        mean.reshape(-1, 3).astype(np.float64),
        basis.reshape(-1, 3, len(scales)) * scales,
        scales,
    )


def _triangles(cells: np.ndarray, num_vertices: int, label: str) -> np.ndarray:
    whole = cells.dtype.kind in "iu" or (cells == np.round(cells)).all()
    if not whole or cells.min() < 0 or cells.max() >= num_vertices:
        raise ValueError(
            f"`shape/representer/cells` of {label} must hold vertex numbers from 0 to "
            f"{num_vertices - 1}. Received: {cells.min()} to {cells.max()}."
        )
    return cells.T.astype(np.int64)


def _landmarks(file: "h5py.File", path: pathlib.Path, vertices: np.ndarray) -> np.ndarray:
    beside = path.with_name(ibug_landmarks.LANDMARK_FILE)
    if beside.is_file():
        return ibug_landmarks.landmarks_from_file(beside, vertices)
    return ibug_landmarks.landmarks_from_names(vertices, _named_points(file, path.name), path.name)


def _named_points(file: "h5py.File", label: str) -> dict[str, np.ndarray]:
    """Named landmarks from the metadata, decimetres; empty without metadata."""
    name = "metadata/landmarks/json"
    if name not in file:
        return {}
    try:
        points = {
            entry["id"]: np.array(entry["coordinates"], np.float64) / MILLIMETRES_PER_DECIMETRE
            for entry in json.loads(hdf5_files.read_text(file, name, label))
        }
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"`{name}` of {label} must be a JSON list of points with `id` and `coordinates`: "
            f"{error!r}"
        ) from error
    if not all(point.shape == (3,) and np.isfinite(point).all() for point in points.values()):
        raise ValueError(f"`{name}` of {label} must give three finite coordinates for each point.")
    return points
