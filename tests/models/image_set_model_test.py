import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.datasets.synthetic_set_dataset import build_synthetic_set_dataset
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.identity_aggregation import IdentityAggregation
from tf_facerecon.losses import hybrid
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.hybrid_model import HybridModel
from tf_facerecon.models.image_set_model import ImageSetModel

NUM_SETS, SET_SIZE = 4, 4


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder(toy_face.build_toy_face_model())


class ReadingRNet(keras.Model):
    """An R-Net whose prediction, and whether it is good, are coded in an image's first row."""

    def __init__(self, width):
        super().__init__()
        self.backbone = keras.layers.AveragePooling2D(56)
        self.heads = keras.layers.Dense(width, kernel_initializer=lambda *_, **__: eye(width))
        self.heads.build((None, width + 1))
        self.built = True

    def features(self, images, training=False):
        del training
        width = self.heads.units
        return {"shallow": self.backbone(images), "deep": 10 * images[:, 0, : width + 1, 0] - 5}

    def call(self, images):
        return self.heads(self.features(images)["deep"])


def eye(width):
    return tf.eye(width + 1, width)


def write_in_image(coefficients, is_bad):
    images = np.full((*is_bad.shape, 224, 224, 3), 0.5, np.float32)
    row = np.concatenate([coefficients, is_bad[..., None]], axis=-1)
    images[:, :, 0, : row.shape[-1], 0] = 0.5 + 0.1 * row
    return images


def make_batch(decoder, num_bad=2):
    """Sets of which the first images lie about the identity, and say so."""
    rng = np.random.default_rng(5)
    layout = decoder.layout
    true = rng.normal(0, 0.2, (NUM_SETS, SET_SIZE, layout.total)).astype("float32")
    where = layout.slices["identity"]
    true[..., where] = 5 * true[:, :1, where]
    predicted = true.copy()
    predicted[:, :num_bad, where] = rng.normal(0, 2, (NUM_SETS, num_bad, layout.identity))
    is_bad = np.zeros((NUM_SETS, SET_SIZE), np.float32)
    is_bad[:, :num_bad] = 1
    landmarks = decoder(tf.reshape(true, (-1, layout.total)), render=False)["landmarks"]
    return {
        "image": tf.constant(write_in_image(predicted, is_bad)),
        "landmarks": tf.reshape(landmarks, (NUM_SETS, SET_SIZE, 68, 2)),
        "landmark_weights": tf.ones((NUM_SETS, SET_SIZE, 68)),
        "coefficients": tf.constant(true),
        "image_mask": tf.ones((NUM_SETS, SET_SIZE)),
    }


@pytest.fixture(scope="module")
def batch(decoder):
    return make_batch(decoder)


def make_model(decoder, opinion=0.0, **arguments):
    keras.utils.set_random_seed(1)
    width = decoder.layout.total
    c_net = CNet(
        "small", identity=decoder.layout.identity, shallow_shape=(4, 4, 3), deep_size=width + 1
    )
    rng = np.random.default_rng(2)
    last = c_net.trunk.get_layer("logits")
    last.kernel.assign(opinion * rng.normal(size=last.kernel.shape))
    weights = {"landmark": 0.1}
    return ImageSetModel(ReadingRNet(width), c_net, decoder, None, weights, **arguments)


def identities(model, batch):
    return model.aggregate(batch["image"], batch["image_mask"])["identity"].numpy()


def loss_of(model, batch):
    return float(total_loss(model, batch))


def total_loss(model, batch):
    return hybrid.total_loss(model.loss_terms(batch, **model(batch)), model.term_weights)


def test_fresh_model_takes_the_plain_mean(decoder, batch):
    model = make_model(decoder)
    output = model.aggregate(batch["image"], batch["image_mask"])
    own = decoder.layout.split(output["coefficients"])["identity"]
    np.testing.assert_allclose(output["identity"], np.mean(own, axis=1), atol=1e-5)
    assert output["confidence"].shape == (NUM_SETS, SET_SIZE, decoder.layout.identity)


def test_call_changes_nothing_but_the_identity(decoder, batch):
    model = make_model(decoder, opinion=0.3)
    output = model.aggregate(batch["image"], batch["image_mask"])
    own = decoder.layout.split(output["coefficients"])
    for name, values in decoder.layout.split(model(batch)["coefficients"]).items():
        if name == "identity":
            own[name] = np.repeat(output["identity"][:, None], SET_SIZE, axis=1)
        np.testing.assert_array_equal(values, own[name], err_msg=name)


def test_fit_teaches_which_images_to_trust(decoder, batch):
    """Fails if the way through alpha_aggr is cut, or confidences go to the wrong images."""
    model = make_model(decoder)
    mean_loss = loss_of(model, batch)
    r_net_before = model.r_net.get_weights()
    model.compile(keras.optimizers.Adam(0.01))
    data = tf.data.Dataset.from_tensors(batch).repeat(60)
    history = model.fit(data, verbose=0).history
    assert history.keys() == {"loss", "landmark"}
    confidence = model.aggregate(batch["image"], batch["image_mask"])["confidence"].numpy()
    trust = np.log(confidence).mean(axis=-1)
    assert np.all(trust[:, 2:].min(axis=1) > 1 + trust[:, :2].max(axis=1))
    assert loss_of(model, batch) < 0.3 * mean_loss
    for old, new in zip(r_net_before, model.r_net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    # The same confidences, given to other images of the set, are worth nothing.
    own = decoder.layout.split(model.aggregate(batch["image"], batch["image_mask"])["coefficients"])
    shuffled = IdentityAggregation()(own["identity"], confidence[:, ::-1])
    true = batch["coefficients"][:, 0, : decoder.layout.identity]
    learnt = identities(model, batch)
    assert np.abs(learnt - true).mean() < 0.3 * np.abs(shuffled - true).mean()


def test_fit_learns_nothing_when_the_way_is_cut(decoder, batch):
    """The counterpart of the test above: alpha_aggr is the C-Net's only teacher."""
    model = make_model(decoder)
    model.aggregation = lambda identity, confidence, mask: tf.reduce_mean(identity, axis=1)
    with tf.GradientTape() as tape:
        loss = total_loss(model, batch)
    gradients = tape.gradient(loss, model.c_net.trainable_variables)
    assert all(gradient is None for gradient in gradients)


def test_gradient_is_that_through_the_aggregated_identity(decoder, batch):
    model = make_model(decoder, opinion=0.3)
    variables = model.c_net.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        output = model.aggregate(batch["image"], batch["image_mask"])
        coefficients = model(batch)["coefficients"]
        loss = hybrid.total_loss(model.loss_terms(batch, coefficients), model.term_weights)
    of_identity = tape.gradient(loss, coefficients)[..., : decoder.layout.identity]
    through = tape.gradient(
        output["identity"], variables, output_gradients=tf.reduce_sum(of_identity, axis=1)
    )
    for whole, part in zip(tape.gradient(loss, variables), through, strict=True):
        largest = np.abs(whole).max()
        assert largest > 0
        np.testing.assert_allclose(whole, part, atol=1e-4 * largest)


def test_one_image_teaches_the_c_net_nothing(decoder, batch):
    model = make_model(decoder, opinion=0.3)
    single = {name: values[:, :1] for name, values in batch.items()}
    with tf.GradientTape() as tape:
        loss = total_loss(model, single)
    for gradient in tape.gradient(loss, model.c_net.trainable_variables):
        np.testing.assert_allclose(gradient, 0, atol=1e-5 * float(loss))


def test_order_of_images_does_not_matter(decoder, batch):
    model = make_model(decoder, opinion=0.3)
    turned = {name: tf.gather(values, [2, 0, 3, 1], axis=1) for name, values in batch.items()}
    np.testing.assert_allclose(identities(model, batch), identities(model, turned), atol=1e-6)
    np.testing.assert_allclose(loss_of(model, batch), loss_of(model, turned), rtol=1e-5)


def test_padding_of_sets_is_ignored(decoder, batch):
    model = make_model(decoder, opinion=0.3)
    mask = np.ones((NUM_SETS, SET_SIZE), np.float32)
    mask[1, 1:] = mask[2, 3:] = 0
    padded = {**batch, "image_mask": tf.constant(mask)}
    rest = tf.where(mask[..., None, None, None] > 0, batch["image"], 0.9)
    np.testing.assert_allclose(loss_of(model, padded), loss_of(model, {**padded, "image": rest}))
    terms = model.loss_terms(padded, model(padded)["coefficients"])["landmark"]
    for index in range(NUM_SETS):
        images = int(mask[index].sum())
        alone = {name: values[index : index + 1, :images] for name, values in batch.items()}
        expected = model.loss_terms(alone, model(alone)["coefficients"])["landmark"]
        np.testing.assert_allclose(terms[index], expected[0], rtol=1e-4)


def test_set_without_images_has_no_loss(decoder, batch):
    model = make_model(decoder)
    empty = {**batch, "image_mask": tf.zeros((NUM_SETS, SET_SIZE))}
    np.testing.assert_array_equal(identities(model, empty), np.zeros((NUM_SETS, 6)))
    assert loss_of(model, empty) == 0


def test_sets_of_one_agree_with_the_model_of_single_images(decoder, batch):
    weights = {"landmark": 1.0, "coefficient": 0.1, "vertices": 0.5, "identity_mse": 1.0}
    model = make_model(decoder)
    single = {name: values[:, :1] for name, values in batch.items()}
    plain = HybridModel(model.r_net, decoder, None, weights)
    flat = {name: values[:, 0] for name, values in batch.items()}
    of_sets = ImageSetModel(model.r_net, model.c_net, decoder, None, weights)
    terms = of_sets.loss_terms(single, of_sets(single)["coefficients"])
    expected = plain.loss_terms(flat, model.r_net(flat["image"]))
    assert terms.keys() == weights.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(terms[name], values, rtol=1e-4)


@pytest.mark.parametrize("train_r_net", [False, True])
def test_r_net_learns_only_if_asked_to(decoder, batch, train_r_net):
    model = make_model(decoder, train_r_net=train_r_net)
    names = {id(variable) for variable in model.trainable_variables}
    expected = list(model.c_net.trainable_variables)
    expected += [model.r_net.heads.kernel, model.r_net.heads.bias] if train_r_net else []
    assert names == {id(variable) for variable in expected}
    with tf.GradientTape() as tape:
        loss = total_loss(model, batch)
    gradient = tape.gradient(loss, model.r_net.heads.kernel.value)
    assert (gradient is not None) == train_r_net


@pytest.mark.parametrize("trainable", [False, True])
def test_trainable_of_the_r_net_stays_as_the_caller_set_it(decoder, trainable):
    r_net = ReadingRNet(decoder.layout.total)
    r_net.trainable = trainable
    c_net = make_model(decoder).c_net
    model = ImageSetModel(r_net, c_net, decoder, None, {"landmark": 1.0})
    assert r_net.trainable == r_net.heads.trainable == trainable
    assert len(model.trainable_variables) == len(c_net.trainable_variables)
    assert len(model.non_trainable_weights) == len(r_net.weights)


def test_training_a_frozen_r_net_exception_raised(decoder):
    model = make_model(decoder)
    model.r_net.trainable = False
    with pytest.raises(ValueError, match="`train_r_net` needs an R-Net with trainable variables"):
        ImageSetModel(model.r_net, model.c_net, decoder, None, {"landmark": 1.0}, train_r_net=True)


def test_photometric_definition_of_the_code_exception_raised(decoder):
    model = make_model(decoder)
    with pytest.raises(ValueError, match="must be \"paper\" for image sets.*'deep3d'"):
        ImageSetModel(
            model.r_net,
            model.c_net,
            decoder,
            None,
            {"landmark": 1.0},
            photometric_definition="deep3d",
        )


def test_saving_says_what_to_save(decoder, tmp_path):
    model = make_model(decoder)
    model = ImageSetModel(
        model.r_net, model.c_net, decoder, lambda x, training: x, {"perceptual": 1.0}
    )
    with pytest.raises(ValueError, match=r"by name: 'identity_small'.*model\.c_net\.save"):
        model.save(tmp_path / "model.keras")


def test_label_free_loss_teaches_the_c_net(decoder):
    """The whole hybrid-level loss on rendered sets, one of which is padded."""
    dataset = build_synthetic_set_dataset(
        decoder, 2, 3, seed=1, num_batches=1, bad_frames=(1, 1), pixel_step=4
    )
    batch = dict(next(iter(dataset)))
    del batch["coefficients"]  # Nobody knows them.
    batch["image_mask"] = tf.constant([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    there = batch["image_mask"][..., None, None, None]
    batch["image"], batch["skin"] = batch["image"] * there, batch["skin"] * there
    r_net = ReadingRNet(decoder.layout.total)
    c_net = CNet(
        "small",
        identity=decoder.layout.identity,
        shallow_shape=(4, 4, 3),
        deep_size=decoder.layout.total + 1,
    )

    def identity_network(images, training):
        del training
        return tf.math.l2_normalize(tf.reduce_mean(images, axis=1)[:, ::32, 0], axis=-1)

    weights = {"photometric": 1.92, "landmark": 1.6e-3, "perceptual": 0.2}
    model = ImageSetModel(r_net, c_net, decoder, identity_network, weights)
    with tf.GradientTape() as tape:
        loss = total_loss(model, batch)
    gradients = tape.gradient(loss, [v.value for v in c_net.trainable_variables])
    assert np.isfinite(loss)
    assert max(np.abs(gradient).max() for gradient in gradients) > 0
    assert not any(np.isnan(gradient).any() for gradient in gradients)
