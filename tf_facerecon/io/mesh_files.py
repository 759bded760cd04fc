"""Wavefront OBJ meshes that preserve vertex order and topology.

Home-made: trimesh and similar libraries merge, split or drop vertices when a file has texture
coordinates, and round vertex colours to 8 bits.

Convention:
    Vertex indices are 0-based, triangles counter-clockwise from outside. Colours are RGB in 0..1.
    Texture coordinates are `(u, v)` in 0..1, v up: (0, 0) is the bottom-left corner of the texture.
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import shutil

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.io import atomic_files, image_files, text_files


@dataclasses.dataclass(frozen=True, eq=False)
class ObjMesh:
    """The contents of an OBJ file.

    Attributes:
        vertices: float64 `[V, 3]`.
        triangles: int32 `[T, 3]`; polygons are triangulated as fans.
        colours: float64 `[V, 3]`, or `None`.
        uv: float64 `[N, 2]`, or `None`.
        uv_triangles: int32 `[T, 3]` into `uv`, or `None`.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray | None = None
    uv: np.ndarray | None = None
    uv_triangles: np.ndarray | None = None


def write_obj(
    path: str | os.PathLike,
    vertices: np.ndarray,
    triangles: np.ndarray,
    *,
    colours: np.ndarray | None = None,
    normals: np.ndarray | None = None,
    uv: np.ndarray | None = None,
    uv_triangles: np.ndarray | None = None,
    texture: np.ndarray | str | os.PathLike | None = None,
    compression: int = image_files.PNG_COMPRESSION,
) -> None:
    """Writes a mesh; with a texture also `<stem>.mtl` and `<stem>_texture.png` beside it.

    Nine significant digits, so float32 arrays round-trip exactly. All files are written under
    temporary names first, so that no partial file can remain.

    Args:
        path: Ends in `.obj`.
        vertices: `[V, 3]`.
        triangles: Integer `[T, 3]`.
        colours: Optional `[V, 3]`; clipped to 0..1, written after the coordinates of each vertex.
        normals: Optional `[V, 3]`, written with five decimals and smooth shading (`s 1`). Each
            vertex has one normal, so shading does not break at texture seams.
        uv: Optional texture coordinates: `[V, 2]`, or `[N, 2]` with `uv_triangles`.
        uv_triangles: Optional integer `[T, 3]` into `uv`, for textures with seams; by default each
            vertex has one texture coordinate.
        texture: Optional image `[height, width, 3]`, `uint8` or floats in 0..1, or a PNG file that
            is copied; needs `uv`.
        compression: Of the texture; see `image_files.write_image`.

    Raises:
        ValueError: If a shape, an index or a value is invalid; nothing is written then.
        FileNotFoundError: If `texture` is a file that does not exist.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() != ".obj":
        raise ValueError(f"`path` must end in .obj. Received: {path}.")
    vertices = _checked_floats("vertices", vertices, (None, 3))
    triangles = _checked_indices("triangles", triangles, (None, 3), len(vertices))
    if colours is not None:
        colours = _checked_floats("colours", colours, (len(vertices), 3)).clip(0.0, 1.0)
    if normals is not None:
        normals = _checked_floats("normals", normals, (len(vertices), 3))
    uv, uv_triangles = _checked_uv(uv, uv_triangles, triangles, len(vertices))
    if texture is not None and uv is None:
        raise ValueError("`texture` needs `uv`. Received: texture without uv.")
    text = _obj_text(vertices, triangles, colours, normals, uv, uv_triangles)
    if texture is None:
        atomic_files.write_text(path, text)
    else:
        _write_textured(path, text, texture, compression)


def read_obj(path: str | os.PathLike) -> ObjMesh:
    """Reads vertices, colours, texture coordinates and faces of an OBJ file, in file order.

    Normals, materials, groups and lines are ignored.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line cannot be parsed; the message names file and line.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No mesh file {path}.")
    parser = _ObjParser()
    for number, line in enumerate(text_files.read_text(path, errors="replace").split("\n"), 1):
        try:
            parser.read_line(line)
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path}, line {number} is not OBJ: {line.strip()!r}.") from error
    if not parser.vertices:
        raise ValueError(f"{path} holds no vertices.")
    try:
        return parser.mesh()
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


class _ObjParser:
    """Collects the elements of an OBJ file line by line."""

    def __init__(self):
        self.vertices: list[list[float]] = []
        self.uv: list[list[float]] = []
        self.triangles: list[list[int]] = []
        self.uv_triangles: list[list[int]] = []

    def read_line(self, line: str) -> None:
        keyword, *values = line.split() or ["#"]
        if keyword == "v":
            if len(values) not in (3, 4, 6, 7):
                raise ValueError
            self.vertices.append(_finite(values))
        elif keyword == "vt":
            self.uv.append(_finite([values[0], values[1]]))
        elif keyword == "f":
            self._read_polygon([value.split("/") for value in values])

    def _read_polygon(self, corners: list[list[str]]) -> None:
        """Cuts a polygon of `v`, `v/vt`, `v//vn` or `v/vt/vn` corners into a fan of triangles."""
        if len(corners) < 3:
            raise ValueError
        vertices = [_resolve(corner[0], len(self.vertices)) for corner in corners]
        textured = all(len(corner) > 1 and corner[1] for corner in corners)
        uv = [_resolve(corner[1], len(self.uv)) for corner in corners] if textured else None
        for i in range(1, len(corners) - 1):
            self.triangles.append([vertices[0], vertices[i], vertices[i + 1]])
            if uv is not None:
                self.uv_triangles.append([uv[0], uv[i], uv[i + 1]])

    def mesh(self) -> ObjMesh:
        widths = {len(vertex) for vertex in self.vertices}
        if len(widths) > 1:
            raise ValueError(f"vertices have different numbers of values: {sorted(widths)}.")
        vertices = np.array(self.vertices)
        triangles = np.array(self.triangles, np.int32).reshape(-1, 3)
        uv_triangles = np.array(self.uv_triangles, np.int32).reshape(-1, 3)
        _checked_indices("triangles", triangles, (None, 3), len(vertices))
        _checked_indices("uv_triangles", uv_triangles, (None, 3), len(self.uv))
        # A mesh with texture coordinates on only some polygons is read as untextured.
        textured = len(self.uv) > 0 and len(uv_triangles) == len(triangles)
        return ObjMesh(
            vertices=vertices[:, :3],
            triangles=triangles,
            colours=vertices[:, -3:] if vertices.shape[-1] >= 6 else None,
            uv=np.array(self.uv) if textured else None,
            uv_triangles=uv_triangles if textured else None,
        )


def _finite(values: list[str]) -> list[float]:
    numbers = [float(value) for value in values]
    if not np.isfinite(numbers).all():
        raise ValueError
    return numbers


def _resolve(index: str, count: int) -> int:
    """Converts an OBJ index (1-based, or negative from the end) to a 0-based one."""
    number = int(index)
    if number == 0 or number < -count or number > np.iinfo(np.int32).max:
        raise ValueError
    return number - 1 if number > 0 else count + number


def _obj_text(vertices, triangles, colours, normals, uv, uv_triangles) -> str:
    """OBJ text of validated arrays, without a material reference."""
    rows = vertices if colours is None else np.concatenate([vertices, colours], axis=-1)
    blocks, corners = [_lines("v", rows)], [triangles + 1]
    if uv is not None:
        blocks.append(_repeated_lines("vt %.9g %.9g\n", uv))
        corners.append(uv_triangles + 1)
    if normals is not None:
        blocks += [_lines("vn", normals, "%.5f"), "s 1\n"]
        corners.append(triangles + 1)
    # `v`, `v/vt`, `v//vn` or `v/vt/vn`.
    corner = ("//" if uv is None else "/").join(["%d"] * len(corners)) if len(corners) > 1 else "%d"
    indices = np.stack(corners, axis=-1).reshape(len(triangles), -1)
    blocks.append(_repeated_lines(f"f {corner} {corner} {corner}\n", indices))
    return "".join(blocks)


def _lines(keyword: str, rows: np.ndarray, number: str = "%.9g") -> str:
    """One line per row: `keyword` and the values, by default with nine digits."""
    return _formatted(keyword + f" {number}" * rows.shape[-1] + "\n", rows)


def _repeated_lines(template: str, rows: np.ndarray) -> str:
    """`_formatted`, kept for the next mesh of the same face model."""
    return _formatted_bytes(template, rows.tobytes(), rows.dtype.str, rows.shape[-1])


@functools.lru_cache(maxsize=4)
def _formatted_bytes(template: str, data: bytes, dtype: str, columns: int) -> str:
    return _formatted(template, np.frombuffer(data, dtype).reshape(-1, columns))


def _formatted(template: str, rows: np.ndarray) -> str:
    """`template` filled with each row; all in one call, which is faster than row by row."""
    return template * len(rows) % tuple(rows.ravel().tolist())


def _write_textured(path: pathlib.Path, text: str, texture, compression: int) -> None:
    """Writes mesh, material and texture; the mesh, which refers to the others, appears last."""
    # A plain `<stem>.png` could be the photograph that the mesh was reconstructed from.
    material, image = path.with_suffix(".mtl"), path.with_name(f"{path.stem}_texture.png")
    with contextlib.ExitStack() as files:
        obj_part, material_part, image_part = (
            files.enter_context(atomic_files.atomic_path(name)) for name in (path, material, image)
        )
        if isinstance(texture, str | os.PathLike):
            shutil.copyfile(texture, image_part)
        else:
            image_files.write_image(image_part, texture, compression=compression)
        material_part.write_text(
            f"newmtl skin\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {image.name}\n",
            encoding="utf-8",
        )
        obj_part.write_text(f"mtllib {material.name}\nusemtl skin\n{text}", encoding="utf-8")


def _checked_uv(uv, uv_triangles, triangles, num_vertices: int):
    """Checks texture coordinates; without `uv_triangles` they share the vertex indices."""
    if uv is None:
        if uv_triangles is not None:
            raise ValueError("`uv_triangles` needs `uv`. Received: uv_triangles without uv.")
        return None, None
    if uv_triangles is None:
        return _checked_floats("uv", uv, (num_vertices, 2)), triangles
    uv = _checked_floats("uv", uv, (None, 2))
    return uv, _checked_indices("uv_triangles", uv_triangles, (len(triangles), 3), len(uv))


def _checked_floats(name: str, values, expected) -> np.ndarray:
    """Returns `values` as a finite real array of the expected shape."""
    values = np.asarray(values)
    checks.check_shape(name, values, expected)
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise ValueError(f"`{name}` must hold real numbers. Received: {values.dtype}.")
    if not np.isfinite(values).all():
        raise ValueError(f"`{name}` must be finite. Received NaN or infinite values.")
    return values


def _checked_indices(name: str, values, expected, limit: int) -> np.ndarray:
    """Returns `values` as an int32 array of the expected shape within 0..limit - 1."""
    values = np.asarray(values)
    checks.check_integers(name, values, expected)
    if values.size and (values.min() < 0 or values.max() >= limit):
        raise ValueError(
            f"`{name}` must lie in 0..{limit - 1}. Received: {values.min()}..{values.max()}."
        )
    return values.astype(np.int32)
