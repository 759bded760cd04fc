"""Albedo for a face model that comes without one: from its mean mesh and 68 landmarks.

The mesh is unrolled over the face domain (`cylindrical_parameterization`), painted there as the
procedural face is (`painted_albedo`), given smooth colour fields along its own surface
(`laplacian_fields`), and darkened in its creases (`ambient_occlusion`): spherical-harmonics light
casts no shadows, and under even light a face without painted ones has no nose and no lids. What
landmarks cannot locate - eyeballs, teeth and the inside of the mouth - the caller names as parts.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tf_facerecon.morphable_models.albedo import (
    ambient_occlusion,
    cylindrical_parameterization,
    feature_masks,
    laplacian_fields,
    painted_albedo,
)

# Parts of a mesh that are not skin.
EYEBALLS, TEETH, GUMS, MOUTH = "eyeballs", "teeth", "gums", "mouth"
PARTS = (EYEBALLS, TEETH, GUMS, MOUTH)
NUM_MODES = 80

_FIELD_LENGTH = 0.26  # dm, between the two lengths of the procedural face
# Lips stay redder than the skin round them, be that as dark as it may (`painted_albedo`).
_LIP_MODES = ((0.010, -0.020, -0.015), (-0.035, -0.024, -0.021))
_GUM = np.array([0.450, 0.215, 0.205])
# Openness (`ambient_occlusion`) below which a place begins to count as covered, and fully does.
_COVERED = (0.45, 0.20)
# Moving faces open what the mean face covers: nothing is darker than at this openness.
_LEAST_OPEN = 0.25
# Rounds of averaging between neighbours: openness comes in steps, of few directions.
_OPENNESS_SMOOTHING = 2
# Skin of one albedo is where at least this share of the light gets.
_PLAIN_LIGHT = 0.85
# Where openness is asked, arc and heights in dm: nose, lips and lids lie there.
_CENTRE_ARC, _CENTRE_LOW, _CENTRE_HIGH = 0.70, -0.65, 0.55
# In the mouth colours fade into its dark with the depth behind the lips, dm.
_MOUTH_LIGHT = 0.22
_MOUTH_BRIGHTNESS = 0.85
_LID_SHADOW = 0.45
# Of the distance between the corners of the eye.
_IRIS_RADIUS, _PUPIL_RADIUS = 0.215, 0.085
# Arc and height, dm: forehead, temple, above the ear, behind it, nape.
_HAIRLINE = (
    *((0.0, 0.92), (0.3, 0.90), (0.6, 0.83), (0.85, 0.73), (1.0, 0.64)),
    *((1.2, 0.55), (1.6, 0.55), (1.8, 0.20), (2.1, -0.35), (2.7, -0.50)),
)
_RIGHT_EYE, _LEFT_EYE = (36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47)


@dataclasses.dataclass(frozen=True, eq=False)
class FaceAlbedo:
    """What `albedo_from_landmarks` paints.

    Attributes:
        mean_albedo: `[V, 3]` float32 RGB.
        albedo_basis: `[V, 3, K]` float32, per unit standard deviation.
        skin_region: `[V]` float32, 1 on skin of one albedo.
        face_region: `[V]` float32, 1 where photographs are compared.
        regions: `[V]` float32 in [0, 1] each: "eyes", "brows", "lips", "nose", "small_face".
    """

    mean_albedo: np.ndarray
    albedo_basis: np.ndarray
    skin_region: np.ndarray
    face_region: np.ndarray
    regions: dict[str, np.ndarray]


def albedo_from_landmarks(
    vertices: np.ndarray,
    triangles: np.ndarray,
    landmarks: np.ndarray,
    *,
    mirror_index: np.ndarray | None = None,
    parts: Mapping[str, np.ndarray] | None = None,
    num_modes: int = NUM_MODES,
) -> FaceAlbedo:
    """Paints a face.

    Args:
        vertices: `[V, 3]` mean shape in any unit, +x image right, +y up, +z out of the face.
        triangles: `[T, 3]` counter-clockwise from outside.
        landmarks: `[68]` vertices of the iBUG points.
        mirror_index: `[V]` vertex that is the mirror image of each; with it every mode is even or
            odd under the mirror.
        parts: `[V]` boolean masks of what is not skin, by names out of `PARTS`. Without eyeballs,
            eyes are painted on the skin between the lids.
        num_modes: At least `painted_albedo.NUM_NAMED_MODES` + 1.

    Raises:
        ValueError: If a part is unknown, or the landmarks do not span a face.
    """
    parts = _checked_parts(parts or {}, len(vertices))
    face = cylindrical_parameterization.unroll(vertices, landmarks)
    skin = ~np.any(list(parts.values()), axis=0)
    open_share = _openness(face, triangles, skin)
    covered = feature_masks.smooth_step(open_share, *_COVERED)
    masks = _masks(face, landmarks, covered, parts, skin)
    colours = _mean_colours(face, landmarks, covered, masks, parts)
    fields = laplacian_fields.smooth_fields(
        face.positions,
        triangles,
        _largest_piece(triangles, skin),
        _FIELD_LENGTH,
        num_modes - painted_albedo.NUM_NAMED_MODES,
        mirror_index,
    )
    basis = painted_albedo.colour_modes(masks, colours, fields, num_modes, _LIP_MODES)
    light = _ambient_light(open_share, triangles, skin)
    plain = (feature_masks.skin(face.s, face.t) * skin > 0.5) & (light.min(axis=1) > _PLAIN_LIGHT)
    regions = _regions(face, masks, skin)
    return FaceAlbedo(
        mean_albedo=(light * colours).astype(np.float32),
        albedo_basis=(light[..., None] * basis).astype(np.float32),
        skin_region=plain.astype(np.float32),
        face_region=_face_region(face, masks).astype(np.float32),
        regions={name: values.astype(np.float32) for name, values in regions.items()},
    )


def _checked_parts(parts: Mapping[str, np.ndarray], num_vertices: int) -> dict[str, np.ndarray]:
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise ValueError(f"`parts` must have names out of {PARTS}. Received: {unknown}.")
    checked = {name: np.asarray(parts.get(name, np.zeros(num_vertices)), bool) for name in PARTS}
    for name, mask in checked.items():
        if mask.shape != (num_vertices,):
            raise ValueError(
                f"part {name!r} must have shape [{num_vertices}]. Received: {mask.shape}."
            )
    return checked


def _openness(
    face: cylindrical_parameterization.UnrolledFace, triangles: np.ndarray, skin: np.ndarray
):
    """How open the skin lies `[V]`: 0 in the nostrils and behind lips and lids, 1 on the cheeks."""
    centre = (np.abs(face.s) < _CENTRE_ARC) & (face.t > _CENTRE_LOW) & (face.t < _CENTRE_HIGH)
    inside = (skin & centre)[triangles].all(axis=1)
    return ambient_occlusion.openness(face.positions, triangles[inside])


def _ambient_light(open_share: np.ndarray, triangles: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Share of the light from all around that gets to each vertex `[V, 3]`; 1 where no skin is."""
    on_skin = triangles[skin[triangles].all(axis=1)]
    share = ambient_occlusion.averaged(open_share, on_skin, _OPENNESS_SMOOTHING)
    light = ambient_occlusion.ambient_light(np.maximum(share, _LEAST_OPEN), painted_albedo.SKIN)
    return np.where(skin[:, None], light, 1.0)


def _masks(face, landmarks, covered, parts, skin) -> painted_albedo.FaceMasks:
    """The typical face's masks, corrected by what the mesh itself tells."""
    s, t = face.s, face.t
    inner = parts[MOUTH] | parts[TEETH] | parts[GUMS]
    outer = skin * 1.0
    masks = painted_albedo.FaceMasks.on_domain(s, t, (~inner).astype(np.float64))
    near_nose = feature_masks.smooth_step(np.abs(s), 0.19, 0.15) * feature_masks.smooth_step(
        t, 0.10, 0.02
    )
    near_nose = near_nose * feature_masks.smooth_step(t, -0.21, -0.18)
    hollow = covered * near_nose
    # A mesh with real nostrils shows where they are; the typical ones are for a closed nose.
    nostril = hollow if hollow.max() > 0.9 else masks.nostril
    on_skin = {
        name: getattr(masks, name) * outer
        for name in ("eye", "lash", "lid_fold", "lips", "brow", "wide_brow", "narrow_brow")
    }
    masks = dataclasses.replace(
        masks,
        **on_skin,
        nostril=nostril * outer,
        hair=_hair(face) * outer,
        # The mesh tells its own: `_ambient_light`.
        hollow=np.zeros_like(s),
    )
    if not parts[EYEBALLS].any():
        return masks
    iris, pupil = _iris_and_pupil(face.positions, landmarks, parts[EYEBALLS])
    return dataclasses.replace(masks, eye=parts[EYEBALLS] * 1.0, iris=iris, pupil=pupil)


def _iris_and_pupil(positions, landmarks, eyeballs) -> tuple[np.ndarray, np.ndarray]:
    """Discs about the line of sight, which is the direction of +z through the eyeball's middle."""
    iris, pupil = np.zeros(len(positions)), np.zeros(len(positions))
    for corners in (_RIGHT_EYE, _LEFT_EYE):
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


def _hair(face: cylindrical_parameterization.UnrolledFace) -> np.ndarray:
    """1 above the hairline, which runs over forehead and temples, round the ears, to the nape."""
    line = np.interp(np.abs(face.arc), *np.transpose(_HAIRLINE))
    return feature_masks.smooth_step(face.height, line - 0.05, line + 0.07)


def _mean_colours(face, landmarks, covered, masks, parts) -> np.ndarray:
    colours = painted_albedo.mean_colours(masks)
    near_mouth = feature_masks.smooth_step(np.abs(face.s), 0.42, 0.34) * (
        feature_masks.smooth_step(face.t, -0.22, -0.27)
        * feature_masks.smooth_step(face.t, -0.62, -0.55)
    )
    near_eye = feature_masks.spot(face.s, face.t, feature_masks.EYE_CENTRE_S, 0.297, 0.12, 0.05)
    lining = 0.6 * painted_albedo.LIP + 0.4 * painted_albedo.MOUTH
    colours = painted_albedo.blend(colours, covered * near_mouth, lining)
    colours = painted_albedo.blend(colours, 0.6 * covered * near_eye, painted_albedo.LIP)
    for name, colour in (
        (TEETH, painted_albedo.TEETH),
        (GUMS, _GUM),
        (MOUTH, painted_albedo.MOUTH),
    ):
        colours[parts[name]] = colour
    inner = parts[TEETH] | parts[GUMS] | parts[MOUTH]
    behind = face.positions[landmarks[[61, 62, 63]], 2].mean() - face.positions[inner, 2]
    light = _MOUTH_BRIGHTNESS * np.exp(-np.maximum(behind - 0.05, 0.0) / _MOUTH_LIGHT)
    colours[inner] = painted_albedo.blend(colours[inner], 1.0 - light, 0.6 * painted_albedo.MOUTH)
    return _with_lid_shadow(colours, face.positions, landmarks, parts[EYEBALLS])


def _with_lid_shadow(colours, positions, landmarks, eyeballs) -> np.ndarray:
    """Darkens the eyeballs under the upper lid and in the corners, where little light falls."""
    if not eyeballs.any():
        return colours
    for corners in (_RIGHT_EYE, _LEFT_EYE):
        lids = positions[landmarks[list(corners)]]
        middle, width = lids.mean(axis=0), np.linalg.norm(lids[0] - lids[3])
        ball = eyeballs & (positions[:, 0] * middle[0] > 0)
        offset = (positions[ball] - middle) / width
        above = feature_masks.smooth_step(offset[:, 1], 0.02, 0.22)
        aside = feature_masks.smooth_step(np.abs(offset[:, 0]), 0.25, 0.55)
        shade = 1.0 - _LID_SHADOW * np.maximum(above, aside)
        colours[ball] *= shade[:, None]
    return colours


def _largest_piece(triangles: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The connected piece of `where` with the most vertices, `[V]` boolean."""
    from scipy import sparse
    from scipy.sparse import csgraph

    kept = triangles[where[triangles].all(axis=1)]
    size = len(where)
    edges = np.concatenate([kept[:, [0, 1]], kept[:, [1, 2]]])
    graph = sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=(size, size))
    _, piece = csgraph.connected_components(graph, directed=False)
    used = np.zeros(size, bool)
    used[kept] = True
    return used & (piece == np.bincount(piece[used]).argmax())


def _regions(face, masks, skin) -> dict[str, np.ndarray]:
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
        "small_face": small * (masks.bare > 0),
    }


def _face_region(face, masks) -> np.ndarray:
    """Front of the face with the eyes, without hair and the inside of the mouth."""
    front = (np.abs(face.s) < 1.0) & (face.t > -0.80) & (face.t < 0.86)
    return front & (masks.hair < 0.3) & (masks.bare > 0)
