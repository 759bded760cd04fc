"""Files of one face: textured mesh, pictures, named numbers; all of them or none."""

import dataclasses
import importlib.metadata
import json
import math
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.inference import mesh_views, photo_texture, pictures
from tf_facerecon.inference.fitted_face import FittedFace
from tf_facerecon.io import atomic_files, image_files, mesh_files

SUFFIXES = (
    ".obj",
    ".mtl",
    "_texture.png",
    "_neutral.obj",
    "_neutral.mtl",
    "_neutral_texture.png",
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
    keep: Iterable[str | os.PathLike] = (),
) -> list[pathlib.Path]:
    """Writes every file of `FaceReconstruction.save`, which documents it."""
    folder = pathlib.Path(folder)
    if not stem or pathlib.Path(stem).name != stem:
        raise ValueError(f"`stem` must be a plain file name. Received: {stem!r}.")
    existing = existing_files(folder, stem)
    _check_kept(existing, [*keep, *([face.source_path] if face.source_path else [])])
    if existing and not overwrite:
        raise FileExistsError(
            f"{existing[0]} exists already. Choose another name, or pass `overwrite=True`."
        )
    atomic_files.make_folder(folder)
    # Files refer to one another by name, so that they are finished in a folder of their own.
    with tempfile.TemporaryDirectory(prefix=f".{stem}-", dir=folder) as temporary:
        _write_all(face, pathlib.Path(temporary), stem)
        return _move_all(pathlib.Path(temporary), folder)


def existing_files(folder: pathlib.Path, stem: str) -> list[pathlib.Path]:
    """Files that `save` would replace."""
    paths = (folder / f"{stem}{suffix}" for suffix in SUFFIXES)
    return [path for path in paths if os.path.lexists(path)]


def summary(face: FittedFace) -> dict:
    """Everything but the meshes and pictures, in plain numbers and text for JSON."""
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
        "refinement": None if face.refinement is None else _without_nan(face.refinement),
        "units": UNITS,
        "versions": _versions(),
    }


def _versions() -> dict[str, str | None]:
    """Versions as the modules tell them: packages go by several names (`tensorflow-cpu`)."""
    try:
        own = importlib.metadata.version("tf_facerecon")
    except importlib.metadata.PackageNotFoundError:  # Run from a source folder.
        own = None
    return {
        "tf_facerecon": own,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _without_nan(report) -> dict:
    """Fields of a report; JSON has no NaN, which stands for what could not be measured."""
    fields = dataclasses.asdict(report)
    return {name: None if math.isnan(value) else value for name, value in fields.items()}


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


def _check_kept(targets: list[pathlib.Path], kept: list[str | os.PathLike]) -> None:
    """Raises `FileExistsError` if one of `targets`, which exist, is a file that must stay."""
    kept = [path for path in kept if os.path.exists(path)]
    for target in targets:
        if target.exists() and any(target.samefile(path) for path in kept):
            raise FileExistsError(
                f"{target} is a photograph that was given, and is never overwritten. Choose "
                "another folder or name."
            )


def _move_all(temporary: pathlib.Path, folder: pathlib.Path) -> list[pathlib.Path]:
    """Moves finished files into `folder`; if that is cut short, everything is as it was before."""
    names = sorted(path.name for path in temporary.iterdir())
    for name in names:
        if (folder / name).is_dir():
            raise IsADirectoryError(f"Cannot write {folder / name}: a folder of that name exists.")
    replaced = pathlib.Path(tempfile.mkdtemp(prefix=".replaced-", dir=folder))
    try:
        for name in names:
            if os.path.lexists(folder / name):
                os.replace(folder / name, replaced / name)
            os.replace(temporary / name, folder / name)
    except BaseException:
        # The disk tells how far it came; a list of done steps could miss an interrupted one.
        for name in names:
            if not (temporary / name).exists():
                os.replace(folder / name, temporary / name)
            if os.path.lexists(replaced / name):
                os.replace(replaced / name, folder / name)
        replaced.rmdir()
        raise
    shutil.rmtree(replaced, ignore_errors=True)
    return [folder / name for name in names]
