"""Importer of ICT-FaceKit, an MIT-licensed face model with named expressions.

Source: ICT-FaceKit ("ICT Face Model Light"), USC Institute for Creative Technologies, 2020, MIT
licence. Its modes are already scaled by their standard deviations; it has no albedo, which
`landmark_albedo` synthesises.
"""

import os
from typing import Any

import numpy as np

from tf_facerecon.geometry import face_landmarks
from tf_facerecon.morphable_models.albedo import landmark_albedo
from tf_facerecon.morphable_models.importers.ict import (
    ict_checksums,
    ict_identity,
    ict_parts,
    ict_shapes,
    ict_source,
    ict_texture,
)
from tf_facerecon.morphable_models.parameterization import face_domain

CENTIMETRES_PER_DECIMETRE = 10.0
# In full, because the notice must accompany every copy, hence every model file.
LICENCE = (
    "MIT License\n\n"
    "Copyright (c) 2020 USC Institute for Creative Technologies\n\n"
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this "
    'software and associated documentation files (the "Software"), to deal in the Software '
    "without restriction, including without limitation the rights to use, copy, modify, merge, "
    "publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons "
    "to whom the Software is furnished to do so, subject to the following conditions:\n\n"
    "The above copyright notice and this permission notice shall be included in all copies or "
    "substantial portions of the Software.\n\n"
    'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, '
    "INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR "
    "PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE "
    "FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR "
    "OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER "
    "DEALINGS IN THE SOFTWARE."
)
_MIRROR_TOLERANCE = 0.05  # cm
# Corrective shapes and the expression they correct: mouthClose closes the lips of an open jaw.
_REQUIRES = {"mouthClose": "jawOpen"}


def ict_fields(
    source: str | os.PathLike,
    *,
    part: str = ict_parts.NARROW_FACE,
    orthogonal: bool = True,
    layout: ict_parts.IctLayout = ict_parts.LIGHT_MODEL,
) -> dict[str, Any]:
    """The fields of `MorphableModel` for ICT-FaceKit.

    All 100 identity modes are kept and ordered, so that the first 80 are the 80 largest;
    expressions are the 53 named blendshapes with coefficients in [0, 1]. Every part includes eyes,
    teeth and the mouth interior.

    Args:
        source: Folder of the repository, its `FaceXModel` folder, or an archive of either.
        part: "narrow_face" (no ears, neck or crown), "face" or "full_head".
        orthogonal: Whether to orthogonalise the identity modes over the skin of the part and remove
            pose and scale from them (`ict_identity`). Otherwise they are the modes of the kit.
        layout: Vertex ranges of the kit's meshes.

    Returns:
        The fields by name; the model is named "ict", for other parts "ict-face" or
        "ict-full-head", with the modes of the kit "...-original".

    Raises:
        FileNotFoundError: If `source` or a file in it is missing.
        ValueError: If a file is damaged or inconsistent with the others, or `part` is unknown.
    """
    if part not in ict_parts.PART_NAMES:
        raise ValueError(f"`part` must be one of {ict_parts.PART_NAMES}. Received: {part!r}.")
    shapes = ict_shapes.read_shapes(source, layout)
    chosen = ict_parts.select_part(shapes.neutral, part, layout)
    landmarks = chosen.local_indices(shapes.landmarks)
    if landmarks.min() < 0:
        raise ValueError(f"{ict_source.INDEX_FILE}: expected all 68 landmarks on the {part}.")
    points = shapes.neutral.vertices[chosen.vertices]
    mirror = mirror_index(points)
    albedo = landmark_albedo.albedo_from_landmarks(
        points, chosen.triangles, landmarks, mirror_index=mirror, parts=chosen.non_skin
    )
    identity, scales = shapes.identity[:, chosen.vertices], None
    if orthogonal:
        modes = ict_identity.orthogonal_modes(identity, points, chosen.skin)
        identity, scales = modes.basis, modes.scales / CENTIMETRES_PER_DECIMETRE
    uv, uv_triangles = ict_texture.pack_uv(shapes.neutral, chosen.triangle_indices)
    return dict(
        name=ict_parts.model_name(part) + ("" if orthogonal else "-original"),
        mean_shape=_decimetres(points) - _centre(points, landmarks),
        identity_basis=_basis(identity),
        expression_basis=_basis(shapes.expression[:, chosen.vertices]),
        mean_albedo=albedo.mean_albedo,
        albedo_basis=albedo.albedo_basis,
        triangles=chosen.triangles,
        landmarks=landmarks.astype(np.int32),
        uv=uv,
        uv_triangles=uv_triangles,
        skin_region=albedo.skin_region,
        face_region=albedo.face_region,
        regions=albedo.regions,
        identity_scales=None if scales is None else scales.astype(np.float32),
        mirror_index=mirror,
        source=_source(shapes.is_published),
        licence=LICENCE,
        redistributable=True,
        **expression_bounds(shapes.expression_names),
    )


def mirror_index(points: np.ndarray) -> np.ndarray:
    """Vertex that is the mirror image of each, `[V]` int32, from `points` `[V, 3]` in centimetres.

    Raises:
        ValueError: If the mesh is not symmetric.
    """
    from scipy import optimize, spatial

    mirrored = points * [-1.0, 1.0, 1.0]
    distance, index = spatial.cKDTree(points).query(mirrored)
    if distance.max() > _MIRROR_TOLERANCE:
        raise ValueError(
            f"The mean face must be symmetric within {_MIRROR_TOLERANCE} cm. Received: "
            f"{distance.max():.3g} cm at vertex {distance.argmax()}."
        )
    loose = np.flatnonzero(index[index] != np.arange(len(index)))
    if loose.size:
        # Several vertices have the same nearest mirror image: optimal symmetric assignment.
        cost = np.linalg.norm(points[loose, None] - mirrored[None, loose], axis=-1)
        _, partner = optimize.linear_sum_assignment(cost + cost.T)
        own = np.arange(loose.size)
        index[loose] = loose[np.where(partner[partner] == own, partner, own)]
    return index.astype(np.int32)


def expression_bounds(names: tuple[str, ...]) -> dict[str, Any]:
    """Names, ranges and requirements of the kit's expressions, as fields of `MorphableModel`."""
    requires = np.full(len(names), -1, np.int32)
    for corrective, needed in _REQUIRES.items():
        if corrective in names and needed in names:
            requires[names.index(corrective)] = names.index(needed)
    bounds = np.tile(np.array([0.0, 1.0], np.float32), (len(names), 1))
    return dict(expression_names=names, expression_range=bounds, expression_requires=requires)


def _source(is_published: bool) -> str:
    version = (
        f"commit {ict_checksums.COMMIT}" if is_published else "files other than the pinned ones"
    )
    return f"ICT-FaceKit, {ict_source.REPOSITORY}, {version}; albedo by this package"


def _centre(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Offset that aligns the mean of the five facial points with that of the landmark template."""
    own = face_landmarks.five_points_from_landmarks(_decimetres(points)[landmarks])
    template = face_landmarks.five_points_from_landmarks(face_domain.landmark_template())
    return (own.mean(axis=0) - template.mean(axis=0)).astype(np.float32)


def _decimetres(points: np.ndarray) -> np.ndarray:
    return (points / CENTIMETRES_PER_DECIMETRE).astype(np.float32)


def _basis(modes: np.ndarray) -> np.ndarray:
    """`[K, V, 3]` centimetres to `[V, 3, K]` decimetres."""
    return np.ascontiguousarray(np.moveaxis(_decimetres(modes), 0, -1))
