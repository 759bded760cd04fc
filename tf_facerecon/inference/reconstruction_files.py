"""Files of one reconstruction: textured mesh, pictures, named numbers; all of them or none."""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import tempfile

import numpy as np

from tf_facerecon.inference import photo_texture, pictures
from tf_facerecon.inference.reconstruction import FaceReconstruction
from tf_facerecon.io import image_files, mesh_files

SUFFIXES = (
    ".obj",
    ".mtl",
    "_texture.png",
    "_neutral.obj",
    "_neutral.mtl",
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
    reconstruction: FaceReconstruction,
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
        _write_all(reconstruction, pathlib.Path(temporary), stem)
        return _move_all(pathlib.Path(temporary), folder)


def existing_files(folder: pathlib.Path, stem: str) -> list[pathlib.Path]:
    """Files that `save` would replace."""
    paths = (folder / f"{stem}{suffix}" for suffix in SUFFIXES)
    return [path for path in paths if path.exists()]


def summary(reconstruction: FaceReconstruction) -> dict:
    """Everything but the meshes and pictures, in plain numbers and text for JSON."""
    r = reconstruction
    names = ("tf_facerecon", "tensorflow", "keras", "numpy")
    return {
        "source": r.source,
        "photo_size": {"width": r.photo.shape[1], "height": r.photo.shape[0]},
        "box": {"x": r.box[0], "y": r.box[1], "width": r.box[2], "height": r.box[3]},
        "confidence": r.confidence,
        "face_model": {"name": r.face_model, "fingerprint": r.face_model_fingerprint},
        "coefficients": r.coefficients,
        "rotation_degrees": dict(zip(("pitch", "yaw", "roll"), r.rotation_degrees, strict=True)),
        "pose": r.pose,
        "camera": dataclasses.asdict(r.camera),
        "intrinsics": r.intrinsics,
        "extrinsics": r.extrinsics,
        "photo_intrinsics": r.photo_intrinsics,
        "crop_matrix": r.crop_matrix,
        "photo_from_crop_matrix": np.linalg.inv(r.crop_matrix),
        "landmarks": {"crop": r.landmarks, "photo": r.photo_landmarks},
        "five_points": {"crop": r.five_points, "photo": r.photo_five_points},
        "found_points": {"photo": r.found_points},
        "refinement": None if r.refinement is None else dataclasses.asdict(r.refinement),
        "units": UNITS,
        "versions": {name: importlib.metadata.version(name) for name in names},
    }


def _write_all(reconstruction, folder, stem):
    texture = photo_texture.photo_texture(reconstruction)
    texture_name = f"{stem}_texture.png"
    image_files.write_image(folder / texture_name, texture)
    for suffix, vertices in (
        ("", reconstruction.vertices),
        ("_neutral", reconstruction.neutral_vertices),
    ):
        mesh_files.write_obj(
            folder / f"{stem}{suffix}.obj",
            vertices,
            reconstruction.triangles,
            colours=np.clip(reconstruction.albedo, 0.0, 1.0),
            uv=reconstruction.uv,
            texture=texture_name,
        )
    image_files.write_image(folder / f"{stem}_overlay.png", pictures.panel(reconstruction, texture))
    image_files.write_image(folder / f"{stem}_photo.png", pictures.overlay_on_photo(reconstruction))
    text = json.dumps(summary(reconstruction), indent=1, default=_plain, allow_nan=False)
    (folder / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
    arrays = {name: getattr(reconstruction, name) for name in _ARRAYS}
    coefficients = {f"coefficients_{k}": v for k, v in reconstruction.coefficients.items()}
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
