"""Fast parser for the untrusted OBJ meshes of ICT-FaceKit.

Separate from `io.mesh_files`, because it keeps materials and parses 154 files: vertices are
converted in one NumPy call.

Convention:
    All meshes of the kit have the same topology: the neutral face is parsed completely; for the
    others only the vertices are parsed and the rest of the file is compared by its hash.
"""

import codecs
import dataclasses
import hashlib

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class NeutralMesh:
    """The mean face.

    Attributes:
        vertices: `[V, 3]` float64, centimetres.
        triangles: `[T, 3]` int32; quadrilaterals are split in two.
        uv: `[U, 2]` float64, in UDIM tiles: u exceeds 1.
        uv_triangles: `[T, 3]` int32 into `uv`.
        materials: `[T]` material name of each triangle.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    uv_triangles: np.ndarray
    materials: np.ndarray


def read_neutral(name: str, content: bytes) -> NeutralMesh:
    """Parses the mean face.

    Args:
        name: File name, for error messages.
        content: The OBJ file.

    Raises:
        ValueError: If the file is not a mesh in the format of the kit.
    """
    vertices, rest = _split(name, content)
    uv, corners, materials, material = [], [], [], ""
    for number, line in enumerate(rest.splitlines(), start=1):
        keyword, *values = line.split() or [b"#"]
        try:
            if keyword == b"vt":
                uv.append((float(values[0]), float(values[1])))
            elif keyword == b"usemtl":
                material = values[0].decode("ascii", errors="replace")
            elif keyword == b"f":
                polygon = [tuple(map(int, value.split(b"/")[:2])) for value in values]
                fan = [(polygon[0], *polygon[k : k + 2]) for k in range(1, len(polygon) - 1)]
                corners += fan
                materials += [material] * len(fan)
        except (ValueError, IndexError) as error:
            raise ValueError(
                f"{name}: line {number} after the vertices is not OBJ: {line[:60]!r}."
            ) from error
    # Corners without texture coordinates would misalign the reshape below.
    if any(len(corner) != 2 for triangle in corners for corner in triangle):
        raise ValueError(f"{name}: each corner of a polygon must be vertex/texture.")
    try:
        corners = np.array(corners, np.int64).reshape(-1, 3, 2) - 1
    except OverflowError as error:
        raise ValueError(f"{name}: polygon indices must fit into 64 bits.") from error
    uv = np.array(uv).reshape(-1, 2)
    for what, indices, count in (
        ("vertices", corners[..., 0], len(vertices)),
        ("texture coordinates", corners[..., 1], len(uv)),
    ):
        if not indices.size or indices.min() < 0 or indices.max() >= count:
            raise ValueError(f"{name}: polygons must refer to its {count} {what}.")
    if not np.isfinite(uv).all():
        raise ValueError(f"{name}: texture coordinates must be finite.")
    corners = corners.astype(np.int32)
    return NeutralMesh(vertices, corners[..., 0], uv, corners[..., 1], np.array(materials))


def read_vertices(name: str, content: bytes) -> tuple[np.ndarray, bytes]:
    """Parses the vertices of a mesh and hashes its topology.

    Returns:
        `[V, 3]` float64, centimetres, and the sha256 of everything after the vertices.

    Raises:
        ValueError: If the file is not a mesh in the format of the kit.
    """
    vertices, rest = _split(name, content)
    return vertices, hashlib.sha256(rest).digest()


def _split(name: str, content: bytes) -> tuple[np.ndarray, bytes]:
    """Vertices, and the text from the first texture coordinate."""
    content = content.removeprefix(codecs.BOM_UTF8)
    start = 0 if content.startswith(b"v ") else content.find(b"\nv ") + 1
    stop = content.find(b"\nvt ", start)
    if stop < 0:
        raise ValueError(f"{name}: expected vertices, then texture coordinates (is it truncated?).")
    tokens = content[start:stop].split()
    if not tokens or len(tokens) % 4 or set(tokens[::4]) != {b"v"}:
        raise ValueError(f"{name}: expected lines 'v x y z' before the texture coordinates.")
    rows = np.array(tokens).reshape(-1, 4)[:, 1:]
    try:
        vertices = rows.astype(np.float64)
    except ValueError as error:
        raise ValueError(f"{name}: a vertex is not three numbers: {error}") from error
    if not np.isfinite(vertices).all():
        raise ValueError(f"{name}: vertices must be finite.")
    return vertices, content[stop:]
