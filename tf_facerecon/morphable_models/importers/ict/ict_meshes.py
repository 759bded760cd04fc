"""Meshes of ICT-FaceKit: OBJ text to arrays, quickly and without trust.

Convention:
    All meshes of the kit have one topology: the neutral face is read whole, of the others only the
    vertices, and the rest of the file is compared.
"""

import dataclasses
import hashlib

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class NeutralMesh:
    """The mean face.

    Attributes:
        vertices: `[V, 3]` float64, centimetres.
        triangles: `[T, 3]` int32; a quadrilateral is two.
        uv: `[U, 2]` float64, in tiles: u runs beyond 1.
        uv_triangles: `[T, 3]` int32, corners into `uv`.
        materials: `[T]` name of each triangle's material.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    uv_triangles: np.ndarray
    materials: np.ndarray


def read_neutral(name: str, content: bytes) -> NeutralMesh:
    """Reads the mean face.

    Args:
        name: File name, for messages.
        content: The OBJ file.

    Raises:
        ValueError: If the text is not what the kit holds.
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
                f"{name}: line {number} behind the vertices is not OBJ: {line[:60]!r}."
            ) from error
    # Without texture coordinates two triangles would have the numbers of one.
    if any(len(corner) != 2 for triangle in corners for corner in triangle):
        raise ValueError(f"{name}: each corner of a polygon must be vertex/texture.")
    try:
        corners = np.array(corners, np.int64).reshape(-1, 3, 2) - 1
    except OverflowError as error:
        raise ValueError(f"{name}: polygons must have numbers of 64 bits.") from error
    uv = np.array(uv).reshape(-1, 2)
    for what, indices, count in (
        ("vertices", corners[..., 0], len(vertices)),
        ("texture coordinates", corners[..., 1], len(uv)),
    ):
        if not indices.size or indices.min() < 0 or indices.max() >= count:
            raise ValueError(f"{name}: polygons must name some of its {count} {what}.")
    if not np.isfinite(uv).all():
        raise ValueError(f"{name}: texture coordinates must be finite.")
    corners = corners.astype(np.int32)
    return NeutralMesh(vertices, corners[..., 0], uv, corners[..., 1], np.array(materials))


def read_vertices(name: str, content: bytes) -> tuple[np.ndarray, bytes]:
    """Reads the vertices of a mesh, and what tells whether its topology is another's.

    Returns:
        `[V, 3]` float64, centimetres, and a digest of all that follows the vertices.

    Raises:
        ValueError: If the text is not what the kit holds.
    """
    vertices, rest = _split(name, content)
    return vertices, hashlib.sha256(rest).digest()


def _split(name: str, content: bytes) -> tuple[np.ndarray, bytes]:
    """Vertices, and the text from the first texture coordinate on."""
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
