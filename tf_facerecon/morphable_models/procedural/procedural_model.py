"""The built-in procedural face model: a morphable model defined by formulas, not by scans."""

from typing import Any

import numpy as np

from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import (
    albedo,
    annotations,
    expression_modes,
    identity_modes,
    mean_face,
    surface_details,
    topology,
)

DEFAULT_VERTICES = 10_000
# Increased whenever a coefficient changes its meaning, so that the fingerprint tells apart networks
# trained with another edition of the model.
EDITION = 3


def procedural_fields(num_vertices: int = DEFAULT_VERTICES) -> dict[str, Any]:
    """The fields of `MorphableModel` for the procedural face model at a mesh density.

    Coefficients mean the same at every density: modes are functions on the analytic mean face.
    Returns a dict because `MorphableModel.from_preset` calls this: no import cycle.

    Args:
        num_vertices: Desired number of vertices; the mesh is within 3 % of it.

    Returns:
        The fields by name; the model is named "procedural" at the default density, else
        "procedural-<num_vertices>".

    Raises:
        ValueError: If `num_vertices` is not between `topology.MIN_VERTICES` and `MAX_VERTICES`.
    """
    mesh = topology.build_mesh(num_vertices)
    s, t, mouth_row = mesh.s, mesh.t, mesh.mouth_row
    points = mean_face.FacePoints.on_surface(s, t, mesh.lip_side)
    default = num_vertices == DEFAULT_VERTICES
    identity = _attach_mouth_interior(identity_modes.identity_basis(points), mesh, False)
    expression = _attach_mouth_interior(expression_modes.expression_basis(points), mesh, True)
    texture = albedo.albedo_basis(s, t, mouth_row).astype(np.float32)
    return dict(
        name="procedural" if default else f"procedural-{num_vertices}",
        mean_shape=topology.vertex_positions(mesh, surface_details.surface(s, t)).astype(
            np.float32
        ),
        identity_basis=identity,
        expression_basis=expression,
        mean_albedo=albedo.mean_albedo(s, t, mouth_row).astype(np.float32),
        albedo_basis=texture,
        triangles=mesh.triangles,
        landmarks=mesh.landmarks,
        uv=mesh.uv,
        skin_region=_skin_region(mesh),
        face_region=_face_region(mesh),
        regions=annotations.regions(mesh),
        expression_names=annotations.expression_names(expression.shape[-1]),
        identity_scales=annotations.mode_scales(identity),
        expression_scales=annotations.mode_scales(expression),
        texture_scales=annotations.mode_scales(texture),
        mirror_index=annotations.mirror_index(mesh),
        source="tf_facerecon.morphable_models.procedural",
        licence="MIT",
        redistributable=True,
        recipe=f"procedural face, edition {EDITION}, {num_vertices} vertices",
    )


def _attach_mouth_interior(
    basis: np.ndarray, mesh: topology.FaceMesh, follow_lips: bool
) -> np.ndarray:
    """Moves the mouth interior with both lips (expressions) or the upper lip (identity)."""
    inside = mesh.mouth_row >= 0
    upper, lower = basis[mesh.upper_edge[inside]], basis[mesh.lower_edge[inside]]
    if follow_lips:
        shares = mean_face.MOUTH_INTERIOR[mesh.mouth_row[inside], 2:]
        upper = shares[:, 0, None, None] * upper + shares[:, 1, None, None] * lower
    basis[inside] = upper
    return basis.astype(np.float32)


def _skin_region(mesh: topology.FaceMesh) -> np.ndarray:
    skin = feature_masks.skin(mesh.s, mesh.t) * (mesh.mouth_row < 0)
    return (skin > 0.5).astype(np.float32)


def _face_region(mesh: topology.FaceMesh) -> np.ndarray:
    """Front of the face without its boundary, hair and the mouth interior."""
    front = (np.abs(mesh.s) < 1.0) & (mesh.t > -0.80) & (mesh.t < 0.86)
    hairless = feature_masks.hair(mesh.s, mesh.t) < 0.3
    return (front & hairless & (mesh.mouth_row < 0)).astype(np.float32)
