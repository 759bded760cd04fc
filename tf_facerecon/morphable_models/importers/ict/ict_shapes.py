"""The mean shape and all modes of ICT-FaceKit.

Convention:
    Centimetres; +x to the subject's left (the image's right), +y up, +z out of the face. Each file
    except the neutral one is the mean plus one mode.
"""

import dataclasses
import hashlib
import json
import os
import re

import numpy as np

from tf_facerecon.morphable_models.importers.ict import (
    ict_checksums,
    ict_meshes,
    ict_parts,
    ict_source,
)

_IDENTITY = re.compile(r"identity(\d{3})\.obj")


@dataclasses.dataclass(frozen=True, eq=False)
class IctShapes:
    """The shapes of the kit as arrays.

    Attributes:
        neutral: The mean face.
        identity: `[K_id, V, 3]` float32 modes, centimetres per standard deviation.
        expression: `[K_exp, V, 3]` float32, centimetres at coefficient 1.
        expression_names: Names of the expressions.
        landmarks: `[68]` vertex indices.
        is_published: Whether the sha256 of every file used is that of the published file.
    """

    neutral: ict_meshes.NeutralMesh
    identity: np.ndarray
    expression: np.ndarray
    expression_names: tuple[str, ...]
    landmarks: np.ndarray
    is_published: bool


def read_shapes(source: str | os.PathLike, layout: ict_parts.IctLayout) -> IctShapes:
    """Reads the kit.

    Args:
        source: As for `ict_source.read_files`.
        layout: Expected numbers of vertices and identities.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged, truncated, or inconsistent with the others.
    """
    contents: dict[str, bytes] = {}
    vertices: dict[str, np.ndarray] = {}
    topologies: dict[str, bytes] = {}
    foreign: set[str] = set()
    expected = ict_checksums.checksums()
    for name, content in ict_source.read_files(source):
        if hashlib.sha256(content).hexdigest() != expected.get(name):
            foreign.add(name)
        if name in (ict_source.INDEX_FILE, ict_source.NEUTRAL_FILE):
            contents[name] = content
        if name != ict_source.INDEX_FILE:
            vertices[name], topologies[name] = ict_meshes.read_vertices(name, content)
    expression_names, landmarks = _read_index(contents[ict_source.INDEX_FILE], layout)
    neutral = ict_meshes.read_neutral(ict_source.NEUTRAL_FILE, contents[ict_source.NEUTRAL_FILE])
    files = [f"identity{number:03d}.obj" for number in range(layout.num_identities)]
    files += [f"{name}.obj" for name in expression_names]
    _check_meshes(str(source), files, vertices, topologies, layout)
    modes = np.stack([vertices[name] - neutral.vertices for name in files]).astype(np.float32)
    return IctShapes(
        neutral=neutral,
        identity=modes[: layout.num_identities],
        expression=modes[layout.num_identities :],
        expression_names=expression_names,
        landmarks=landmarks,
        is_published=not foreign & {*files, *contents},
    )


def _check_meshes(source, files, vertices, topologies, layout) -> None:
    missing = [name for name in files if name not in vertices]
    if missing:
        raise FileNotFoundError(
            f"{source!r} lacks {len(missing)} of the {len(files)} shapes of ICT-FaceKit: "
            f"{', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}."
        )
    neutral = ict_source.NEUTRAL_FILE
    for name in (neutral, *files):
        if len(vertices[name]) != layout.num_vertices:
            raise ValueError(
                f"{name} of {source!r} holds {len(vertices[name])} vertices; expected "
                f"{layout.num_vertices}."
            )
        if topologies[name] != topologies[neutral]:
            raise ValueError(
                f"{name} of {source!r} differs from {neutral} in texture coordinates or polygons; "
                "expected the same (is it truncated?)."
            )


def _read_index(content: bytes, layout: ict_parts.IctLayout) -> tuple[tuple[str, ...], np.ndarray]:
    """Expression names and landmark vertices from the index file."""
    label = ict_source.INDEX_FILE
    try:
        index = json.loads(content)
        names, landmarks = index["expressions"], index["idx_to_landmark_verts"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{label} must be JSON with `expressions` and `idx_to_landmark_verts`: {error!r}."
        ) from error
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) and name for name in names)
        or len(set(names)) != len(names)
        or any(_IDENTITY.fullmatch(f"{name}.obj") for name in names)
    ):
        raise ValueError(f"`expressions` of {label} must be unique names of expressions.")
    if (
        not isinstance(landmarks, list)
        or len(landmarks) != 68
        or not all(type(vertex) is int for vertex in landmarks)
        or not 0 <= min(landmarks) <= max(landmarks) < layout.num_vertices
    ):
        raise ValueError(f"`idx_to_landmark_verts` of {label} must be 68 vertex indices.")
    return tuple(names), np.array(landmarks)
