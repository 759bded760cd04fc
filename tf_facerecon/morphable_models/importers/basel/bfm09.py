"""Importer of the Basel Face Model 2009 with expressions, as used by the R-Net of Deng et al. 2019.

Convention:
    Model frame as in the sources: +x to the image's right, +y up, +z out of the face. The sources
    are in micrometres and RGB 0 to 255; the result is in decimetres and RGB 0 to 1.

Source: Paysan et al. 2009 (identity and albedo, 199 modes), Guo et al. 2018 (expressions, 79 modes,
from FaceWarehouse), and the conversion of microsoft/Deep3DFaceReconstruction: 80, 64 and 80 modes
on 35,709 of the 53,490 vertices.
"""

import os
import pathlib
from typing import IO, Any

import numpy as np

from tf_facerecon.morphable_models.importers.basel import (
    archive_member,
    bfm09_files,
    front_face,
    matlab_files,
    mesh_annotations,
)

NUM_IDENTITY, NUM_EXPRESSION, NUM_TEXTURE = 80, 64, 80
MICROMETRES_PER_DECIMETRE = 1e5
COLOUR_RANGE = 255.0
LICENCE = (
    "Basel Face Model 2009, University of Basel: for non-commercial research by the registered "
    "person; neither the model nor files that contain its bases (including this one) may be "
    "redistributed. Expressions by Guo et al., for research. Vertex lists: MIT, Microsoft "
    "Corporation."
)

_PRECONVERTED_ARRAYS = ("meanshape", "meantex", "idBase", "exBase", "texBase")


def bfm09_fields(source: str | os.PathLike, *, full: bool = False) -> dict[str, Any]:
    """The fields of `MorphableModel` for the Basel Face Model 2009 with expressions.

    Args:
        source: Folder with `01_MorphableModel.mat` (or the archive that holds it), `Exp_Pca.bin`
            and the small files of Deng et al., or the path of that file or archive with the others
            beside it. Or a preconverted `BFM_model_front.mat`: its path, or a folder that has it
            but not all of the others; it has no mode scales (standard deviations).
        full: All 53,215 vertices, with ears and neck, instead of 35,709. The origin remains the
            centroid of the 35,709, so that coefficients and pose have the same meaning.

    Returns:
        The fields by name. The sha256 of each file is logged (INFO); a warning is logged for files
        that differ from the published ones.

    Raises:
        FileNotFoundError: If files are missing; the message says where to get each of them.
        ValueError: If a file is damaged or inconsistent with the others, or `source` is another
            model.
    """
    path = pathlib.Path(source)
    _check_source(path)
    ready = bfm09_files.find_preconverted(path)
    if path != ready:
        try:
            originals = bfm09_files.find_originals(path)
        except FileNotFoundError:
            if full or ready is None:
                raise
        else:
            return _fields_from_originals(originals, full)
    if full:
        raise ValueError(
            f"{bfm09_files.PRECONVERTED} holds only the 35,709 vertices of the front. "
            f"For the full face give the folder with {bfm09_files.BASEL} and its companions."
        )
    with bfm09_files.open_file(ready, bfm09_files.PRECONVERTED) as stream:
        return _fields_from_preconverted(stream)


def _check_source(path: pathlib.Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"There is no folder or file {str(path)!r}.")
    if path.suffix.lower() in (".h5", ".hdf5"):
        raise ValueError(
            f"{str(path)!r} is a Basel Face Model in HDF5 format, as those of 2017 and 2019: build "
            f"bfm17 or bfm19 from it. bfm09 needs {bfm09_files.BASEL} of the 2009 model."
        )
    if path.is_file() and path.suffix.lower() != ".mat" and not archive_member.is_archive(path):
        raise ValueError(
            f"`source` must be a folder, a .mat file or an archive "
            f"({', '.join(archive_member.ARCHIVE_SUFFIXES)}). Received: {str(path)!r}."
        )


def _fields_from_preconverted(stream: IO[bytes]) -> dict[str, Any]:
    label = bfm09_files.PRECONVERTED
    arrays = matlab_files.read_arrays(stream, _PRECONVERTED_ARRAYS + front_face.ARRAYS, label)
    size = arrays["meanshape"].size
    counts = {"idBase": NUM_IDENTITY, "exBase": NUM_EXPRESSION, "texBase": NUM_TEXTURE}
    for name, count in counts.items():
        if arrays[name].shape != (size, count):
            raise ValueError(
                f"`{name}` of {label} must have shape [{size}, {count}]. "
                f"Received: shape {arrays[name].shape}."
            )
    if size % 3 or arrays["meantex"].size != size:
        raise ValueError(
            f"`meanshape` and `meantex` of {label} must hold three numbers for each of the same "
            f"vertices. Received: {size} and {arrays['meantex'].size}."
        )
    face = front_face.front_face(arrays, size // 3, label)
    mean = arrays["meanshape"].reshape(-1, 3).astype(np.float64)
    return _fields(
        face,
        mean_shape=mean - mean.mean(axis=0),
        identity_basis=arrays["idBase"].reshape(-1, 3, NUM_IDENTITY),
        expression_basis=arrays["exBase"].reshape(-1, 3, NUM_EXPRESSION),
        mean_albedo=arrays["meantex"].reshape(-1, 3).astype(np.float64) / COLOUR_RANGE,
        albedo_basis=arrays["texBase"].reshape(-1, 3, NUM_TEXTURE).astype(np.float64)
        / COLOUR_RANGE,
    )


def _fields_from_originals(paths: dict[str, pathlib.Path], full: bool) -> dict[str, Any]:
    def opened(name):
        return bfm09_files.open_file(paths[name], name)

    with opened(bfm09_files.BASEL) as stream:
        basel = bfm09_files.read_basel(stream, with_triangles=full)
    in_basel = _vertex_list(opened, bfm09_files.EXPRESSION_VERTICES, "trimIndex", basel["shapeMU"])
    front = _vertex_list(opened, bfm09_files.FRONT_VERTICES, "idx", in_basel)
    with opened(bfm09_files.FACE_INFO) as stream:
        info = matlab_files.read_arrays(stream, front_face.ARRAYS, bfm09_files.FACE_INFO)
    face = front_face.front_face(info, len(front), bfm09_files.FACE_INFO)
    with opened(bfm09_files.EXPRESSIONS) as stream:
        modes = bfm09_files.read_expression_modes(stream, len(in_basel))
    with opened(bfm09_files.EXPRESSION_SCALES) as stream:
        expression_scales = bfm09_files.read_expression_scales(stream, len(modes))
    centre = basel["shapeMU"][in_basel[front]].mean(axis=0, dtype=np.float64)
    if full:
        face = front_face.full_face(face, basel, in_basel, front)
    kept = np.arange(len(in_basel)) if full else front
    identity, identity_scales = _scaled_basis(basel, "shape", in_basel[kept], NUM_IDENTITY)
    albedo, texture_scales = _scaled_basis(basel, "tex", in_basel[kept], NUM_TEXTURE)
    expression_scales = _first(expression_scales, NUM_EXPRESSION, bfm09_files.EXPRESSIONS)
    expression = np.moveaxis(modes[:NUM_EXPRESSION, kept], 0, -1) * expression_scales
    if not np.isfinite(expression).all():
        raise ValueError(f"{bfm09_files.EXPRESSIONS} must hold finite numbers.")
    fields = _fields(
        face,
        mean_shape=(basel["shapeMU"][in_basel[kept]] - centre) / MICROMETRES_PER_DECIMETRE,
        identity_basis=identity / MICROMETRES_PER_DECIMETRE,
        expression_basis=expression / MICROMETRES_PER_DECIMETRE,
        mean_albedo=basel["texMU"][in_basel[kept]] / COLOUR_RANGE,
        albedo_basis=albedo / COLOUR_RANGE,
        identity_scales=identity_scales / MICROMETRES_PER_DECIMETRE,
        expression_scales=expression_scales / MICROMETRES_PER_DECIMETRE,
        texture_scales=texture_scales / COLOUR_RANGE,
    )
    return {**fields, "name": "bfm09-full"} if full else fields


def _vertex_list(opened, name: str, variable: str, among: np.ndarray) -> np.ndarray:
    """0-based, strictly increasing indices of the vertices of `among` that a list file selects."""
    with opened(name) as stream:
        array = matlab_files.read_arrays(stream, [variable], name)[variable]
    label = f"`{variable}` of {name}"
    kept = bfm09_files.from_one_based(array, (None, 1), len(among), label)[:, 0]
    if (np.diff(kept) <= 0).any():
        raise ValueError(f"{label} must be strictly increasing.")
    return kept


def _scaled_basis(basel, kind: str, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first modes times standard deviations, float64 `[rows, 3, count]`, and the latter."""
    scales = _first(basel[f"{kind}EV"], count, f"`{kind}EV` of {bfm09_files.BASEL}")
    modes = basel[f"{kind}PC"].reshape(-1, 3, basel[f"{kind}PC"].shape[1])
    return modes[rows, :, :count].astype(np.float64) * scales, scales


def _first(scales: np.ndarray, count: int, label: str) -> np.ndarray:
    if len(scales) < count or (scales[:count] < 0).any():
        raise ValueError(
            f"{label} must have at least {count} modes with standard deviations that are not "
            f"negative. Received: {len(scales)}."
        )
    return scales[:count].astype(np.float64)


def _fields(face: front_face.FrontFace, **arrays: np.ndarray) -> dict[str, Any]:
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    mean_shape = arrays["mean_shape"].astype(np.float64)
    uv, uv_triangles = mesh_annotations.cylindrical_uv(mean_shape, face.triangles, face.landmarks)
    regions = mesh_annotations.regions_from_landmarks(mean_shape, face.landmarks)
    return dict(
        name="bfm09",
        **arrays,
        triangles=face.triangles,
        landmarks=face.landmarks.astype(np.int32),
        uv=uv,
        uv_triangles=uv_triangles,
        skin_region=face.skin,
        face_region=face.small_face,
        regions={**regions, "small_face": face.small_face, "skin": face.skin},
        source="Basel Face Model 2009 (Paysan et al.) with expressions of Guo et al. 2018, cropped "
        "as in microsoft/Deep3DFaceReconstruction",
        licence=LICENCE,
        redistributable=False,
        units="dm",
    )
