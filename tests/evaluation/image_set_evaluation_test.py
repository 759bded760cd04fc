"""Errors of known predictions, by metric and method."""

import numpy as np
import pytest
import tensorflow as tf

from tests.toy_face import build_toy_face_model
from tf_facerecon.evaluation import image_set_evaluation
from tf_facerecon.evaluation.held_out_identities import held_out_face_model
from tf_facerecon.metrics import vertex_distance
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.photos.face_detection import DetectedFace


@pytest.fixture(scope="module")
def models():
    model = build_toy_face_model()
    return model, held_out_face_model(model, num_modes=3)


class Heads:
    layout = CoefficientLayout(identity=6, expression=4, texture=5)

    def __call__(self, deep):
        zeros = tf.zeros((len(deep), self.layout.total - 6))
        return tf.concat([deep[:, :6], zeros], axis=-1)


class FakeNetworks:
    """An R-Net, C-Net and detector whose outputs are written in the first row of the image."""

    heads = Heads()

    def features(self, images, training):
        return {"deep": tf.constant(images[:, 0, :, 0])}

    def confidence(self, features):
        return tf.exp(features["deep"][:, 6:7]) * tf.ones((1, 6))

    def detect(self, image):
        confidence = float(image[0, 7, 0]) / 255.0
        return [DetectedFace((0, 0, 1, 1), confidence, np.zeros((5, 2)))] if confidence > 0 else []


def batch_of_one(identities, true, logits, confidence):
    image = np.zeros((1, len(identities), 2, 8, 3), np.float32)
    image[0, :, 0, :6, 0] = identities
    image[0, :, 0, 6, 0] = logits
    image[0, :, 0, 7, 0] = confidence
    coefficients = np.zeros((1, len(identities), 260), np.float32)
    coefficients[..., :9] = true
    return {"image": tf.constant(image), "coefficients": tf.constant(coefficients)}


def test_evaluate_image_sets_preset(models, rng):
    model, people = models
    true = np.concatenate([rng.normal(size=6), np.zeros(3)])
    identities = np.stack([true[:6] + 1.0, true[:6], true[:6] - 3.0])
    networks = FakeNetworks()
    found = image_set_evaluation.evaluate_image_sets(
        networks,
        [batch_of_one(identities, true, logits=[-9.0, 9.0, -9.0], confidence=[0.2, 0.0, 0.9])],
        people,
        face_model=model,
        c_net=networks.confidence,
        detector=networks,
        scan_points=0,
    )
    assert list(found) == ["vertices"]

    def error(identity):
        face = model.mean_shape + model.identity_basis @ identity
        truth = model.mean_shape + model.identity_basis @ true[:6]
        return vertex_distance.vertex_distance_mm(face, truth)

    methods = {method: values.item() for method, values in found["vertices"].items()}
    assert methods["mean_face"] == pytest.approx(error(np.zeros(6)), rel=1e-3)
    assert methods["single"] == pytest.approx(
        np.mean([error(identity) for identity in identities]), rel=1e-3
    )
    assert methods["mean"] == pytest.approx(error(identities.mean(axis=0)), rel=1e-3)
    assert methods["best"] == pytest.approx(error(identities[2]), rel=1e-3)
    assert methods["cnet"] < 1e-3 * methods["mean"]


def test_evaluate_image_sets_of_people_outside_the_model(models, rng):
    model, people = models
    true = rng.normal(size=9)
    networks = FakeNetworks()
    found = image_set_evaluation.evaluate_image_sets(
        networks,
        [batch_of_one(true[None, :6], true, [0.0], [1.0])],
        people,
        face_model=model,
        scan_points=300,
    )
    assert list(found) == ["vertices", "now", "micc"]
    for methods in found.values():
        assert list(methods) == ["mean_face", "single", "mean"]
        # The closest face of the model is better than the mean face, but not perfect.
        assert 0.05 < methods["single"].item() < methods["mean_face"].item()


def test_take_sets_preset():
    batches = [{"image": np.zeros((4, 2)), "a": np.arange(4)}] * 3
    taken = [len(batch["a"]) for batch in image_set_evaluation.take_sets(batches, 6)]
    assert taken == [4, 2]
