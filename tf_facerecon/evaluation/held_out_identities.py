"""How well identities are read from sets of pictures of people outside the face model.

A network that is tried on faces of the very model it learnt is flattered: whatever it answers can
be right to the last millimetre. Here the people also differ in ways for which the model has no
coefficient.
"""

import dataclasses
import itertools
from collections.abc import Iterable

import numpy as np

from tf_facerecon.layers.identity_aggregation import IdentityAggregation
from tf_facerecon.metrics import scan_to_mesh, vertex_distance
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.photos import face_detection

# Share of the model's own variance that the unseen modes add.
UNSEEN_VARIANCE = 0.05
_MM_PER_DM = 100.0
_WAVE_LENGTHS = (0.5, 1.5)  # dm


def held_out_face_model(
    face_model: MorphableModel, num_modes: int = 20, seed: int = 20190320
) -> MorphableModel:
    """A face model whose people differ in `num_modes` further ways.

    The new identity modes are smooth random waves of 5 to 15 cm over the face, freed from all that
    the model's own modes can say, and together have `UNSEEN_VARIANCE` of their variance.

    Args:
        face_model: The model that a network learnt.
        num_modes: How many modes to add behind its own.
        seed: Of the waves.

    Raises:
        ValueError: If `num_modes` is not positive.
    """
    if num_modes < 1:
        raise ValueError(f"`num_modes` must be at least 1. Received: {num_modes}.")
    rng = np.random.default_rng(seed)
    points = face_model.mean_shape.astype(np.float64)
    own = face_model.identity_basis.astype(np.float64).reshape(points.size, -1)
    directions = rng.normal(size=(num_modes, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    waves = 2 * np.pi * directions / rng.uniform(*_WAVE_LENGTHS, size=(num_modes, 1))
    heights = np.cos(points @ waves.T + rng.uniform(0, 2 * np.pi, num_modes))
    modes = heights[:, np.newaxis] * rng.normal(size=(3, num_modes))
    modes = modes.reshape(points.size, num_modes)
    span, _ = np.linalg.qr(own)
    modes -= span @ (span.T @ modes)
    modes *= np.sqrt(UNSEEN_VARIANCE * np.sum(own**2) / np.sum(modes**2))
    basis = np.concatenate([own, modes], axis=1).reshape(*points.shape, -1)
    return dataclasses.replace(
        face_model,
        name=f"{face_model.name} and {num_modes} unseen modes",
        identity_basis=basis.astype(np.float32),
        identity_scales=None,
        recipe="",
    )


def measure_sets(
    r_net: RNet,
    batches: Iterable[dict],
    people: MorphableModel,
    *,
    face_model: MorphableModel,
    c_net: CNet | None = None,
    detector: face_detection.FaceDetector | None = None,
    scan_points: int = 800,
) -> dict[str, dict[str, np.ndarray]]:
    """Errors of the neutral face of every person, by measure and by way to make one of many.

    Args:
        r_net: Network from pictures to coefficients.
        batches: Of `build_synthetic_set_dataset` with a decoder of `people`.
        people: Face model of the true people; the topology of `face_model`.
        face_model: Face model of the network's answers.
        c_net: For the row "cnet"; left out without one.
        detector: For the row "best" (the picture of which it is surest); left out without one.
        scan_points: About how many points of the true surface the scan distances take; 0 leaves
            those measures out.

    Returns:
        `[people]` mm by measure and row. Measures: "vertices" (mean vertex-to-vertex distance after
        similarity alignment), "now" (mean NoW distance, scale fitted) and "micc" (point-to-plane
        RMSE). Rows: "mean_face" (no picture needed), "single" (mean error of the single pictures),
        "mean", "best", "cnet".
    """
    ruler = _Ruler(people, scan_points)
    errors: dict[str, dict[str, list[float]]] = {}
    for batch in batches:
        answers = _answers(r_net, batch["image"].numpy(), c_net, detector)
        true_identity = batch["coefficients"].numpy()[:, 0, : people.identity_basis.shape[-1]]
        for person, coefficients in enumerate(true_identity):
            truth = people.mean_shape + people.identity_basis @ coefficients
            for row, identities in answers.items():
                faces = face_model.mean_shape + np.einsum(
                    "vik,nk->nvi", face_model.identity_basis, identities[person]
                )
                measured = [ruler.measure(face, truth) for face in faces]
                for measure in measured[0]:
                    mean = np.mean([numbers[measure] for numbers in measured])
                    errors.setdefault(measure, {}).setdefault(row, []).append(float(mean))
    return {
        measure: {row: np.array(numbers) for row, numbers in rows.items()}
        for measure, rows in errors.items()
    }


def _answers(r_net, images, c_net, detector) -> dict[str, np.ndarray]:
    """Identities `[people, 1 | N, K]` by row, from pictures `[people, N, H, W, 3]`."""
    people, size = images.shape[:2]
    features = r_net.features(images.reshape(-1, *images.shape[2:]), training=False)
    coefficients = r_net.heads(features["deep"]).numpy()
    identity = r_net.heads.layout.split(coefficients)["identity"].reshape(people, size, -1)
    answers = {
        "mean_face": np.zeros_like(identity[:, :1]),
        "single": identity,
        "mean": identity.mean(axis=1, keepdims=True),
    }
    if detector is not None:
        best = [np.argmax([_sureness(detector, image) for image in person]) for person in images]
        answers["best"] = identity[np.arange(people), best][:, np.newaxis]
    if c_net is not None:
        confidence = c_net(features).numpy().reshape(identity.shape)
        answers["cnet"] = IdentityAggregation()(identity, confidence).numpy()[:, np.newaxis]
    return answers


def take_people(batches: Iterable[dict], count: int) -> Iterable[dict]:
    """The first `count` people of batches of sets."""
    for batch in batches:
        size = min(count, len(batch["image"]))
        yield {name: values[:size] for name, values in batch.items()}
        count -= size
        if count <= 0:
            return


def _sureness(detector, image) -> float:
    """Confidence of the detector in the largest face of a picture; 0 where it finds none."""
    faces = detector.detect(np.rint(255.0 * image).astype(np.uint8))
    return max((face.confidence for face in itertools.islice(faces, 1)), default=0.0)


class _Ruler:
    """Measures neutral faces against true ones of the same topology, in mm."""

    def __init__(self, model: MorphableModel, scan_points: int):
        self.triangles = model.triangles
        self.landmarks = model.landmarks
        self.scan_points = scan_points
        count = min(scan_points, len(model.triangles))
        # Middles of triangles: a scan's points are no vertices of the model.
        self.scanned = np.random.default_rng(7).choice(len(model.triangles), count, replace=False)

    def measure(self, face: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """Distances of `face` to `truth`, `[V, 3]` decimetres each, by measure."""
        measured = {"vertices": vertex_distance.vertex_distance_mm(face, truth)}
        if not self.scan_points:
            return measured
        scan = _MM_PER_DM * truth[self.triangles[self.scanned]].mean(axis=1)
        landmarks, scan_landmarks = face[self.landmarks], _MM_PER_DM * truth[self.landmarks]
        seven = list(scan_to_mesh.SEVEN_LANDMARKS)
        now = scan_to_mesh.now_distances_mm(
            face, self.triangles, landmarks[seven], scan, scan_landmarks[seven]
        )
        measured["now"] = float(now.mean())
        measured["micc"] = scan_to_mesh.micc_error_mm(
            face, self.triangles, landmarks, scan, scan_landmarks
        )
        return measured
