"""How well a face model's modes reconstruct the shapes of ICT-FaceKit.

    python benchmarks/ict_coverage.py --ict ARCHIVE ict_london ict --json ict_coverage.json

50 random identities (all 100 modes of the kit, N(0, 1)) and 50 random combinations of its
expressions (each with a probability of 12 %, uniform in [0, 1]) are reconstructed: the model is
laid onto the kit's mean, its vertices follow the kit's shape, and a similarity and the model's
coefficients are fitted to them by least squares (identities with 80 identity modes, expressions
with all expression modes). Figures: mean distance in mm of the kit's vertices on the narrow face
from the reconstructed surface, over all shapes; and the greatest mean distance of one shape.
"""

import argparse
import pathlib

import numpy as np

from tf_facerecon.evaluation import scan_fitting
from tf_facerecon.geometry import mesh_normals, similarity_alignment
from tf_facerecon.io import json_files
from tf_facerecon.metrics.point_to_mesh import ClosestPoints, Surface
from tf_facerecon.morphable_models.importers.ict import ict_parts, ict_shapes
from tf_facerecon.morphable_models.morphable_model import MorphableModel

COUNT, SEED = 50, 20
ACTIVE_SHARE = 0.12
WANTED_MM = 0.15
_MM_PER_CM, _MM_PER_DM = 10.0, 100.0
# A vertex of the model follows the kit's surface if it lies as near to it, mm, and faces the same
# way (least cosine between the normals); so many rounds of closest points lay the model onto the
# kit.
_NEAR_MM, _LEAST_COSINE, _ROUNDS = 1.0, 0.5, 15
# Similarity and modes are fitted in turn. Expressions resemble motions of the head, so that this
# converges slowly: after 8 rounds residuals are several times as great as after 200, after 40 not.
_FIT_ROUNDS = 40
# Landmarks of the first alignment: not brows and nose, which models place differently.
_ALIGNED = [*range(17), *range(36, 68)]
# Distances are taken at every fourth vertex of the kit, which is plenty for a mean.
_EVERY = 4


def measure(face_model: MorphableModel, shapes: ict_shapes.IctShapes) -> dict:
    """Figures of one face model."""
    start, stop = ict_parts.LIGHT_MODEL.narrow_face
    triangles = shapes.neutral.triangles
    skin = triangles[(triangles < stop).all(axis=1)]
    mean = shapes.neutral.vertices * _MM_PER_CM
    own = _laid_onto(face_model, mean, skin, shapes.landmarks)
    followers, closest = _followers(own, face_model.triangles, Surface(mean, skin))
    vertices = skin[closest.triangles[followers]]
    weights = scan_fitting.corner_weights(mean[vertices], closest.positions[followers])
    # What the model leaves out (forehead, neck) does not count.
    counted = Surface(own, face_model.triangles).closest_points(mean[start:stop]).distances
    counted = np.flatnonzero(counted < _NEAR_MM)[::_EVERY]
    generator = np.random.default_rng(SEED)
    figures = {"face_model": face_model.name, "vertices_counted": len(counted)}
    for kind, modes, basis in (
        (
            "identities",
            shapes.identity,
            face_model.identity_basis[..., : scan_fitting.NUM_IDENTITIES],
        ),
        ("expressions", shapes.expression, face_model.expression_basis),
    ):
        means = []
        inverse = np.linalg.pinv(_MM_PER_DM * _rows(basis, followers))
        for _ in range(COUNT):
            if kind == "identities":
                drawn = generator.normal(size=len(modes))
            else:
                active = generator.uniform(size=len(modes)) < ACTIVE_SHARE
                drawn = active * generator.uniform(size=len(modes))
            shape = mean + _MM_PER_CM * np.einsum("k,kvd->vd", drawn, modes)
            targets = np.einsum("nc,ncd->nd", weights, shape[vertices])
            fitted = _fitted(face_model.mean_shape, basis, inverse, followers, targets)
            surface = Surface(fitted, face_model.triangles)
            means.append(surface.closest_points(shape[start:stop][counted]).distances.mean())
        figures[kind] = {"mean_mm": float(np.mean(means)), "greatest_mean_mm": float(max(means))}
    return figures


def _laid_onto(face_model, mean, skin, landmarks) -> np.ndarray:
    """The model's mean on the kit's, `[V, 3]` mm."""
    own = face_model.mean_shape.astype(np.float64) * _MM_PER_DM
    surface = Surface(mean, skin)
    pose = similarity_alignment.similarity_transform(
        own[face_model.landmarks[_ALIGNED]], mean[landmarks[_ALIGNED]]
    )
    front = face_model.face_region > 0.5
    for number in range(_ROUNDS):
        moved = similarity_alignment.apply_similarity(own, *pose)
        closest = surface.closest_points(moved[front])
        # At last only what follows the surface: eyeballs have no counterpart on the skin.
        near = closest.distances < (5 * _NEAR_MM if number < _ROUNDS // 3 else 0.5 * _NEAR_MM)
        pose = similarity_alignment.similarity_transform(own[front][near], closest.positions[near])
    return similarity_alignment.apply_similarity(own, *pose)


def _followers(own, triangles, surface: Surface) -> tuple[np.ndarray, ClosestPoints]:
    """Which of `own` `[V, 3]` mm follow the kit's surface, `[V]`, and where it is closest to each.

    Where lips touch in the model, a vertex of one lip may be closest to the other lip, which faces
    the other way. It would follow that lip, up to 40 mm away from its own when the jaw opens.
    """
    closest = surface.closest_points(own)
    normals = mesh_normals.normals_of_mesh(own, triangles)
    cosines = np.einsum("nd,nd->n", normals, surface.normals[closest.triangles])
    return (closest.distances < _NEAR_MM) & (cosines > _LEAST_COSINE), closest


def _rows(basis, followers) -> np.ndarray:
    return basis[followers].reshape(-1, basis.shape[-1]).astype(np.float64)


def _fitted(mean_shape, basis, inverse, followers, targets) -> np.ndarray:
    """Vertices `[V, 3]` mm of the least-squares fit of similarity and modes to `targets`."""
    mean = mean_shape.astype(np.float64) * _MM_PER_DM
    basis = basis.astype(np.float64) * _MM_PER_DM
    shape = mean
    for _ in range(_FIT_ROUNDS):
        pose = similarity_alignment.similarity_transform(shape[followers], targets)
        scale, rotation, translation = pose
        back = (targets - translation) @ rotation / scale
        shape = mean + basis @ (inverse @ (back - mean[followers]).ravel())
    return similarity_alignment.apply_similarity(shape, *pose)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("face_models", nargs="+", help="face model names or .npz files")
    parser.add_argument("--ict", type=pathlib.Path, required=True, help="ICT-FaceKit")
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    try:
        models = [MorphableModel.from_preset(name) for name in arguments.face_models]
        shapes = ict_shapes.read_shapes(arguments.ict, ict_parts.LIGHT_MODEL)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    report = []
    for model in models:
        figures = measure(model, shapes)
        report.append(figures)
        print(f"{model.name}: {figures['vertices_counted']} vertices of the kit")
        for kind in ("identities", "expressions"):
            row = figures[kind]
            print(
                f"  {COUNT} {kind}: mean {row['mean_mm']:.3f} mm (at most {WANTED_MM} wanted), "
                f"worst one {row['greatest_mean_mm']:.3f}"
            )
    if arguments.json:
        json_files.write_json(arguments.json, report)


if __name__ == "__main__":
    main()
