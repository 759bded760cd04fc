"""The embedded face model: a morphable model written down as formulas, free of any licence."""

from typing import Any

import numpy as np

from tf_facerecon.morphable_models.albedo import feature_masks
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
# Raised whenever a coefficient changes its meaning, so that weights trained on another edition of
# the model are told apart by its fingerprint.
EDITION = 3


def procedural_fields(num_vertices: int = DEFAULT_VERTICES) -> dict[str, Any]:
    """The fields of `MorphableModel` for the procedural face model at a mesh density.

    Coefficients mean the same at every density: modes are functions on the analytic mean face.
    A dict, because `MorphableModel.from_preset` calls this and imports go one way.

    Args:
        num_vertices: Wanted number of vertices; the mesh has within 3 % of it.

    Returns:
        The fields, by name; the model is called "procedural" at the default density, else
        "procedural-<num_vertices>".

    Raises:
        ValueError: If `num_vertices` is not between `topology.MIN_VERTICES` and `MAX_VERTICES`.
    """
    lattice = topology.build_lattice(num_vertices)
    s, t, sheet_row = lattice.s, lattice.t, lattice.sheet_row
    points = mean_face.FacePoints.on_surface(s, t, lattice.seam_side)
    default = num_vertices == DEFAULT_VERTICES
    identity = _hang_mouth_sheet(identity_modes.identity_basis(points), lattice, False)
    expression = _hang_mouth_sheet(expression_modes.expression_basis(points), lattice, True)
    texture = albedo.albedo_basis(s, t, sheet_row).astype(np.float32)
    return dict(
        name="procedural" if default else f"procedural-{num_vertices}",
        mean_shape=topology.vertex_positions(lattice, surface_details.surface(s, t)).astype(
            np.float32
        ),
        identity_basis=identity,
        expression_basis=expression,
        mean_albedo=albedo.mean_albedo(s, t, sheet_row).astype(np.float32),
        albedo_basis=texture,
        triangles=lattice.triangles,
        landmarks=lattice.landmarks,
        uv=lattice.uv,
        skin_region=_skin_region(lattice),
        face_region=_face_region(lattice),
        regions=annotations.regions(lattice),
        expression_names=annotations.expression_names(expression.shape[-1]),
        identity_scales=annotations.mode_scales(identity),
        expression_scales=annotations.mode_scales(expression),
        texture_scales=annotations.mode_scales(texture),
        mirror_index=annotations.mirror_index(lattice),
        source="tf_facerecon.morphable_models.procedural",
        licence="MIT",
        redistributable=True,
        recipe=f"procedural face, edition {EDITION}, {num_vertices} vertices",
    )


def _hang_mouth_sheet(
    basis: np.ndarray, lattice: topology.FaceLattice, follow_lips: bool
) -> np.ndarray:
    """Lets the sheet in the mouth follow the lips (expressions) or the upper one (identity)."""
    inside = lattice.sheet_row >= 0
    upper, lower = basis[lattice.upper_edge[inside]], basis[lattice.lower_edge[inside]]
    if follow_lips:
        shares = mean_face.MOUTH_SHEET[lattice.sheet_row[inside], 2:]
        upper = shares[:, 0, None, None] * upper + shares[:, 1, None, None] * lower
    basis[inside] = upper
    return basis.astype(np.float32)


def _skin_region(lattice: topology.FaceLattice) -> np.ndarray:
    skin = feature_masks.skin(lattice.s, lattice.t) * (lattice.sheet_row < 0)
    return (skin > 0.5).astype(np.float32)


def _face_region(lattice: topology.FaceLattice) -> np.ndarray:
    """Front of the face without its rim, hair and the inside of the mouth."""
    front = (np.abs(lattice.s) < 1.0) & (lattice.t > -0.80) & (lattice.t < 0.86)
    hairless = feature_masks.hair(lattice.s, lattice.t) < 0.3
    return (front & hairless & (lattice.sheet_row < 0)).astype(np.float32)
