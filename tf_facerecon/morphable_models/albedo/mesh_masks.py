"""Feature masks and regions of a face mesh, from its parameterization and its labelled parts.

Landmarks locate brows, lids, lips and nose; the caller labels eyeballs, teeth, gums and the inside
of the mouth.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tf_facerecon.morphable_models.albedo.albedo_synthesis import FaceMasks
from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.parameterization.cylindrical_parameterization import (
    ParameterizedFace,
)

# Labelled parts of a mesh that are not skin.
EYEBALLS, TEETH, GUMS, MOUTH = "eyeballs", "teeth", "gums", "mouth"
PARTS = (EYEBALLS, TEETH, GUMS, MOUTH)
RIGHT_EYE, LEFT_EYE = (36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47)

# Fractions of the distance between the corners of the eye.
_IRIS_RADIUS, _PUPIL_RADIUS = 0.215, 0.085
# Arc and height, dm: forehead, temple, above the ear, behind it, nape.
_HAIRLINE = (
    *((0.0, 0.92), (0.3, 0.90), (0.6, 0.83), (0.85, 0.73), (1.0, 0.64)),
    *((1.2, 0.55), (1.6, 0.55), (1.8, 0.20), (2.1, -0.35), (2.7, -0.50)),
)


def mesh_masks(
    face: ParameterizedFace,
    landmarks: np.ndarray,
    occlusion: np.ndarray,
    parts: Mapping[str, np.ndarray],
    skin: np.ndarray,
) -> FaceMasks:
    """Masks of the average face, refined by the geometry and labels of the mesh.

    Args:
        face: The mesh in the face domain.
        landmarks: `[68]` vertices of the iBUG points.
        occlusion: `[V]` in [0, 1]: 1 in nostrils and other occluded areas.
        parts: `[V]` boolean masks of all `PARTS`.
        skin: `[V]` boolean: in none of the parts.
    """
    s, t = face.s, face.t
    inner = parts[MOUTH] | parts[TEETH] | parts[GUMS]
    outer = skin * 1.0
    masks = FaceMasks.on_domain(s, t, (~inner).astype(np.float64))
    near_nose = feature_masks.smooth_step(np.abs(s), 0.19, 0.15) * feature_masks.smooth_step(
        t, 0.10, 0.02
    )
    near_nose = near_nose * feature_masks.smooth_step(t, -0.21, -0.18)
    concavity = occlusion * near_nose
    # A mesh with modelled nostrils shows where they are; the average mask is for a closed nose.
    nostril = concavity if concavity.max() > 0.9 else masks.nostril
    on_skin = {
        name: getattr(masks, name) * outer
        for name in ("eye", "lash", "lid_fold", "lips", "brow", "wide_brow", "narrow_brow")
    }
    masks = dataclasses.replace(
        masks,
        **on_skin,
        nostril=nostril * outer,
        hair=_hair(face) * outer,
        concavity=np.zeros_like(s),  # `landmark_albedo` computes ambient occlusion of the mesh.
    )
    if not parts[EYEBALLS].any():
        return masks
    iris, pupil = _iris_and_pupil(face.positions, landmarks, parts[EYEBALLS])
    return dataclasses.replace(masks, eye=parts[EYEBALLS] * 1.0, iris=iris, pupil=pupil)


def face_regions(
    face: ParameterizedFace, masks: FaceMasks, skin: np.ndarray
) -> dict[str, np.ndarray]:
    """Regions of the face by name, `[V]` each, as `MorphableModel.regions` documents them."""
    s, t = face.s, face.t
    nose = feature_masks.smooth_step(np.abs(s), 0.24, 0.18) * feature_masks.smooth_step(
        t, 0.34, 0.26
    )
    small = (np.abs(s) < 0.85) & (t > -0.80) & (t < 0.62)
    return {
        "eyes": masks.eye,
        "brows": masks.brow,
        "lips": masks.lips,
        "nose": nose * feature_masks.smooth_step(t, -0.22, -0.17) * skin,
        "small_face": small * (masks.exterior > 0),
    }


def frontal_region(face: ParameterizedFace, masks: FaceMasks) -> np.ndarray:
    """Front of the face including the eyes, without hair and the inside of the mouth; boolean."""
    front = (np.abs(face.s) < 1.0) & (face.t > -0.80) & (face.t < 0.86)
    return front & (masks.hair < 0.3) & (masks.exterior > 0)


def largest_component(triangles: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The connected component of `region` with the most vertices, `[V]` boolean."""
    from scipy import sparse
    from scipy.sparse import csgraph

    kept = triangles[region[triangles].all(axis=1)]
    size = len(region)
    edges = np.concatenate([kept[:, [0, 1]], kept[:, [1, 2]]])
    graph = sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=(size, size))
    _, component = csgraph.connected_components(graph, directed=False)
    used = np.zeros(size, bool)
    used[kept] = True
    return used & (component == np.bincount(component[used]).argmax())


def _iris_and_pupil(positions, landmarks, eyeballs) -> tuple[np.ndarray, np.ndarray]:
    """Discs about the optical axis, the direction of +z through the eyeball's centre."""
    iris, pupil = np.zeros(len(positions)), np.zeros(len(positions))
    for corners in (RIGHT_EYE, LEFT_EYE):
        lids = positions[landmarks[list(corners)]]
        width = np.linalg.norm(lids[0] - lids[3])
        ball = eyeballs & (positions[:, 0] * lids[:, 0].mean() > 0)
        middle = 0.5 * (positions[ball].min(axis=0) + positions[ball].max(axis=0))
        offset = positions - middle
        front = ball & (offset[:, 2] > 0)
        distance = np.hypot(offset[:, 0], offset[:, 1]) / width
        iris += front * feature_masks.smooth_step(
            distance, _IRIS_RADIUS + 0.02, _IRIS_RADIUS - 0.02
        )
        pupil += front * feature_masks.smooth_step(
            distance, _PUPIL_RADIUS + 0.02, _PUPIL_RADIUS - 0.02
        )
    return iris, pupil


def _hair(face: ParameterizedFace) -> np.ndarray:
    """1 above the hairline, which runs over forehead and temples, around the ears, to the nape."""
    line = np.interp(np.abs(face.unwarped_s), *np.transpose(_HAIRLINE))
    return feature_masks.smooth_step(face.unwarped_t, line - 0.05, line + 0.07)
