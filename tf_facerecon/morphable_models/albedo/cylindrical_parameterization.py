"""Any face mesh over the face domain: coordinates in which all faces have their features in place.

The mesh is moved onto the landmark template, unrolled from the cylinder, and bent so that brows,
eyes, nose, mouth and chin lie where the template has them.
"""

import dataclasses

import numpy as np

from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.morphable_models.albedo import face_domain

# Landmarks along the jaw are left out but for the chin: data sets put them at different depths.
# So are the inner ones of the lips, which nearly coincide with the outer ones at the corners.
_CONTROLS = np.r_[6:11, 17:60]


@dataclasses.dataclass(frozen=True, eq=False)
class UnrolledFace:
    """A mesh over the face domain.

    Attributes:
        positions: `[V, 3]` vertices on the scale and in the place of the template, decimetres.
        s: `[V]` arc coordinates, features in place.
        t: `[V]` heights, features in place.
        arc: `[V]` arc coordinates of `positions`, not bent.
        height: `[V]` heights of `positions`, not bent.
    """

    positions: np.ndarray
    s: np.ndarray
    t: np.ndarray
    arc: np.ndarray
    height: np.ndarray


def unroll(vertices: np.ndarray, landmarks: np.ndarray) -> UnrolledFace:
    """Lays a face over the domain.

    Args:
        vertices: `[V, 3]` in any unit, +x image right, +y up, +z out of the face.
        landmarks: `[68]` vertices of the iBUG points.

    Raises:
        ValueError: If the landmarks lie on one line or in one place.
    """
    from scipy import interpolate

    vertices = np.asarray(vertices, np.float64)
    template = face_domain.landmark_template()
    fit = similarity_alignment.similarity_transform(
        vertices[landmarks][_CONTROLS], template[_CONTROLS]
    )
    positions = similarity_alignment.apply_similarity(vertices, *fit)
    flat = face_domain.domain_coordinates(positions)
    controls = flat[landmarks][_CONTROLS]
    # Rows that coincide would make the spline's equations singular.
    _, first = np.unique(controls.round(6), axis=0, return_index=True)
    shift = face_domain.domain_coordinates(template)[_CONTROLS][first] - controls[first]
    spline = interpolate.RBFInterpolator(controls[first], shift, kernel="thin_plate_spline")
    s, t = (flat + spline(flat)).T
    return UnrolledFace(positions, s, t, *flat.T)
