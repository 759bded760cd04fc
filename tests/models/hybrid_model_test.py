import functools
import pathlib
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.datasets.synthetic_dataset import build_synthetic_dataset
from tf_facerecon.geometry.camera import project
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.losses import hybrid
from tf_facerecon.losses.landmark import LANDMARK_WEIGHTS
from tf_facerecon.models import hybrid_terms
from tf_facerecon.models.hybrid_model import HybridModel
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models import vertex_sampling
from tf_facerecon.morphable_models.coefficients import CoefficientLayout


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder(toy_face.build_toy_face_model())


@pytest.fixture(scope="module")
def batch(decoder):
    faces = next(iter(build_synthetic_dataset(decoder, 2, seed=1)))
    return {**faces, "person": tf.zeros(2)}


@pytest.fixture
def r_net(decoder):
    return tiny_network(decoder.layout.total)


def tiny_network(width):
    """A network in R-Net's place: one linear map of the mean colour, zero at start."""
    images = keras.Input((224, 224, 3))
    features = keras.layers.GlobalAveragePooling2D()(images)
    return keras.Model(images, keras.layers.Dense(width, kernel_initializer="zeros")(features))


def embed(image, training):
    """An identity network without weights: the mean colour."""
    del training
    return tf.reduce_mean(image, axis=(1, 2))


def make(r_net, decoder, **weights):
    return HybridModel(r_net, decoder, embed, weights)


# All terms but the one that asks a network for points.
COEFFICIENT_TERMS = hybrid_terms.TERMS - {"dense_landmark"}


def test_all_terms_of_the_truth_are_nearly_zero(r_net, decoder, batch):
    model = make(r_net, decoder, **dict.fromkeys(COEFFICIENT_TERMS, 1.0))
    terms = model.loss_terms(batch, batch["coefficients"])
    assert terms.keys() == COEFFICIENT_TERMS
    assert all(term.shape == (2,) for term in terms.values())
    for name in (hybrid_terms.GROUND_TRUTH_TERMS & COEFFICIENT_TERMS) | {"landmark", "five_point"}:
        np.testing.assert_allclose(terms[name], 0.0, atol=1e-6)
    wrong = model.loss_terms(batch, tf.zeros_like(batch["coefficients"]))
    assert np.all(terms["photometric"] < wrong["photometric"])


def test_terms_of_the_truth_count_for_images_that_have_it(r_net, decoder, batch):
    names = ("vertices", "identity_mse", "landmark")
    model = make(r_net, decoder, **dict.fromkeys(names, 1.0))
    guess = batch["coefficients"] + 0.1
    every = model.loss_terms(batch, guess)
    mixed = model.loss_terms({**batch, "has_truth": tf.constant([0.0, 1.0])}, guess)
    for name in names:
        assert every[name][0] > 0
        counts = [1.0, 1.0] if name == "landmark" else [0.0, 1.0]
        np.testing.assert_allclose(mixed[name], every[name] * counts, rtol=1e-6)


def test_photometric_definition_reaches_the_loss(r_net, decoder, batch):
    dim = {**batch, "skin": 0.6 * batch["skin"] * [[[[1.0]]], [[[0.1]]]]}
    zero = tf.zeros_like(batch["coefficients"])
    model = HybridModel(r_net, decoder, None, {"photometric": 1.0}, photometric_definition="deep3d")
    assert model.get_config()["photometric_definition"] == "deep3d"
    decoded = decoder(zero)
    attention = decoded["region_mask"] * dim["skin"]
    difference = tf.reduce_sum((dim["image"] - decoded["image"]) ** 2, -1, keepdims=True)
    expected = tf.reduce_sum(attention * tf.sqrt(difference + 1e-6)) / tf.reduce_sum(attention)
    found = tf.reduce_mean(model.loss_terms(dim, zero)["photometric"])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


class AligningEmbedding:
    """An identity network that takes points: the mean colour, and where the nose is."""

    takes_five_points = True

    def __call__(self, images, training, five_points):
        assert not training
        return tf.concat([tf.reduce_mean(images, axis=(1, 2)), five_points[:, 2] / 224], axis=-1)


class GreyDecoder:
    """In the decoder's place: a grey face at the points that the coefficients say."""

    layout = CoefficientLayout()

    def __call__(self, coefficients, render):
        assert render
        points = tf.reshape(coefficients[:, :10], (-1, 5, 2))
        return {"image": tf.fill((len(coefficients), 4, 4, 3), 0.5), "five_points": points}


def test_identity_network_gets_points_of_labels_and_of_the_prediction(r_net, decoder, rng):
    batch = {
        "image": tf.constant(rng.random((2, 224, 224, 3)), tf.float32),
        "five_points": tf.constant(rng.uniform(50, 150, (2, 5, 2)), tf.float32),
    }
    embed = functools.partial(AligningEmbedding(), training=False)
    terms = hybrid_terms.HybridTerms(["perceptual"], GreyDecoder(), embed, embed_by_points=True)
    predicted = rng.uniform(50, 150, (2, 257)).astype(np.float32)
    coefficients = tf.constant(predicted)
    with tf.GradientTape() as tape:
        tape.watch(coefficients)
        distance = terms(batch, coefficients)["perceptual"]
    photo = np.concatenate(
        [np.mean(batch["image"], axis=(1, 2)), batch["five_points"][:, 2] / 224], axis=-1
    )
    rendered = np.concatenate([np.full((2, 3), 0.5), predicted[:, 4:6] / 224], axis=-1)
    lengths = np.linalg.norm(photo, axis=-1) * np.linalg.norm(rendered, axis=-1)
    np.testing.assert_allclose(distance, 1 - np.sum(photo * rendered, -1) / lengths, atol=1e-6)
    assert tape.gradient(distance, coefficients) is None  # The warp does not follow the points.
    model = HybridModel(r_net, decoder, AligningEmbedding(), {"perceptual": 1.0})
    without = {key: values for key, values in batch.items() if key != "five_points"}
    with pytest.raises(ValueError, match=r"`perceptual` needs the entries \['five_points'\]"):
        model.loss_terms(without, tf.zeros((2, decoder.layout.total)))


def test_landmark_weights_of_the_sample_count(r_net, decoder, batch):
    only_nose_tip = tf.one_hot([30, 30], 68)
    one = {**batch, "landmark_weights": only_nose_tip}
    zero = tf.zeros_like(batch["coefficients"])
    term = make(r_net, decoder, landmark=1.0).loss_terms(one, zero)["landmark"]
    difference = decoder(zero, render=False)["landmarks"][:, 30] - batch["landmarks"][:, 30]
    expected = LANDMARK_WEIGHTS[30] * np.sum(np.square(difference), axis=-1) / 68
    np.testing.assert_allclose(term, expected, rtol=1e-5)


def test_five_points_count_for_images_without_landmarks_alone(r_net, decoder, batch):
    half = {**batch, "landmark_weights": tf.stack([tf.zeros(68), tf.ones(68)])}
    zero = tf.zeros_like(batch["coefficients"])
    term = make(r_net, decoder, five_point=1.0).loss_terms(half, zero)["five_point"]
    difference = decoder(zero, render=False)["five_points"][0] - batch["five_points"][0]
    expected = np.mean(np.sum(np.square(difference), axis=-1))
    np.testing.assert_allclose(term, [expected, 0.0], rtol=1e-5)


def test_vertices_term_preset(r_net, decoder, batch):
    # One standard deviation of the first identity mode moves vertices by that mode.
    true = np.zeros(batch["coefficients"].shape, "float32")
    true[:, 0] = 1.0
    moved = {**batch, "coefficients": tf.constant(true)}
    model = make(r_net, decoder, vertices=1.0)
    term = model.loss_terms(moved, tf.zeros_like(true))["vertices"]
    mode = 100 * decoder.face_model.identity_basis[:, :, 0]
    np.testing.assert_allclose(term, np.full(2, np.mean(np.sum(mode**2, -1))), rtol=1e-5)


def test_albedo_term_preset(r_net, decoder, batch):
    true = np.zeros(batch["coefficients"].shape, "float32")
    true[:, decoder.layout.slices["texture"].start] = 1.0
    moved = {**batch, "coefficients": tf.constant(true)}
    term = make(r_net, decoder, albedo=1.0).loss_terms(moved, tf.zeros_like(true))["albedo"]
    mode = 100 * decoder.face_model.albedo_basis[:, :, 0]
    np.testing.assert_allclose(term, np.full(2, np.mean(np.sum(mode**2, -1))), rtol=1e-5)


def test_dense_landmark_term_compares_points_with_projected_vertices(decoder, batch):
    model = make(RNet("small", **decoder.layout.sizes), decoder, dense_landmark=1.0)
    output = model(batch)
    assert output["points"].shape == (2, 160, 2)
    # Points in pixels, from the edges of the image in [-1, 1].
    found = (np.asarray(output["points"]) + 1) * 112 - 0.5
    term = model.loss_terms(batch, **output)["dense_landmark"]
    # The first 68 points are the landmarks, which the stream knows.
    gaps = np.linalg.norm(found[:, :68] - batch["landmarks"], axis=-1)
    vertices = decoder(batch["coefficients"], render=False)["vertices"]
    others = vertex_sampling.sample_vertices(decoder.face_model, 160)[68:]
    projected = project(tf.gather(vertices, others, axis=1), decoder.camera)
    rest = np.linalg.norm(found[:, 68:] - projected, axis=-1)
    expected = np.concatenate([gaps, rest], axis=1).mean(axis=1)
    np.testing.assert_allclose(term, expected, atol=0.02)


def test_dense_landmarks_teach_the_points(decoder, batch):
    model = make(RNet("small", **decoder.layout.sizes), decoder, dense_landmark=1.0)
    model.compile(keras.optimizers.Adam(2e-3))
    history = model.fit(
        tf.data.Dataset.from_tensors(batch).repeat(5), epochs=2, shuffle=False, verbose=0
    ).history["loss"]
    assert history[-1] < 0.8 * history[0]


def test_nothing_is_rendered_when_no_term_needs_pixels(r_net, decoder, batch, monkeypatch):
    monkeypatch.setattr(FaceDecoder, "render_vertices", lambda *_: pytest.fail("rendered"))
    model = make(r_net, decoder, landmark=1.0, vertices=1.0, photometric=0.0)
    assert not model.renders
    model.loss_terms(batch, batch["coefficients"])


def test_unused_terms_are_neither_computed_nor_reported(r_net, decoder, batch):
    model = make(r_net, decoder, landmark=1.0, perceptual=0.0)
    assert model.loss_terms(batch, batch["coefficients"]).keys() == {"landmark"}
    assert model.term_metrics.keys() == {"landmark"}


def test_fit_reports_terms_and_lowers_the_loss(r_net, decoder, batch):
    model = make(r_net, decoder, landmark=1.6e-3, photometric=1.92, perceptual=0.2)
    model.compile(keras.optimizers.Adam(0.01))
    repeated = tf.data.Dataset.from_tensors(batch).repeat(6)
    history = model.fit(repeated, epochs=3, shuffle=False, verbose=0).history
    assert history.keys() == {"loss", "landmark", "photometric", "perceptual"}
    weighted = 1.6e-3 * np.array(history["landmark"]) + 1.92 * np.array(history["photometric"])
    weighted += 0.2 * np.array(history["perceptual"])
    np.testing.assert_allclose(history["loss"], weighted, rtol=1e-4)
    assert history["loss"][-1] < 0.8 * history["loss"][0]


def test_only_r_net_learns_and_is_saved(r_net, decoder, batch):
    network = keras.Sequential([keras.Input((224, 224, 3)), keras.layers.GlobalMaxPooling2D()])
    network.add(keras.layers.Dense(4))
    before = network.get_weights()
    model = HybridModel(r_net, decoder, network, {"perceptual": 1.0})
    assert [id(w) for w in model.weights] == [id(w) for w in r_net.weights]
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(tf.data.Dataset.from_tensors(batch), shuffle=False, verbose=0)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.any(r_net.get_weights()[0] != 0)


def test_perceptual_gradient_comes_from_the_rendered_face_alone(r_net, decoder, batch):
    model = make(r_net, decoder, perceptual=1.0)
    image = batch["image"]
    with tf.GradientTape() as tape:
        tape.watch(image)
        term = model.loss_terms({**batch, "image": image}, batch["coefficients"])["perceptual"]
    assert tape.gradient(term, image) is None


def test_gradients_are_finite_in_every_term(r_net, decoder, batch):
    model = make(r_net, decoder, **dict.fromkeys(COEFFICIENT_TERMS, 1.0))
    coefficients = tf.zeros_like(batch["coefficients"])
    with tf.GradientTape() as tape:
        tape.watch(coefficients)
        loss = hybrid.total_loss(model.loss_terms(batch, coefficients), model.term_weights)
    gradient = tape.gradient(loss, coefficients).numpy()
    assert np.isfinite(gradient).all()
    assert np.count_nonzero(gradient) > 0.9 * gradient.size


@pytest.mark.parametrize(
    ("network", "weights", "message"),
    [
        (embed, {"landmrk": 1.0}, "may name only the terms .*landmrk"),
        (embed, {"landmark": -1.0}, "none negative"),
        (embed, {"landmark": 1.0, "photometric": float("nan")}, "finite weights"),
        (embed, {"landmark": 0.0}, "at least one positive"),
        (None, {"perceptual": 1.0}, "needs an `identity_network`"),
        (embed, {"dense_landmark": 1.0}, "needs a network that predicts points"),
    ],
)
def test_hybrid_model_exception_raised(r_net, decoder, network, weights, message):
    with pytest.raises(ValueError, match=message):
        HybridModel(r_net, decoder, network, weights)


def test_supervised_term_without_truth_exception_raised(r_net, decoder, batch):
    photo = {name: value for name, value in batch.items() if name != "coefficients"}
    with pytest.raises(
        ValueError, match=r"`vertices` needs the entries \['coefficients'\].*truth of synthetic"
    ):
        make(r_net, decoder, vertices=1.0).loss_terms(photo, batch["coefficients"])


def test_missing_label_exception_raised(r_net, decoder, batch):
    unlabelled = {name: value for name, value in batch.items() if name != "landmark_weights"}
    with pytest.raises(ValueError, match=r"`landmark` needs the entries \['landmark_weights'\]"):
        make(r_net, decoder, landmark=1.0).loss_terms(unlabelled, batch["coefficients"])


def test_saving_says_what_to_save(r_net, decoder, tmp_path):
    with pytest.raises(ValueError, match=r"by name: 'identity_small'.*model\.r_net\.save"):
        make(r_net, decoder, perceptual=1.0).save(tmp_path / "model.keras")


def test_two_replicas_train_like_one():
    # Logical devices can only be made before TensorFlow starts, hence a process of its own.
    # SGD, because Adam would hide a wrong scale of the gradient.
    code = """
        import keras, numpy as np, tensorflow as tf
        cpu, = tf.config.list_physical_devices("CPU")
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        from tests import toy_face
        from tests.models import hybrid_model_test
        from tf_facerecon.layers.face_decoder import FaceDecoder
        from tf_facerecon.models.hybrid_model import HybridModel

        rng = np.random.default_rng(0)
        faces = tf.data.Dataset.from_tensor_slices({
            "image": rng.uniform(size=(12, 224, 224, 3)).astype("float32"),
            "landmarks": rng.uniform(90, 130, (12, 68, 2)).astype("float32"),
            "landmark_weights": np.ones((12, 68), "float32"),
        }).batch(4)

        def train(strategy):
            keras.utils.set_random_seed(0)
            with strategy.scope():
                decoder = FaceDecoder(toy_face.build_toy_face_model())
                r_net = hybrid_model_test.tiny_network(decoder.layout.total)
                model = HybridModel(r_net, decoder, None, {"landmark": 1e-3})
                model.compile(keras.optimizers.SGD(0.01))
            losses = model.fit(faces, epochs=2, shuffle=False, verbose=0).history["loss"]
            return losses, r_net.get_weights()[0]

        alone = train(tf.distribute.get_strategy())
        mirrored = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
        np.testing.assert_allclose(alone[0], mirrored[0], rtol=1e-4)
        np.testing.assert_allclose(alone[1], mirrored[1], rtol=1e-3, atol=1e-5)
        assert np.abs(alone[1]).max() > 1e-3
    """
    repository = pathlib.Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=repository, check=True)
