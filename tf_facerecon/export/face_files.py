"""Files of one face: textured mesh, pictures, named numbers; all of them or none."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Iterable

import numpy as np

from tf_facerecon.core import package_versions
from tf_facerecon.export import photo_texture
from tf_facerecon.io import file_groups, image_files, json_files, mesh_files
from tf_facerecon.results.fitted_face import FittedFace
from tf_facerecon.visualization import mesh_views, panels

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
    "uv_triangles",
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
    return file_groups.write_together(
        folder,
        stem,
        [f"{stem}{suffix}" for suffix in SUFFIXES],
        lambda temporary: _write_all(face, temporary, stem),
        overwrite=overwrite,
        keep=[*keep, *([face.source_path] if face.source_path else [])],
    )


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
        "versions": package_versions.package_versions(),
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
            uv_triangles=face.uv_triangles,
            texture=texture,
        )
    image_files.write_image(folder / f"{stem}_overlay.png", panels.panel(face, view, texture))
    image_files.write_image(folder / f"{stem}_photo.png", panels.overlay_on_photo(face, view))
    json_files.write_json(folder / f"{stem}.json", summary(face))
    arrays = {name: getattr(face, name) for name in _ARRAYS}
    coefficients = {f"coefficients_{k}": v for k, v in face.coefficients.items()}
    np.savez_compressed(folder / f"{stem}.npz", **arrays, **coefficients)
