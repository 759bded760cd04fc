"""What `HybridModel` and `ImageSetModel` say of wrong arguments and batches."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import keras_training_test as toys
from tests.models.keras_training_test import (  # noqa: F401
    batch,
    build_model,
    decoder,
    face_model,
    kind,
)
from tf_facerecon.models.hybrid_model import HybridModel
from tf_facerecon.models.identity_network import IdentityNetwork
from tf_facerecon.models.image_set_model import ImageSetModel

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestAssertRewriteWarning")


@pytest.fixture
def model(kind, decoder):  # noqa: F811
    built = build_model(kind, decoder)
    built.compile(keras.optimizers.SGD(0.01))
    return built


def assert_refused(model, batch, message):  # noqa: F811
    for step in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=message):
            step(batch)


def test_batch_without_network_inputs_exception_raised(model, batch):  # noqa: F811
    for key in ("image", "image_mask"):
        if key in batch:
            rest = {name: values for name, values in batch.items() if name != key}
            assert_refused(model, rest, rf"need the entries \['{key}'\]")
            with pytest.raises(ValueError, match=rf"need the entries \['{key}'\]"):
                model(rest)


def test_missing_label_is_noticed_before_the_forward_pass(model, batch, monkeypatch):  # noqa: F811
    monkeypatch.setattr(type(model), "call", lambda *_, **__: pytest.fail("forward pass"))
    del batch["landmarks"]
    assert_refused(model, batch, r"`landmark` needs the entries \['landmarks'\]")


def test_entries_that_no_term_needs_are_ignored(model, batch):  # noqa: F811
    extra = {"name": tf.constant(["a"] * toys.NUM_SETS), "skin": tf.zeros([toys.NUM_SETS])}
    expected = model.test_on_batch(batch)
    np.testing.assert_allclose(model.test_on_batch({**batch, **extra}), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_integer_images_exception_raised(model, batch, dtype):  # noqa: F811
    message = f"`image` must hold floating-point numbers in .0, 1.*{dtype}.*divide"
    integers = {**batch, "image": tf.cast(255 * batch["image"], dtype)}
    assert_refused(model, integers, message)
    with pytest.raises(ValueError, match=message):
        model(integers)


def test_float64_batches_train_as_float32(kind, decoder, batch):  # noqa: F811
    single, double = (build_model(kind, decoder, weights=toys.RENDERED) for _ in range(2))
    for trained in (single, double):
        trained.compile(keras.optimizers.SGD(0.01))
    wide = {name: tf.cast(values, tf.float64) for name, values in batch.items()}
    np.testing.assert_allclose(single.train_on_batch(batch), double.train_on_batch(wide), rtol=1e-5)


@pytest.mark.parametrize(
    "key", ["image", "skin", "landmarks", "landmark_weights", "five_points", "image_mask"]
)
def test_shape_exception_raised(kind, decoder, batch, key):  # noqa: F811
    if key not in batch:
        pytest.skip("Only sets have it.")
    model = build_model(kind, decoder, weights={**toys.RENDERED, "five_point": 1.0})
    model.compile("sgd")
    cut = batch[key][:, :, :-1] if batch[key].shape.rank > 2 else batch[key][..., tf.newaxis]
    assert_refused(model, {**batch, key: cut}, f"`{key}` must have shape")


def test_targets_exception_raised(model, batch):  # noqa: F811
    targets = tf.zeros([toys.NUM_SETS])
    for data in ((batch, targets), (batch, None, targets)):
        with pytest.raises(ValueError, match="must yield dicts of images and labels"):
            model.train_step(data)
    with pytest.raises(ValueError, match="must yield dicts of images and labels"):
        model.train_step(batch["image"])


@pytest.mark.parametrize("name", ["loss", "metrics", "loss_weights", "weighted_metrics"])
def test_compile_exception_raised(model, name):
    with pytest.raises(ValueError, match=f"`compile` takes no `{name}`"):
        model.compile("adam", **{name: ["mse"]})


@pytest.mark.parametrize("name", ["r_net", "c_net", "decoder", "identity_network"])
@pytest.mark.parametrize("value", [7, "small"])
def test_type_of_network_exception_raised(decoder, name, value):  # noqa: F811
    if (name, value) == ("identity_network", "small"):
        value = 7.5
    r_net = toys.TinyRNet(decoder.layout.total)
    arguments = {
        "r_net": r_net,
        "c_net": toys.build_model("set", decoder).c_net,
        "decoder": decoder,
        "identity_network": None,
        "loss_weights": toys.WEIGHTS,
        name: value,
    }
    with pytest.raises(ValueError, match=f"`{name}` must be.*{value}"):
        ImageSetModel(**arguments)
    if name != "c_net":
        del arguments["c_net"]
        with pytest.raises(ValueError, match=f"`{name}` must be.*{value}"):
            HybridModel(**arguments)


def test_r_net_of_another_layout_exception_raised(decoder):  # noqa: F811
    images = keras.Input((toys.SIZE, toys.SIZE, 3))
    other = keras.Model(images, keras.layers.Dense(5)(keras.layers.Flatten()(images)))
    message = f"must predict the {decoder.layout.total} coefficients.* 5 outputs"
    with pytest.raises(ValueError, match=message):
        HybridModel(other, decoder, None, toys.WEIGHTS)


def test_identity_network_may_be_a_path(decoder, tmp_path):  # noqa: F811
    path = pathlib.Path(tmp_path / "identity.keras")
    IdentityNetwork(embedding_size=8, image_size=32).save(path)
    model = build_model("single", decoder, path, {"perceptual": 0.2})
    assert model.get_config()["identity_network"] == str(path)


def test_from_config_takes_custom_objects(kind, decoder):  # noqa: F811
    model = build_model(kind, decoder)
    config = model.get_config()
    config["r_net"] = {**config["r_net"], "module": None, "registered_name": "Renamed"}
    config["r_net"]["class_name"] = "Renamed"
    copy = type(model).from_config(config, custom_objects={"Renamed": toys.TinyRNet})
    assert isinstance(copy.r_net, toys.TinyRNet)
