"""Files of one face: textured mesh, pictures, named numbers; all of them or none."""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import tempfile

import numpy as np

from tf_facerecon.inference import mesh_views, photo_texture, pictures
from tf_facerecon.inference.fitted_face import FittedFace
from tf_facerecon.io import image_files, mesh_files

SUFFIXES = (
    ".obj",
    ".mtl",
    ".png",
    "_neutral.obj",
    "_neutral.mtl",
    "_neutral.png",
    "_overlay.png",
    "_photo.png",
    ".json",
    ".npz",
)
UNITS = {
    "length": "decimetre",
    "identity, expression, texture": "standard deviation",
    "rotation": "radian; Euler angles about x, y, z; R = Rz Ry Rx on column vectors",
    "points": "pixel (column, row), row down, top-left pixel (0, 0)",
    "pose": "model frame to world; x right in the image, y up, z towards the camera",
    "extrinsics": "world to a camera frame with x right, y down, z into the scene",
    "crop_matrix": "photo pixels to crop pixels",
}
_ARRAYS = (
    "vertices",
    "normals",
    "neutral_vertices",
    "triangles",
    "uv",
    "albedo",
    "colours",
    "landmarks",
    "photo_landmarks",
    "five_points",
    "photo_five_points",
    "found_points",
    "photo_vertices",
    "pose",
    "intrinsics",
    "extrinsics",
    "photo_intrinsics",
    "crop_matrix",
    "crop",
    "image",
    "mask",
    "box",
)


def save(
    face: FittedFace,
    folder: str | os.PathLike,
    stem: str,
    *,
    overwrite: bool = False,
) -> list[pathlib.Path]:
    """Writes every file of `FaceReconstruction.save`, which documents it."""
    folder = pathlib.Path(folder)
    if not stem or pathlib.Path(stem).name != stem:
        raise ValueError(f"`stem` must be a plain file name. Received: {stem!r}.")
    existing = existing_files(folder, stem)
    if existing and not overwrite:
        raise FileExistsError(
            f"{existing[0]} exists already. Choose another name, or pass `overwrite=True`."
        )
    _make_folder(folder)
    # Files refer to one another by name, so that they are finished in a folder of their own.
    with tempfile.TemporaryDirectory(prefix=f".{stem}-", dir=folder) as temporary:
        _write_all(face, pathlib.Path(temporary), stem)
        return _move_all(pathlib.Path(temporary), folder)


def existing_files(folder: pathlib.Path, stem: str) -> list[pathlib.Path]:
    """Files that `save` would replace."""
    paths = (folder / f"{stem}{suffix}" for suffix in SUFFIXES)
    return [path for path in paths if path.exists()]


def summary(face: FittedFace) -> dict:
    """Everything but the meshes and pictures, in plain numbers and text for JSON."""
    names = ("tf_facerecon", "tensorflow", "keras", "numpy")
    return {
        "source": face.source,
        "photo_size": {"width": face.photo.shape[1], "height": face.photo.shape[0]},
        "box": {"x": face.box[0], "y": face.box[1], "width": face.box[2], "height": face.box[3]},
        "confidence": face.confidence,
        "face_model": {"name": face.face_model, "fingerprint": face.face_model_fingerprint},
        "coefficients": face.coefficients,
        "rotation_degrees": dict(zip(("pitch", "yaw", "roll"), face.rotation_degrees, strict=True)),
        "pose": face.pose,
        "camera": dataclasses.asdict(face.camera),
        "intrinsics": face.intrinsics,
        "extrinsics": face.extrinsics,
        "photo_intrinsics": face.photo_intrinsics,
        "crop_matrix": face.crop_matrix,
        "photo_from_crop_matrix": np.linalg.inv(face.crop_matrix),
        "landmarks": {"crop": face.landmarks, "photo": face.photo_landmarks},
        "five_points": {"crop": face.five_points, "photo": face.photo_five_points},
        "found_points": {"photo": face.found_points},
        "refinement": None if face.refinement is None else dataclasses.asdict(face.refinement),
        "units": UNITS,
        "versions": {name: importlib.metadata.version(name) for name in names},
    }


def _write_all(face, folder, stem):
    view = mesh_views.front_view(face)
    texture = photo_texture.photo_texture(face, view)
    for name, vertices in ((stem, face.vertices), (f"{stem}_neutral", face.neutral_vertices)):
        mesh_files.write_obj(
            folder / f"{name}.obj",
            vertices,
            face.triangles,
            colours=np.clip(face.albedo, 0.0, 1.0),
            uv=face.uv,
            texture=texture,
        )
    image_files.write_image(folder / f"{stem}_overlay.png", pictures.panel(face, view, texture))
    image_files.write_image(folder / f"{stem}_photo.png", pictures.overlay_on_photo(face, view))
    text = json.dumps(summary(face), indent=1, default=_plain, allow_nan=False)
    (folder / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
    arrays = {name: getattr(face, name) for name in _ARRAYS}
    coefficients = {f"coefficients_{k}": v for k, v in face.coefficients.items()}
    np.savez_compressed(folder / f"{stem}.npz", **arrays, **coefficients)


def _plain(value):
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON.")


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(
            f"Cannot write to {folder}: a file stands where a folder is needed."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"Cannot write to the folder {folder}: it is not writable.")


def _move_all(temporary, folder):
    """Renames finished files into `folder`; if one fails, takes the new ones away again."""
    placed = []
    try:
        for path in sorted(temporary.iterdir()):
            target = folder / path.name
            is_new = not target.exists()
            os.replace(path, target)
            placed.append((target, is_new))
    except OSError:
        for target, is_new in placed:
            if is_new:
                target.unlink(missing_ok=True)
        raise
    return [target for target, _ in placed]
