"""Albedo for face models that come without one, from the mean mesh and its 68 landmarks.

The mesh is parameterized over the face domain (`cylindrical_parameterization`), where the albedo is
synthesised as for the procedural face (`albedo_synthesis`); smooth random fields are computed on
its surface (`laplacian_fields`); ambient occlusion (`ambient_occlusion`) is baked into the albedo,
because spherical-harmonics illumination casts no shadows: under uniform light nose and lids would
be invisible. Eyeballs, teeth and the inside of the mouth, which landmarks cannot locate, are
labelled by the caller (`mesh_masks`).
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tf_facerecon.morphable_models.albedo import (
    albedo_synthesis,
    ambient_occlusion,
    laplacian_fields,
    mesh_masks,
)
from tf_facerecon.morphable_models.parameterization import (
    cylindrical_parameterization,
    feature_masks,
)

NUM_MODES = 80

_LENGTH_SCALE = 0.26  # dm, between the two length scales of the procedural face
# Weaker than in `albedo_synthesis`: lips stay redder than the surrounding skin, however dark.
_LIP_MODES = ((0.010, -0.020, -0.015), (-0.035, -0.024, -0.021))
_GUM = np.array([0.450, 0.215, 0.205])
# Ambient visibility at which a vertex begins to count as occluded, and at which it fully does.
_OCCLUDED = (0.45, 0.20)
# Lower bound of the visibility: expressions expose what is occluded in the mean face.
_MIN_VISIBILITY = 0.25
# Smoothing iterations, because few directions quantize the visibility.
_SMOOTHING_STEPS = 2
# The skin region (skin of uniform albedo) receives at least this fraction of the ambient light.
_MIN_SKIN_LIGHT = 0.85
# Where visibility is computed (nose, lips and lids): arc and heights in dm.
_CENTRE_ARC, _CENTRE_LOW, _CENTRE_HIGH = 0.70, -0.65, 0.55
# Inside the mouth colours darken exponentially with the depth behind the lips, dm.
_MOUTH_LIGHT = 0.22
_MOUTH_BRIGHTNESS = 0.85
_LID_SHADOW = 0.45


@dataclasses.dataclass(frozen=True, eq=False)
class FaceAlbedo:
    """Albedo model and regions of a mesh; the fields are those of `MorphableModel`.

    Attributes:
        mean_albedo: `[V, 3]` float32 RGB.
        albedo_basis: `[V, 3, K]` float32, per unit standard deviation.
        skin_region: `[V]` float32, 1 on skin of uniform albedo.
        face_region: `[V]` float32, 1 where the photometric loss compares images.
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
    """Synthesises the albedo model of a face mesh.

    Args:
        vertices: `[V, 3]` mean shape in any unit, +x image right, +y up, +z out of the face.
        triangles: `[T, 3]` counter-clockwise from outside.
        landmarks: `[68]` vertices of the iBUG points.
        mirror_index: `[V]` vertex that is the mirror image of each; with it every mode is
            mirror-symmetric or antisymmetric.
        parts: `[V]` boolean masks of what is not skin, by names in `mesh_masks.PARTS`. Without
            eyeballs, the eyes are drawn on the skin between the lids.
        num_modes: At least `albedo_synthesis.NUM_NAMED_MODES` + 1.

    Raises:
        ValueError: If a part is unknown, or the landmarks do not span a face.
    """
    parts = _checked_parts(parts or {}, len(vertices))
    face = cylindrical_parameterization.parameterize(vertices, landmarks)
    skin = ~np.any(list(parts.values()), axis=0)
    visibility = _skin_visibility(face, triangles, skin)
    occlusion = feature_masks.smooth_step(visibility, *_OCCLUDED)
    masks = mesh_masks.mesh_masks(face, landmarks, occlusion, parts, skin)
    colours = _mean_colours(face, landmarks, occlusion, masks, parts)
    fields = laplacian_fields.smooth_fields(
        face.positions,
        triangles,
        mesh_masks.largest_component(triangles, skin),
        _LENGTH_SCALE,
        num_modes - albedo_synthesis.NUM_NAMED_MODES,
        mirror_index,
    )
    basis = albedo_synthesis.albedo_modes(masks, colours, fields, num_modes, _LIP_MODES)
    light = _ambient_light(visibility, triangles, skin)
    is_lit = light.min(axis=1) > _MIN_SKIN_LIGHT
    skin_region = (feature_masks.skin(face.s, face.t) * skin > 0.5) & is_lit
    regions = mesh_masks.face_regions(face, masks, skin)
    return FaceAlbedo(
        mean_albedo=(light * colours).astype(np.float32),
        albedo_basis=(light[..., None] * basis).astype(np.float32),
        skin_region=skin_region.astype(np.float32),
        face_region=mesh_masks.frontal_region(face, masks).astype(np.float32),
        regions={name: values.astype(np.float32) for name, values in regions.items()},
    )


def _checked_parts(parts: Mapping[str, np.ndarray], num_vertices: int) -> dict[str, np.ndarray]:
    unknown = sorted(set(parts) - set(mesh_masks.PARTS))
    if unknown:
        raise ValueError(f"`parts` must have names among {mesh_masks.PARTS}. Received: {unknown}.")
    missing = np.zeros(num_vertices)
    checked = {name: np.asarray(parts.get(name, missing), bool) for name in mesh_masks.PARTS}
    for name, mask in checked.items():
        if mask.shape != (num_vertices,):
            raise ValueError(
                f"part {name!r} must have shape [{num_vertices}]. Received: {mask.shape}."
            )
    return checked


def _skin_visibility(
    face: cylindrical_parameterization.ParameterizedFace, triangles: np.ndarray, skin: np.ndarray
):
    """Ambient visibility of the skin `[V]`: 0 in nostrils, behind lips and lids; 1 on cheeks."""
    centre = (np.abs(face.s) < _CENTRE_ARC) & (face.t > _CENTRE_LOW) & (face.t < _CENTRE_HIGH)
    inside = (skin & centre)[triangles].all(axis=1)
    return ambient_occlusion.ambient_visibility(face.positions, triangles[inside])


def _ambient_light(visibility: np.ndarray, triangles: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Fraction of the ambient light that reaches each vertex `[V, 3]`; 1 off the skin."""
    on_skin = triangles[skin[triangles].all(axis=1)]
    smooth = ambient_occlusion.smooth_values(visibility, on_skin, _SMOOTHING_STEPS)
    smooth = np.maximum(smooth, _MIN_VISIBILITY)
    light = ambient_occlusion.ambient_light(smooth, albedo_synthesis.SKIN)
    return np.where(skin[:, None], light, 1.0)


def _mean_colours(face, landmarks, occlusion, masks, parts) -> np.ndarray:
    colours = albedo_synthesis.mean_colours(masks)
    near_mouth = feature_masks.smooth_step(np.abs(face.s), 0.42, 0.34) * (
        feature_masks.smooth_step(face.t, -0.22, -0.27)
        * feature_masks.smooth_step(face.t, -0.62, -0.55)
    )
    near_eye = feature_masks.spot(face.s, face.t, feature_masks.EYE_CENTRE_S, 0.297, 0.12, 0.05)
    lining = 0.6 * albedo_synthesis.LIP + 0.4 * albedo_synthesis.MOUTH
    colours = albedo_synthesis.blend(colours, occlusion * near_mouth, lining)
    colours = albedo_synthesis.blend(colours, 0.6 * occlusion * near_eye, albedo_synthesis.LIP)
    for name, colour in (
        (mesh_masks.TEETH, albedo_synthesis.TEETH),
        (mesh_masks.GUMS, _GUM),
        (mesh_masks.MOUTH, albedo_synthesis.MOUTH),
    ):
        colours[parts[name]] = colour
    inner = parts[mesh_masks.TEETH] | parts[mesh_masks.GUMS] | parts[mesh_masks.MOUTH]
    behind = face.positions[landmarks[[61, 62, 63]], 2].mean() - face.positions[inner, 2]
    light = _MOUTH_BRIGHTNESS * np.exp(-np.maximum(behind - 0.05, 0.0) / _MOUTH_LIGHT)
    colours[inner] = albedo_synthesis.blend(
        colours[inner], 1.0 - light, 0.6 * albedo_synthesis.MOUTH
    )
    return _with_lid_shadow(colours, face.positions, landmarks, parts[mesh_masks.EYEBALLS])


def _with_lid_shadow(colours, positions, landmarks, eyeballs) -> np.ndarray:
    """Bakes the shadow of the lids into the eyeballs: below the upper lid and in the corners."""
    if not eyeballs.any():
        return colours
    for corners in (mesh_masks.RIGHT_EYE, mesh_masks.LEFT_EYE):
        lids = positions[landmarks[list(corners)]]
        middle, width = lids.mean(axis=0), np.linalg.norm(lids[0] - lids[3])
        ball = eyeballs & (positions[:, 0] * middle[0] > 0)
        offset = (positions[ball] - middle) / width
        above = feature_masks.smooth_step(offset[:, 1], 0.02, 0.22)
        aside = feature_masks.smooth_step(np.abs(offset[:, 0]), 0.25, 0.55)
        shade = 1.0 - _LID_SHADOW * np.maximum(above, aside)
        colours[ball] *= shade[:, None]
    return colours
