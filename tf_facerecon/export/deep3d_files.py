"""Results in the files of the two Deep3D repositories, and coefficients read from such files.

Convention:
    World frame and decimetres as everywhere; meshes are posed. Landmarks in the `.mat` file are
    pixels of the 224 x 224 crop, with the reference's half-pixel offset (`geometry.camera`): in the
    TensorFlow flavour `lm_68p` counts rows upwards (`y = 223 - row`) and `lm_5p` downwards, in the
    PyTorch flavour `lm68` downwards.
    `read_deep3d_coefficients` reads both, and arrays of third parties.
"""

import dataclasses
import os
import pathlib
from collections.abc import Iterable
from typing import Literal

import numpy as np

from tf_facerecon.geometry import face_landmarks
from tf_facerecon.io import array_archive, atomic_files, file_groups
from tf_facerecon.morphable_models.coefficients import NUM_HARMONICS, CoefficientLayout
from tf_facerecon.morphable_models.importers.basel import matlab_files
from tf_facerecon.results.fitted_face import CropFit

Flavour = Literal["pytorch", "tensorflow"]
MESH_SUFFIXES = {"pytorch": ".obj", "tensorflow": "_mesh.obj"}
# Names of the groups in the `.mat` file of the PyTorch flavour, in the order of the vector.
_PYTORCH_GROUPS = {
    "identity": "id",
    "expression": "exp",
    "texture": "tex",
    "rotation": "angle",
    "lighting": "gamma",
    "translation": "trans",
}
_LAST_ROW = 223
_TRIMESH_HEADER = "# https://github.com/mikedh/trimesh\n"


def write_deep3d_files(
    face: CropFit,
    folder: str | os.PathLike,
    stem: str,
    flavour: Flavour = "pytorch",
    *,
    overwrite: bool = False,
    keep: Iterable[str | os.PathLike] = (),
) -> list[pathlib.Path]:
    """Writes `<stem>.mat` and the mesh as one of the Deep3D repositories does.

    "pytorch" (sicxu/Deep3DFaceRecon_pytorch): `<stem>.obj`, and `id`, `exp`, `tex`, `angle`,
    `gamma`, `trans` `[1, k]` and `lm68` `[1, 68, 2]`. "tensorflow"
    (microsoft/Deep3DFaceReconstruction): `<stem>_mesh.obj`, and `cropped_img`, `recon_img` (RGBA),
    `coeff` `[1, 257]`, `face_shape`, `face_texture`, `face_color` (0 to 255), `lm_68p`, `lm_5p`.
    Code that reads these files expects 257 coefficients: those of the face model "bfm09".

    Args:
        face: The face.
        folder: Created if it does not exist.
        stem: Start of the file names.
        flavour: "pytorch" or "tensorflow".
        overwrite: Whether existing files may be replaced; the photo never is.
        keep: Further files that must not be replaced.

    Returns:
        The files written.

    Raises:
        FileExistsError: If a file exists and `overwrite` is false, or it is to be kept.
        ValueError: If `flavour` is unknown, or `stem` is not a plain file name.
        OSError: If the folder cannot be written.
    """
    return file_groups.write_together(
        folder,
        stem,
        file_names(stem, flavour),
        lambda temporary: write_face(face, temporary, stem, flavour),
        overwrite=overwrite,
        keep=[*keep, *([face.source_path] if face.source_path else [])],
    )


def file_names(stem: str, flavour: Flavour) -> list[str]:
    """Names of the files of one face; `ValueError` if `flavour` is unknown."""
    if flavour not in MESH_SUFFIXES:
        raise ValueError(f"`flavour` must be one of {[*MESH_SUFFIXES]}. Received: {flavour!r}.")
    return [f"{stem}.mat", f"{stem}{MESH_SUFFIXES[flavour]}"]


def write_face(face: CropFit, folder: pathlib.Path, stem: str, flavour: Flavour) -> None:
    """Writes the files of one face into an existing folder, over files that are there."""
    import scipy.io

    mat_name, mesh_name = file_names(stem, flavour)
    scipy.io.savemat(folder / mat_name, deep3d_arrays(face, flavour))
    atomic_files.write_text(folder / mesh_name, obj_text(face, flavour))


def deep3d_arrays(face: CropFit, flavour: Flavour) -> dict[str, np.ndarray]:
    """Variables of the `.mat` file of one flavour; see `write_deep3d_files`."""
    reference = dataclasses.replace(face.camera, half_pixel_offset=True)
    landmarks = face.landmarks + np.subtract(reference.principal_point, face.camera.principal_point)
    groups = {name: np.float32(face.coefficients[name])[None] for name in _PYTORCH_GROUPS}
    if groups["lighting"].shape[-1] == NUM_HARMONICS:  # White light, the same for all channels.
        groups["lighting"] = np.tile(groups["lighting"], 3)
    if flavour == "pytorch":
        named = {key: groups[name] for name, key in _PYTORCH_GROUPS.items()}
        return {**named, "lm68": np.float32(landmarks)[None]}
    points = np.asarray(face.alignment_points, np.float64)
    if len(points) == 68:
        points = face_landmarks.five_points_from_landmarks(points)
    colours = np.clip(255.0 * face.image, 0.0, 255.0)
    return {
        "cropped_img": face.crop,
        "recon_img": np.float32(np.concatenate([colours, face.mask[..., None]], axis=-1)),
        "coeff": np.concatenate([*groups.values()], axis=-1),
        "face_shape": np.float32(face.vertices),
        "face_texture": np.float32(255.0 * face.albedo),
        "face_color": np.float32(255.0 * face.colours),
        "lm_68p": np.float32(landmarks * [1, -1] + [0, _LAST_ROW]),
        "lm_5p": face.crop_transform.to_reference_crop(points),
    }


def obj_text(face: CropFit, flavour: Flavour) -> str:
    """The posed mesh with lit vertex colours, as lines of an OBJ file of one flavour.

    "tensorflow": six decimals, an empty line before the triangles. "pytorch": eight decimals and
    the comment of trimesh, which writes them; colours are rounded down to 1/255.
    """
    colours = np.clip(255.0 * np.asarray(face.colours, np.float64), 0.0, 255.0)
    if flavour == "pytorch":
        colours, number, head, gap = np.floor(colours), "%.8f", _TRIMESH_HEADER, ""
    else:
        number, head, gap = "%f", "", "\n"
    vertices = np.concatenate([face.vertices, colours / 255.0], axis=-1)
    row = "v " + " ".join([number] * 6) + "\n"
    vertex_lines = "".join(row % tuple(values) for values in vertices.tolist())
    corners = (np.asarray(face.triangles, np.int64) + 1).tolist()
    return head + vertex_lines + gap + "".join(f"f {a} {b} {c}\n" for a, b, c in corners)


def read_deep3d_coefficients(path: str | os.PathLike) -> np.ndarray:
    """Coefficient vectors `[N, 257]` float32 of a file of the Deep3D repositories or their users.

    Args:
        path: `.mat` with `coeff` or with `id`, `exp`, ..., `trans`; `.npy` of an array `[257]` or
            `[N, 257]`; or `.npz` with `coeff`. A 258th column, the unused focal length of some
            published graphs, is dropped.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged or pickled, or holds no such array of finite numbers.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of coefficients {path}.")
    suffix = path.suffix.lower()
    if suffix == ".mat":
        array = _read_mat(path)
    elif suffix in (".npy", ".npz"):
        array = _read_numpy(path)
    else:
        raise ValueError(f"Coefficients must be a .mat, .npy or .npz file. Received: {path}.")
    total = CoefficientLayout().total
    array = np.atleast_2d(array)
    is_table = array.ndim == 2 and len(array) > 0 and array.shape[1] in (total, total + 1)
    if not is_table or array.dtype.kind not in "fiu":
        raise ValueError(
            f"The coefficients of {path} must be numbers of shape [N, {total}]. "
            f"Received: {array.dtype} {list(array.shape)}."
        )
    array = array[:, :total].astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"The coefficients of {path} must be finite numbers.")
    return array


def _read_mat(path: pathlib.Path) -> np.ndarray:
    with open(path, "rb") as stream:
        try:
            return matlab_files.read_arrays(stream, ["coeff"], path.name)["coeff"]
        except ValueError as missing:
            try:
                names = list(_PYTORCH_GROUPS.values())
                groups = matlab_files.read_arrays(stream, names, path.name)
            except ValueError as error:
                raise ValueError(
                    f"{path} must hold `coeff`, or `id`, `exp`, ..., `trans`: {missing} {error}"
                ) from error
    sizes = CoefficientLayout().sizes
    shapes = {key: list(groups[key].shape) for key in names}
    expected = {key: [len(groups["id"]), sizes[name]] for name, key in _PYTORCH_GROUPS.items()}
    if shapes != expected:
        raise ValueError(f"The arrays of {path} must have shapes {expected}. Received: {shapes}.")
    return np.concatenate([groups[name] for name in names], axis=-1)


def _read_numpy(path: pathlib.Path) -> np.ndarray:
    try:
        if path.suffix.lower() == ".npz":
            return array_archive.read_archive(path)["coeff"]
        return np.load(path, allow_pickle=False)
    except array_archive.UNREADABLE as error:
        raise ValueError(f"{path} is not a plain NumPy file with `coeff`: {error}") from error
