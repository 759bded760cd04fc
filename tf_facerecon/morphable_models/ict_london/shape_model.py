"""Shape of the model: mean face, identity modes and named expressions of ICT-FaceKit on a template.

Convention:
    The kit is in centimetres; what is returned is in decimetres in the model frame.
"""

import dataclasses

import numpy as np

from tf_facerecon.geometry import face_landmarks
from tf_facerecon.morphable_models.ict_london import lips_and_eyes, template_mesh
from tf_facerecon.morphable_models.importers.ict import (
    ict_identity,
    ict_model,
    ict_parts,
    ict_shapes,
)
from tf_facerecon.morphable_models.parameterization import face_domain

_JAW_OPEN = "jawOpen"
# Front of the face over which identity modes are orthogonal: largest |x|, least z, greatest and
# least y, cm in the kit's frame. Photographs show it; ears and neck follow.
_FRONT = (6.9, 3.5, 9.5, -8.6)


@dataclasses.dataclass(frozen=True, eq=False)
class ShapeModel:
    """Shape and topology; V vertices.

    Attributes:
        template: The mesh.
        mean: `[V, 3]` decimetres.
        identity: `[V, 3, K_id]` decimetres per standard deviation, orthogonal over `front`.
        identity_scales: `[K_id]` length of each mode over `front`, decimetres.
        expression: `[V, 3, K_exp]` decimetres at full strength.
        expression_names: K_exp names.
        front: `[V]` boolean.
        uv: `[V, 2]` texture coordinates in [0, 1], v up.
    """

    template: template_mesh.Template
    mean: np.ndarray
    identity: np.ndarray
    identity_scales: np.ndarray
    expression: np.ndarray
    expression_names: tuple[str, ...]
    front: np.ndarray
    uv: np.ndarray


def build_shape(
    shapes: ict_shapes.IctShapes,
    layout: ict_parts.IctLayout,
    num_identities: int,
    num_vertices: int,
) -> ShapeModel:
    """Carries the kit over to the template.

    Args:
        shapes: The kit.
        layout: Vertex ranges of its parts.
        num_identities: Number of identity modes to keep.
        num_vertices: Approximate number of vertices.

    Raises:
        ValueError: If the kit lacks an opening jaw or enough identities, or is not symmetric.
    """
    if _JAW_OPEN not in shapes.expression_names:
        raise ValueError(f"ICT-FaceKit must have an expression {_JAW_OPEN!r}; it has none.")
    if len(shapes.identity) < num_identities:
        raise ValueError(
            f"{num_identities} identity modes need as many in ICT-FaceKit. "
            f"Received: {len(shapes.identity)}."
        )
    points, parts = shapes.neutral.vertices, kit_parts(layout)
    used = np.flatnonzero(np.any(list(parts.values()), axis=0))
    mirror = np.arange(len(points))
    mirror[used] = used[ict_model.mirror_index(points[used])]
    template = template_mesh.build_template(
        points, shapes.neutral.triangles, shapes.landmarks, mirror, parts, num_vertices
    )
    mean = template.carry(points)
    identity = _carried_modes(template, shapes.identity)
    expression = _carried_modes(template, shapes.expression)
    skin = template.parts[template_mesh.SKIN]
    opening = expression[shapes.expression_names.index(_JAW_OPEN)]
    seam = lips_and_eyes.LipSeam(mean, template.landmarks, opening, skin)
    mean = seam.sealed_mean(mean)
    identity = np.stack([seam.sealed(mode) for mode in identity])
    expression = lips_and_eyes.lively_eyes(
        expression, shapes.expression_names, mean, template.parts[template_mesh.EYEBALLS]
    )
    front = skin & _front(mean)
    modes = ict_identity.orthogonal_modes(identity, mean, front)
    scale = ict_model.CENTIMETRES_PER_DECIMETRE
    return ShapeModel(
        template=template,
        mean=_centred(mean / scale, template.landmarks),
        identity=np.moveaxis(modes.basis[:num_identities], 0, -1) / scale,
        identity_scales=modes.scales[:num_identities] / scale,
        expression=np.moveaxis(expression, 0, -1) / scale,
        expression_names=shapes.expression_names,
        front=front,
        uv=_texture_coordinates(shapes, template, mean),
    )


def kit_parts(layout: ict_parts.IctLayout) -> dict[str, np.ndarray]:
    """Boolean masks over the kit's vertices of the parts that the model uses."""
    ranges = {
        template_mesh.SKIN: (layout.face,),
        template_mesh.MOUTH: (layout.mouth,),
        template_mesh.SOCKETS: (layout.eye_sockets,),
        template_mesh.GUMS: (layout.gums,),
        template_mesh.TEETH: (layout.teeth,),
        template_mesh.EYEBALLS: layout.eyeballs,
    }
    masks = {}
    for name, intervals in ranges.items():
        masks[name] = np.zeros(layout.num_vertices, bool)
        for first, stop in intervals:
            masks[name][first:stop] = True
    return masks


def _carried_modes(template, modes: np.ndarray) -> np.ndarray:
    """Modes `[K, V_kit, 3]` on the template, `[K, V, 3]`."""
    return np.moveaxis(template.carry(np.moveaxis(modes, 0, -1)), -1, 0)


def _front(mean: np.ndarray) -> np.ndarray:
    aside, near, top, bottom = _FRONT
    x, y, z = mean.T
    return (np.abs(x) < aside) & (z > near) & (y < top) & (y > bottom)


def _centred(mean: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Moves the five points, on average, to where the landmark template has them."""
    own = face_landmarks.five_points_from_landmarks(mean[landmarks])
    template = face_landmarks.five_points_from_landmarks(face_domain.landmark_template())
    return mean - (own.mean(axis=0) - template.mean(axis=0))


# The face has most of the texture, other parts a row of small squares above it.
_FACE_SIDE, _PART_SIDE = 0.8, 0.15
_FACE_MATERIAL = "M_Face"


def _texture_coordinates(shapes, template, mean: np.ndarray) -> np.ndarray:
    """The kit's own for the skin, of which the face is one chart; flat projections elsewhere."""
    neutral = shapes.neutral
    on_face = neutral.materials == _FACE_MATERIAL
    kit = np.zeros((len(neutral.vertices), 2))
    kit[neutral.triangles[on_face]] = neutral.uv[neutral.uv_triangles[on_face]]
    uv = template.carry(kit)
    skin = template.parts[template_mesh.SKIN]
    low, high = uv[skin].min(axis=0), uv[skin].max(axis=0)
    uv = _FACE_SIDE * (uv - low) / (high - low)
    for number, name in enumerate(name for name in template.parts if name != template_mesh.SKIN):
        part = template.parts[name]
        if part.any():
            flat = mean[part, :2]
            unit = (flat - flat.min(axis=0)) / np.maximum(np.ptp(flat, axis=0), 1e-9)
            corner = [number * (_PART_SIDE + 0.02), _FACE_SIDE + 0.02]
            uv[part] = corner + _PART_SIDE * unit
    return np.clip(uv, 0.0, 1.0)
