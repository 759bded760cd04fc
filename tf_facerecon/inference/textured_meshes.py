"""Files of several meshes of one person: the same triangles, UV map and texture."""

import pathlib
from collections.abc import Iterable

import numpy as np

from tf_facerecon.io import image_files, mesh_files


def write_meshes(
    meshes: Iterable[tuple[pathlib.Path, np.ndarray, np.ndarray, np.ndarray]],
    triangles: np.ndarray,
    uv: np.ndarray,
    uv_triangles: np.ndarray,
    texture: np.ndarray,
) -> None:
    """Writes meshes, each with a material and the texture, which is compressed once.

    Args:
        meshes: Path of the `.obj` file, vertices `[V, 3]`, normals `[V, 3]` and albedo `[V, 3]`,
            which is clamped to [0, 1], of each.
        triangles: `[T, 3]`.
        uv: `[U, 2]`.
        uv_triangles: `[T, 3]`, rows of `uv`.
        texture: `[height, width, 3]` uint8.
    """
    for path, vertices, normals, albedo in meshes:
        mesh_files.write_obj(
            path,
            vertices,
            triangles,
            colours=np.clip(albedo, 0.0, 1.0),
            normals=normals,
            uv=uv,
            uv_triangles=uv_triangles,
            texture=texture,
            compression=image_files.FAST_COMPRESSION,
        )
        texture = path.with_name(f"{path.stem}_texture.png")  # The same for the next one.
