"""Albedo of people from their photographs, at the vertices of the template."""

import dataclasses

import numpy as np
from scipy import spatial

from tf_facerecon.morphable_models.albedo import ambient_occlusion
from tf_facerecon.morphable_models.ict_london import (
    albedo_completion,
    photo_colours,
    photo_set,
    point_registration,
    shape_model,
    studio_lighting,
    template_mesh,
)
from tf_facerecon.morphable_models.parameterization import feature_masks

# Plain skin that at least this share of the people show serves to find light and skin colours.
_PLAIN_COVERAGE = 0.9
# Hair may hang this far above the brows and beside them, decimetres.
_ABOVE_BROWS, _BESIDE_BROWS = 0.02, 0.08
_BROWS, _NOSE_TIP = slice(17, 27), 30
_SKIN_ALBEDO = np.array([0.6, 0.45, 0.4])
# Where no photograph helps, occlusion darkens no more than this: on the front of the face, where
# lips part and lids close, on ears and neck, and within some decimetres of the base of the nose,
# whose inside stays dark.
_LEAST_LIGHT_FRONT, _LEAST_LIGHT_ELSEWHERE, _LEAST_LIGHT_NOSE = 0.55, 0.68, 0.12
_NOSE_BASE, _NOSE_REACH = slice(31, 36), 0.13
# Skin of the nose with less light than this is a nostril, and darkened at most to that share.
_OPEN_LIGHT, _NOSTRIL_SHADE = 0.6, 0.3
# Lids that a blink moves by these shares of its largest movement show, closed, what photographs of
# open eyes compress to a shadow: they are given so much of the plain skin's colour, but for lashes
# within some decimetres of the edge.
_BLINK, _BLINK_SHARES, _LID_WEIGHT = "eyeBlink", (0.25, 0.6), 0.65
_LASH_REACH = (0.012, 0.025)
_UPPER_LIDS = ((36, 37, 38, 39), (42, 43, 44, 45))


@dataclasses.dataclass(frozen=True, eq=False)
class PeopleAlbedo:
    """Albedo of P people at V vertices.

    Attributes:
        unlit: `[P, V, 3]` as photographed and divided by the light.
        seen: `[P, V]` boolean: where a photograph shows the face.
        completed: `[P, V, 3]` with everything else filled in; parts that no photograph shows
            (teeth, inside of the mouth) hold no meaning.
        residuals: `[P]` root mean square distances of hand-set points from the fits, pixels.
        coefficients: `[P, K]` identity of the fits, standard deviations.
        landmarks: `[68]` vertices, with brows and base of the nose where people have them.
    """

    unlit: np.ndarray
    seen: np.ndarray
    completed: np.ndarray
    residuals: np.ndarray
    coefficients: np.ndarray
    landmarks: np.ndarray


def people_albedo(
    shape: shape_model.ShapeModel, photos: photo_set.PhotoSet, skin_region: np.ndarray
) -> PeopleAlbedo:
    """Fits all photographs, samples them, removes the light and fills what is hidden.

    Args:
        shape: The face model's shape.
        photos: Photographs with points.
        skin_region: `[V]` in [0, 1]: skin of one albedo.
    """
    template = shape.template
    skin = template.parts[template_mesh.SKIN]
    sizes = [image.shape[1::-1] for image in photos.images]
    model, fits = point_registration.register_points(
        shape.mean,
        shape.identity,
        template.triangles[skin[template.triangles].all(axis=1)],
        template.landmarks,
        shape.front,
        photos.points,
        sizes,
    )
    face = sampled_face(shape, model)
    samples = [
        photo_colours.sample_photo(image, points, fit, face)
        for image, points, fit in zip(photos.images, photos.points, fits, strict=True)
    ]
    colours = np.stack([sample.colours for sample in samples])
    seen = np.stack([sample.seen for sample in samples])
    normals = np.stack([sample.normals for sample in samples])
    plain = (skin_region > 0.5) & (seen.mean(axis=0) > _PLAIN_COVERAGE)
    light = studio_lighting.estimate_light(colours[:, plain], normals[:, plain], seen[:, plain])
    unlit = np.stack(
        [
            studio_lighting.unlit(own, directions, light)
            for own, directions in zip(colours, normals, strict=True)
        ]
    )
    seen = albedo_completion.without_hair(
        unlit, seen, template.triangles, plain, _hair_zone(shape.mean, template.landmarks, skin)
    )
    light_of_unseen, nostril_shade = _occlusion(shape)
    completed = albedo_completion.complete_albedos(
        unlit, seen, template.triangles, skin, plain, light_of_unseen
    )
    completed *= nostril_shade[:, None]
    return PeopleAlbedo(
        unlit=unlit,
        seen=seen,
        completed=albedo_completion.blend_with_skin(completed, plain, _lid_weight(shape)),
        residuals=np.array([fit.residual for fit in fits]),
        coefficients=np.stack([fit.coefficients for fit in fits]),
        landmarks=point_registration.moved_landmarks(
            shape.mean, template.landmarks, template.mirror_index, shape.front, model
        ),
    )


def sampled_face(shape: shape_model.ShapeModel, points) -> photo_colours.SampledFace:
    """The template with what sampling needs."""
    template = shape.template
    eyeballs = template.parts[template_mesh.EYEBALLS]
    poles = []
    for side in (-1.0, 1.0):
        ball = np.flatnonzero(eyeballs & (side * shape.mean[:, 0] > 0))
        poles.append(int(ball[np.argmax(shape.mean[ball, 2])]))
    return photo_colours.SampledFace(
        mean=shape.mean,
        basis=shape.identity,
        triangles=template.triangles,
        points=points,
        skin=template.parts[template_mesh.SKIN],
        eyeballs=eyeballs,
        eye_poles=tuple(poles),
        rim=_rim(shape),
    )


def _rim(shape: shape_model.ShapeModel) -> np.ndarray:
    """Vertices on the outer boundary of the skin."""
    template = shape.template
    skin = template.parts[template_mesh.SKIN]
    triangles = template.triangles[skin[template.triangles].all(axis=1)]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pairs, uses = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    boundary = np.unique(pairs[uses == 1])
    # Not the boundaries of eyes and mouth.
    return boundary[~shape.front[boundary]]


def _hair_zone(mean: np.ndarray, landmarks: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Forehead and temples, `[V]` boolean."""
    brows = mean[landmarks[_BROWS]]
    x, y, _ = mean.T
    above = y > np.interp(x, brows[:, 0], brows[:, 1]) + _ABOVE_BROWS
    beside = np.abs(x) > np.abs(brows[[0, -1], 0]).mean() + _BESIDE_BROWS
    return skin & (above | beside) & (y > mean[landmarks[_NOSE_TIP], 1])


def _occlusion(shape: shape_model.ShapeModel) -> tuple[np.ndarray, np.ndarray]:
    """Shares `[V]` of an even sky's light, for what no photograph shows, and inside the nostrils.

    Nostrils are shaded once more, because the light that the package renders with casts no shadows
    and would shine on their walls.
    """
    template = shape.template
    visibility = ambient_occlusion.ambient_visibility(shape.mean, template.triangles)
    sky = ambient_occlusion.ambient_light(visibility, _SKIN_ALBEDO).mean(axis=1)
    least = np.where(shape.front, _LEAST_LIGHT_FRONT, _LEAST_LIGHT_ELSEWHERE)
    base = shape.mean[template.landmarks[_NOSE_BASE]]
    distance, _ = spatial.cKDTree(base).query(shape.mean)
    nose = (distance < _NOSE_REACH) & (shape.mean[:, 1] > base[:, 1].min())
    shade = np.clip(sky / _OPEN_LIGHT, _NOSTRIL_SHADE, 1.0)
    return (
        np.maximum(sky, np.where(nose, _LEAST_LIGHT_NOSE, least)),
        np.where(nose & template.parts[template_mesh.SKIN], shade, 1.0),
    )


def _lid_weight(shape: shape_model.ShapeModel) -> np.ndarray:
    """How much upper lids are blended with plain skin, `[V]` in [0, 1]."""
    template = shape.template
    blinks = [k for k, name in enumerate(shape.expression_names) if name.startswith(_BLINK)]
    movement = np.linalg.norm(shape.expression[..., blinks], axis=1).max(axis=-1, initial=0.0)
    movement = movement * template.parts[template_mesh.SKIN]
    edges = []
    for lid in _UPPER_LIDS:
        points = shape.mean[template.landmarks[list(lid)]]
        shares = np.linspace(0, len(lid) - 1, 40)
        edges += [np.stack([np.interp(shares, np.arange(len(lid)), p) for p in points.T], -1)]
    distance, _ = spatial.cKDTree(np.concatenate(edges)).query(shape.mean)
    moved = feature_masks.smooth_step(movement / max(movement.max(), 1e-9), *_BLINK_SHARES)
    return _LID_WEIGHT * moved * feature_masks.smooth_step(distance, *_LASH_REACH)
