"""People outside the face model, and errors of answers that are known."""

import numpy as np
import pytest
import tensorflow as tf

from tests.toy_face import build_toy_face_model
from tf_facerecon.evaluation import held_out_identities
from tf_facerecon.metrics import vertex_distance
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.photos.face_detection import DetectedFace


@pytest.fixture(scope="module")
def models():
    model = build_toy_face_model()
    return model, held_out_identities.held_out_face_model(model, num_modes=3)


def test_unseen_face_model_preset(models):
    model, people = models
    assert people.identity_basis.shape == (225, 3, 9) and people.name != model.name
    assert people.fingerprint != model.fingerprint
    own = people.identity_basis[..., :6].reshape(-1, 6)
    new = people.identity_basis[..., 6:].reshape(-1, 3)
    np.testing.assert_allclose(own, model.identity_basis.reshape(-1, 6), atol=1e-7)
    # What the model can say itself is not in the new modes; their share of variance is as stated.
    cosines = (own / np.linalg.norm(own, axis=0)).T @ (new / np.linalg.norm(new, axis=0))
    assert np.abs(cosines).max() < 1e-4
    share = np.sum(new**2) / np.sum(own**2)
    assert share == pytest.approx(held_out_identities.UNSEEN_VARIANCE, rel=1e-4)
    again = held_out_identities.held_out_face_model(model, num_modes=3)
    np.testing.assert_array_equal(again.identity_basis, people.identity_basis)
    with pytest.raises(ValueError, match="`num_modes` must be at least 1"):
        held_out_identities.held_out_face_model(model, num_modes=0)


class Heads:
    layout = CoefficientLayout(identity=6, expression=4, texture=5)

    def __call__(self, deep):
        zeros = tf.zeros((len(deep), self.layout.total - 6))
        return tf.concat([deep[:, :6], zeros], axis=-1)


class Reader:
    """An R-Net, C-Net and detector that find their answers in the first row of the picture."""

    heads = Heads()

    def features(self, images, training):
        return {"deep": tf.constant(images[:, 0, :, 0])}

    def confidence(self, features):
        return tf.exp(features["deep"][:, 6:7]) * tf.ones((1, 6))

    def detect(self, image):
        sureness = float(image[0, 7, 0]) / 255.0
        return [DetectedFace((0, 0, 1, 1), sureness, np.zeros((5, 2)))] if sureness > 0 else []


def batch_of_one(answers, true, logits, sureness):
    image = np.zeros((1, len(answers), 2, 8, 3), np.float32)
    image[0, :, 0, :6, 0] = answers
    image[0, :, 0, 6, 0] = logits
    image[0, :, 0, 7, 0] = sureness
    coefficients = np.zeros((1, len(answers), 260), np.float32)
    coefficients[..., :9] = true
    return {"image": tf.constant(image), "coefficients": tf.constant(coefficients)}


def test_measure_sets_preset(models, rng):
    model, people = models
    true = np.concatenate([rng.normal(size=6), np.zeros(3)])
    answers = np.stack([true[:6] + 1.0, true[:6], true[:6] - 3.0])
    reader = Reader()
    found = held_out_identities.measure_sets(
        reader,
        [batch_of_one(answers, true, logits=[-9.0, 9.0, -9.0], sureness=[0.2, 0.0, 0.9])],
        people,
        face_model=model,
        c_net=reader.confidence,
        detector=reader,
        scan_points=0,
    )
    assert list(found) == ["vertices"]

    def error(identity):
        face = model.mean_shape + model.identity_basis @ identity
        truth = model.mean_shape + model.identity_basis @ true[:6]
        return vertex_distance.vertex_distance_mm(face, truth)

    rows = {row: values.item() for row, values in found["vertices"].items()}
    assert rows["mean_face"] == pytest.approx(error(np.zeros(6)), rel=1e-3)
    assert rows["single"] == pytest.approx(np.mean([error(a) for a in answers]), rel=1e-3)
    assert rows["mean"] == pytest.approx(error(answers.mean(axis=0)), rel=1e-3)
    assert rows["best"] == pytest.approx(error(answers[2]), rel=1e-3)
    assert rows["cnet"] < 1e-3 * rows["mean"]


def test_measure_sets_of_people_outside_the_model(models, rng):
    model, people = models
    true = rng.normal(size=9)
    reader = Reader()
    found = held_out_identities.measure_sets(
        reader,
        [batch_of_one(true[None, :6], true, [0.0], [1.0])],
        people,
        face_model=model,
        scan_points=300,
    )
    assert list(found) == ["vertices", "now", "micc"]
    for rows in found.values():
        assert list(rows) == ["mean_face", "single", "mean"]
        # The best answer that the model has is better than none, and not perfect.
        assert 0.05 < rows["single"].item() < rows["mean_face"].item()


def test_take_people_preset():
    batches = [{"image": np.zeros((4, 2)), "a": np.arange(4)}] * 3
    taken = [len(batch["a"]) for batch in held_out_identities.take_people(batches, 6)]
    assert taken == [4, 2]
