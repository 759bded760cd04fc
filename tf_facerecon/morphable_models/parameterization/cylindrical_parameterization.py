"""Parameterization of face meshes over the face domain, with facial features aligned.

The mesh is aligned with the landmark template by a similarity transform, projected onto the
cylinder, and warped by a thin-plate spline so that brows, eyes, nose, mouth and chin have the
domain coordinates of the template.
"""

import dataclasses

import numpy as np

from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.morphable_models.parameterization import face_domain

# Without the jaw line, whose depth differs between data sets (the chin is kept), and without the
# inner lips, which nearly coincide with the outer ones at the mouth corners.
_CONTROLS = np.r_[6:11, 17:60]


@dataclasses.dataclass(frozen=True, eq=False)
class ParameterizedFace:
    """Vertices of a mesh in the face domain.

    Attributes:
        positions: `[V, 3]` vertices aligned with the template, decimetres.
        s: `[V]` arc coordinates after the warp.
        t: `[V]` heights after the warp.
        unwarped_s: `[V]` arc coordinates of `positions`.
        unwarped_t: `[V]` heights of `positions`.
    """

    positions: np.ndarray
    s: np.ndarray
    t: np.ndarray
    unwarped_s: np.ndarray
    unwarped_t: np.ndarray


def parameterize(vertices: np.ndarray, landmarks: np.ndarray) -> ParameterizedFace:
    """Computes the domain coordinates of a face mesh.

    Args:
        vertices: `[V, 3]` in any unit, +x image right, +y up, +z out of the face.
        landmarks: `[68]` vertices of the iBUG points.

    Raises:
        ValueError: If the landmarks are collinear or coincide.
    """
    from scipy import interpolate

    vertices = np.asarray(vertices, np.float64)
    template = face_domain.landmark_template()
    fit = similarity_alignment.similarity_transform(
        vertices[landmarks][_CONTROLS], template[_CONTROLS]
    )
    positions = similarity_alignment.apply_similarity(vertices, *fit)
    projected = face_domain.domain_coordinates(positions)
    controls = projected[landmarks][_CONTROLS]
    # Coinciding control points would make the spline's linear system singular.
    _, first = np.unique(controls.round(6), axis=0, return_index=True)
    shift = face_domain.domain_coordinates(template)[_CONTROLS][first] - controls[first]
    warp = interpolate.RBFInterpolator(controls[first], shift, kernel="thin_plate_spline")
    s, t = (projected + warp(projected)).T
    return ParameterizedFace(positions, s, t, *projected.T)
