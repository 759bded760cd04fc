"""Evaluation of identity on image sets: errors of neutral faces, by metric and method.

The people come from a `held_out_face_model`, which also varies in ways that the face model of the
network does not cover.
"""

import itertools
from collections.abc import Iterable

import numpy as np

from tf_facerecon.layers.identity_aggregation import IdentityAggregation
from tf_facerecon.metrics import scan_to_mesh, vertex_distance
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.photos import face_detection

_MM_PER_DM = 100.0


def evaluate_image_sets(
    r_net: RNet,
    batches: Iterable[dict],
    people: MorphableModel,
    *,
    face_model: MorphableModel,
    c_net: CNet | None = None,
    detector: face_detection.FaceDetector | None = None,
    scan_points: int = 800,
) -> dict[str, dict[str, np.ndarray]]:
    """Errors of the neutral face of every person, by metric and by aggregation method.

    Args:
        r_net: R-Net from images to coefficients.
        batches: Of `build_synthetic_set_dataset` with a decoder of `people`.
        people: Face model of the true people; the topology of `face_model`.
        face_model: Face model of the network's predictions.
        c_net: For the method "cnet"; omitted if `None`.
        detector: For the method "best", the image detected with the highest confidence; omitted if
            `None`.
        scan_points: About how many points sample the true surface for the scan-to-mesh distances; 0
            omits those metrics.

    Returns:
        `[people]` mm by metric and method. Metrics: "vertices" (mean vertex-to-vertex distance
        after similarity alignment), "now" (mean NoW distance, scale fitted) and "micc"
        (point-to-plane RMSE). Methods: "mean_face" (ignores the images), "single" (mean error of
        the single images), "mean" (mean coefficients), "best", "cnet".
    """
    evaluator = _FaceEvaluator(people, scan_points)
    errors: dict[str, dict[str, list[float]]] = {}
    for batch in batches:
        predictions = _predict_identities(r_net, batch["image"].numpy(), c_net, detector)
        true_identity = batch["coefficients"].numpy()[:, 0, : people.identity_basis.shape[-1]]
        for person, coefficients in enumerate(true_identity):
            truth = people.mean_shape + people.identity_basis @ coefficients
            for method, identities in predictions.items():
                faces = face_model.mean_shape + np.einsum(
                    "vik,nk->nvi", face_model.identity_basis, identities[person]
                )
                face_errors = [evaluator.errors(face, truth) for face in faces]
                for metric in face_errors[0]:
                    mean = np.mean([values[metric] for values in face_errors])
                    errors.setdefault(metric, {}).setdefault(method, []).append(float(mean))
    return {
        metric: {method: np.array(values) for method, values in methods.items()}
        for metric, methods in errors.items()
    }


def _predict_identities(r_net, images, c_net, detector) -> dict[str, np.ndarray]:
    """Identities `[people, 1 | N, K]` by method, from images `[people, N, H, W, 3]`."""
    people, size = images.shape[:2]
    features = r_net.features(images.reshape(-1, *images.shape[2:]), training=False)
    coefficients = r_net.heads(features["deep"]).numpy()
    identity = r_net.heads.layout.split(coefficients)["identity"].reshape(people, size, -1)
    predictions = {
        "mean_face": np.zeros_like(identity[:, :1]),
        "single": identity,
        "mean": identity.mean(axis=1, keepdims=True),
    }
    if detector is not None:
        best = [
            np.argmax([_detection_confidence(detector, image) for image in person])
            for person in images
        ]
        predictions["best"] = identity[np.arange(people), best][:, np.newaxis]
    if c_net is not None:
        confidence = c_net(features).numpy().reshape(identity.shape)
        predictions["cnet"] = IdentityAggregation()(identity, confidence).numpy()[:, np.newaxis]
    return predictions


def take_sets(batches: Iterable[dict], count: int) -> Iterable[dict]:
    """The first `count` image sets of a dataset of batches."""
    for batch in batches:
        size = min(count, len(batch["image"]))
        yield {name: values[:size] for name, values in batch.items()}
        count -= size
        if count <= 0:
            return


def _detection_confidence(detector, image) -> float:
    """Detection confidence of the largest face in an image; 0 if no face is detected."""
    faces = detector.detect(np.rint(255.0 * image).astype(np.uint8))
    return max((face.confidence for face in itertools.islice(faces, 1)), default=0.0)


class _FaceEvaluator:
    """Errors of neutral faces against true ones of the same topology, mm."""

    def __init__(self, model: MorphableModel, scan_points: int):
        self.triangles = model.triangles
        self.landmarks = model.landmarks
        self.scan_points = scan_points
        count = min(scan_points, len(model.triangles))
        # Centres of triangles: the points of a real scan are not vertices of the model.
        self.sampled_triangles = np.random.default_rng(7).choice(
            len(model.triangles), count, replace=False
        )

    def errors(self, face: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """Errors of `face` against `truth`, both `[V, 3]` decimetres, by metric."""
        errors = {"vertices": vertex_distance.vertex_distance_mm(face, truth)}
        if not self.scan_points:
            return errors
        scan = _MM_PER_DM * truth[self.triangles[self.sampled_triangles]].mean(axis=1)
        landmarks, scan_landmarks = face[self.landmarks], _MM_PER_DM * truth[self.landmarks]
        seven = list(scan_to_mesh.SEVEN_LANDMARKS)
        now = scan_to_mesh.now_distances_mm(
            face, self.triangles, landmarks[seven], scan, scan_landmarks[seven]
        )
        errors["now"] = float(now.mean())
        errors["micc"] = scan_to_mesh.micc_error_mm(
            face, self.triangles, landmarks, scan, scan_landmarks
        )
        return errors
