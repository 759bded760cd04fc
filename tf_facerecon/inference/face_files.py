"""Writing the files of one reconstructed face: what they share is made once, files side by side."""

import pathlib
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tf_facerecon.export import photo_texture
from tf_facerecon.geometry import mesh_normals
from tf_facerecon.inference import textured_meshes
from tf_facerecon.io import image_files, json_files
from tf_facerecon.results.fitted_face import FittedFace
from tf_facerecon.visualization import face_panel, mesh_rendering

_MESHES = ("mesh", "neutral")
_NPZ_ARRAYS = (
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
    "alignment_points",
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


def write_face_files(
    face: FittedFace, folder: pathlib.Path, stem: str, outputs: Collection[str], summary: dict
) -> None:
    """Writes the chosen files of a face; when it returns or raises, no file is being written.

    Args:
        face: The face.
        folder: Exists.
        stem: Start of every file name.
        outputs: Keys of `output_names.FACE_OUTPUTS`.
        summary: Contents of the JSON file.
    """
    # One thread beside this one: two cores are busy then, and no file waits for another's drawing.
    with ThreadPoolExecutor(max_workers=1) as pool:
        writes = []
        if "overlay" in outputs:
            rotated = pool.submit(face_panel.cover_rotated_view, face)
        if "npz" in outputs:
            writes.append(pool.submit(_write_arrays, face, folder / f"{stem}.npz"))
        if "json" in outputs:
            writes.append(pool.submit(json_files.write_json, folder / f"{stem}.json", summary))
        meshes = [name for name in _MESHES if name in outputs]
        if meshes or "overlay" in outputs or "photo" in outputs:
            view = mesh_rendering.render_camera_view(face)
        if "photo" in outputs:
            writes.append(pool.submit(_write_photo, face, view, folder / f"{stem}_photo.png"))
        if meshes or "overlay" in outputs:
            texture = photo_texture.extract_texture(face, view)
        if meshes:
            writes.append(pool.submit(_write_meshes, face, folder, stem, meshes, texture))
        if "overlay" in outputs:
            panel = face_panel.draw_panel(face, view, texture, rotated.result())
            _write_image(folder / f"{stem}_overlay.png", panel)
        for write in writes:
            write.result()


def _write_arrays(face, path):
    arrays = {name: getattr(face, name) for name in _NPZ_ARRAYS}
    coefficients = {f"coefficients_{k}": v for k, v in face.coefficients.items()}
    np.savez_compressed(path, **arrays, **coefficients)


def _write_photo(face, view, path):
    _write_image(path, face_panel.draw_overlay(face, view))


def _write_image(path, image):
    image_files.write_image(path, image, compression=image_files.FAST_COMPRESSION)


def _write_meshes(face, folder, stem, meshes, texture):
    """Writes the posed, the neutral mesh or both."""
    chosen = []
    if "mesh" in meshes:
        chosen.append((folder / f"{stem}.obj", face.vertices, face.normals, face.albedo))
    if "neutral" in meshes:
        vertices = face.neutral_vertices
        normals = mesh_normals.normals_of_mesh(vertices, face.triangles)
        chosen.append((folder / f"{stem}_neutral.obj", vertices, normals, face.albedo))
    textured_meshes.write_meshes(chosen, face.triangles, face.uv, face.uv_triangles, texture)
