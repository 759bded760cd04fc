"""The face model `ict_london`: shape of ICT-FaceKit, colour of the Face Research Lab London Set.

Sources: ICT-FaceKit ("ICT Face Model Light"), USC Institute for Creative Technologies, 2020, MIT
licence; Face Research Lab London Set, DeBruine and Jones 2017, CC BY 4.0.
"""

import dataclasses
import os
from typing import Any

import numpy as np

from tf_facerecon.morphable_models.albedo import landmark_albedo, mesh_masks
from tf_facerecon.morphable_models.ict_london import (
    albedo_modes,
    photo_albedo,
    photo_set,
    shape_model,
    template_mesh,
)
from tf_facerecon.morphable_models.importers.ict import (
    ict_checksums,
    ict_model,
    ict_parts,
    ict_shapes,
    ict_source,
)

NAME = "ict_london"
NUM_MODES = 80
LICENCE = (
    "Shape from ICT-FaceKit:\n\n"
    + ict_model.LICENCE
    + "\n\nColour learnt from photographs of the Face Research Lab London Set by Lisa DeBruine and "
    "Benedict Jones (2017), https://doi.org/10.6084/m9.figshare.5047666, licensed under CC BY 4.0, "
    "https://creativecommons.org/licenses/by/4.0/. Changes: light removed, colours sampled on a "
    "mesh, mean and principal components computed."
)
# Colours of parts that no photograph shows: inside of the lids, and by how much teeth are lighter
# than the synthetic ones.
_SOCKET = np.array([0.40, 0.22, 0.20])
_TEETH_GAIN = 1.2


def ict_london_fields(
    kit: str | os.PathLike,
    photos: str | os.PathLike,
    points: str | os.PathLike,
    *,
    num_vertices: int = template_mesh.DEFAULT_VERTICES,
    layout: ict_parts.IctLayout = ict_parts.LIGHT_MODEL,
    num_modes: int = NUM_MODES,
) -> dict[str, Any]:
    """The fields of `MorphableModel`.

    Expressions are the kit's 53 named blendshapes, each in [0, 1] (the eyes turn with eyeLook...,
    lids close at eyeBlink... 1): coefficients that can be read, drawn and exchanged, where
    principal components would mix them. Networks take their number from the model.

    Args:
        kit: ICT-FaceKit as a folder or an archive, see `ict_source.read_files`.
        photos: Folder or tar archive of photographs, see `photo_set.read_photo_set`.
        points: `.npz` with their points.
        num_vertices: Approximate number of vertices.
        layout: Vertex ranges of the kit.
        num_modes: Number of identity and of albedo modes.

    Raises:
        FileNotFoundError: If a source or a file in it is missing.
        ValueError: If a file is damaged or does not fit the others, a point is wrong, or there are
            too few people.
    """
    people = photo_set.read_photo_set(photos, points)
    albedo_modes.check_people(len(people.names), num_modes)
    shapes = ict_shapes.read_shapes(kit, layout)
    shape = shape_model.build_shape(shapes, layout, num_modes, num_vertices)
    template = shape.template
    learnt = photo_albedo.people_albedo(shape, people, synthetic_albedo(shape).skin_region)
    # Once more, so that the regions follow the moved landmarks.
    shape = dataclasses.replace(
        shape, template=dataclasses.replace(template, landmarks=learnt.landmarks)
    )
    template, synthetic = shape.template, synthetic_albedo(shape)
    mean_albedo, albedo_basis = complete_model(shape, synthetic, learnt.completed, num_modes)
    regions = dict(synthetic.regions)
    regions["teeth"] = template.parts[template_mesh.TEETH].astype(np.float32)
    return dict(
        name=NAME if num_vertices == template_mesh.DEFAULT_VERTICES else f"{NAME}-{num_vertices}",
        mean_shape=shape.mean.astype(np.float32),
        identity_basis=shape.identity.astype(np.float32),
        expression_basis=shape.expression.astype(np.float32),
        mean_albedo=mean_albedo.astype(np.float32),
        albedo_basis=albedo_basis.astype(np.float32),
        triangles=template.triangles,
        landmarks=template.landmarks,
        uv=shape.uv.astype(np.float32),
        skin_region=synthetic.skin_region,
        face_region=synthetic.face_region,
        regions=regions,
        identity_scales=shape.identity_scales.astype(np.float32),
        mirror_index=template.mirror_index,
        source=_source(shapes.is_published, len(people.names)),
        licence=LICENCE,
        redistributable=True,
        **ict_model.expression_bounds(shapes.expression_names),
    )


def synthetic_albedo(shape: shape_model.ShapeModel) -> landmark_albedo.FaceAlbedo:
    """Regions, and colours of what no photograph shows, from the landmarks."""
    parts = shape.template.parts
    return landmark_albedo.albedo_from_landmarks(
        shape.mean,
        shape.template.triangles,
        shape.template.landmarks,
        mirror_index=shape.template.mirror_index,
        parts={
            mesh_masks.EYEBALLS: parts[template_mesh.EYEBALLS],
            mesh_masks.TEETH: parts[template_mesh.TEETH],
            mesh_masks.GUMS: parts[template_mesh.GUMS],
            mesh_masks.MOUTH: parts[template_mesh.MOUTH] | parts[template_mesh.SOCKETS],
        },
    )


def complete_model(
    shape: shape_model.ShapeModel,
    synthetic: landmark_albedo.FaceAlbedo,
    albedos: np.ndarray,
    num_modes: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean `[V, 3]` and modes `[V, 3, num_modes]` learnt from `albedos` `[P, V, 3]`.

    Skin and eyes vary; teeth, gums and the inside of the mouth keep the synthetic colours.
    """
    parts, mirror = shape.template.parts, shape.template.mirror_index
    learnt = parts[template_mesh.SKIN] | parts[template_mesh.EYEBALLS]
    place = np.cumsum(learnt) - 1
    own_mean, own_basis = albedo_modes.learn_modes(
        albedos[:, learnt], place[mirror[learnt]], num_modes
    )
    mean = synthetic.mean_albedo.astype(np.float64)
    mean[parts[template_mesh.SOCKETS]] = _SOCKET
    mean[parts[template_mesh.TEETH]] *= _TEETH_GAIN
    mean[learnt] = own_mean
    basis = np.zeros((*mean.shape, num_modes))
    basis[learnt] = own_basis
    return mean, basis


def _source(is_published: bool, num_people: int) -> str:
    version = (
        f"commit {ict_checksums.COMMIT}" if is_published else "files other than the pinned ones"
    )
    return (
        f"ICT-FaceKit, {ict_source.REPOSITORY}, {version}; colours of {num_people} people, Face "
        "Research Lab London Set, https://doi.org/10.6084/m9.figshare.5047666"
    )
