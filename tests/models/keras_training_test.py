"""`compile`, `fit`, `evaluate`, callbacks and files of the two trainable models.

On images of 32 x 32 pixels and a network of one linear map, so that every test takes seconds.
"""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.geometry.camera import PerspectiveCamera
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.losses import hybrid
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.hybrid_model import HybridModel
from tf_facerecon.models.image_set_model import ImageSetModel
from tf_facerecon.training.fused_adam import FusedAdam

SIZE, NUM_SETS, SET_SIZE = 32, 4, 2
WEIGHTS = {"landmark": 1.6e-2, "coefficient": 3e-4}
RENDERED = {"photometric": 1.92, **WEIGHTS}


@pytest.fixture(scope="module", autouse=True)
def face_model(tmp_path_factory):
    """The toy face where face models are looked up by name, as a saved configuration does."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_FACERECON_HOME", str(home))
        toy_face.build_toy_face_model().save(home / "face_models" / "toy.npz")
        yield


@pytest.fixture(scope="module")
def decoder(face_model):
    return FaceDecoder("toy", camera=PerspectiveCamera(focal=145.0, image_size=SIZE))


@keras.saving.register_keras_serializable(package="tests")
class TinyRNet(keras.Model):
    """An R-Net with `features` and `heads`, of one linear map."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.pooling = keras.layers.AveragePooling2D(8, dtype=self.dtype_policy)
        self.norm = keras.layers.BatchNormalization(dtype=self.dtype_policy)
        self.heads = keras.layers.Dense(
            width, kernel_initializer=keras.initializers.RandomNormal(0, 0.01, seed=4)
        )
        self.norm.build((None, SIZE * SIZE * 3 // 64))
        self.heads.build((None, SIZE * SIZE * 3 // 64))
        self.built = True

    def features(self, images, training=False):
        shallow = self.pooling(images)
        deep = self.norm(keras.layers.Flatten()(shallow), training=training)
        return {"shallow": shallow, "deep": deep}

    def call(self, images, training=False):
        return self.heads(self.features(images, training=training)["deep"])

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def build_model(kind, decoder, identity_network=None, weights=WEIGHTS, dtype=None, **arguments):
    keras.utils.set_random_seed(1)
    r_net = TinyRNet(decoder.layout.total, dtype=dtype)
    if kind == "single":
        return HybridModel(r_net, decoder, identity_network, weights, **arguments)
    c_net = CNet(
        "small",
        identity=decoder.layout.identity,
        shallow_shape=(4, 4, 3),
        deep_size=48,
        dtype=dtype,
    )
    # Confidences that depend on the image, or no gradient would reach all but the last layer.
    logits = c_net.trunk.get_layer("logits").kernel
    logits.assign(np.random.default_rng(2).normal(size=logits.shape))
    return ImageSetModel(r_net, c_net, decoder, identity_network, weights, **arguments)


def build_batch(kind, decoder):
    rng = np.random.default_rng(3)
    sets = {"single": (NUM_SETS,), "set": (NUM_SETS, SET_SIZE)}[kind]
    coefficients = rng.normal(0, 0.1, (*sets, decoder.layout.total)).astype("float32")
    decoded = decoder(coefficients.reshape(-1, decoder.layout.total))
    noise = rng.uniform(0, 0.3, decoded["image"].shape)
    batch = {
        "image": np.clip(decoded["image"] + noise, 0, 1).astype("float32"),
        "skin": np.ones((*decoded["image"].shape[:3], 1), "float32"),
        "landmarks": decoded["landmarks"].numpy(),
        "landmark_weights": np.ones((len(decoded["image"]), 68), "float32"),
        "five_points": decoded["five_points"].numpy(),
    }
    batch = {name: values.reshape(*sets, *values.shape[1:]) for name, values in batch.items()}
    if kind == "set":
        batch["image_mask"] = np.ones(sets, "float32")
    return {name: tf.constant(values) for name, values in batch.items()}


@pytest.fixture(params=["single", "set"])
def kind(request):
    return request.param


@pytest.fixture
def batch(kind, decoder):
    return build_batch(kind, decoder)


def as_dataset(batch, repeats, batch_size=NUM_SETS):
    return tf.data.Dataset.from_tensor_slices(batch).batch(batch_size).repeat(repeats)


def values_of(variables):
    return [np.array(variable) for variable in variables]


def assert_equal(first, second, **tolerance):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, **tolerance)


def total_loss(model, batch, training):
    return total_loss_of(model, batch, model(batch, training=training))


def total_loss_of(model, batch, predictions):
    return hybrid.total_loss(model.loss_terms(batch, **predictions), model.term_weights)


def test_train_step_is_gradient_descent_on_the_weighted_terms(kind, decoder, batch):
    model = build_model(kind, decoder, weights=RENDERED)
    variables = model.trainable_variables
    before = values_of(variables)
    with tf.GradientTape() as tape:
        loss = total_loss(model, batch, training=True)
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    model.compile(keras.optimizers.SGD(0.1))
    logs = model.train_step(batch)
    assert_equal(
        [b - 0.1 * g.numpy() for b, g in zip(before, gradients, strict=True)],
        values_of(variables),
        rtol=1e-4,
        atol=1e-7,
    )
    assert list(logs) == ["loss", *RENDERED]
    weighted = sum(RENDERED[name] * float(logs[name]) for name in RENDERED)
    np.testing.assert_allclose([float(logs["loss"]), float(loss)], weighted, rtol=1e-5)


def test_test_step_measures_in_inference_mode_and_changes_nothing(kind, decoder, batch):
    model = build_model(kind, decoder)
    model.compile(keras.optimizers.SGD(0.1))
    before = values_of(model.weights)
    measured = model.evaluate(as_dataset(batch, 1), return_dict=True, verbose=0)
    assert measured.keys() == {"loss", *WEIGHTS}
    np.testing.assert_allclose(measured["loss"], total_loss(model, batch, False), rtol=1e-5)
    assert_equal(before, values_of(model.weights))


def test_loss_of_an_epoch_is_the_mean_over_samples(kind, decoder, batch):
    model = build_model(kind, decoder)
    model.compile(keras.optimizers.SGD(0.1))
    uneven = model.evaluate(as_dataset(batch, 1, batch_size=3), verbose=0, return_dict=True)
    whole = model.evaluate(as_dataset(batch, 1), verbose=0, return_dict=True)
    for name, value in whole.items():
        np.testing.assert_allclose(uneven[name], value, rtol=1e-5)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, FusedAdam])
def test_accumulation_over_two_batches_is_one_step_of_both(kind, decoder, batch, optimizer):
    whole, halves = (
        build_model(kind, decoder, dtype=None, weights={"landmark": 1.6e-2}) for _ in range(2)
    )
    for model in (whole, halves):
        model.r_net.norm.trainable = False  # Statistics of half a batch are others.
    whole.compile(optimizer(0.01, epsilon=1e-2) if optimizer is FusedAdam else optimizer(0.01))
    halves.compile(
        optimizer(0.01, epsilon=1e-2, gradient_accumulation_steps=2)
        if optimizer is FusedAdam
        else optimizer(0.01, gradient_accumulation_steps=2)
    )
    start = values_of(halves.trainable_variables)
    whole.fit(as_dataset(batch, 2), verbose=0, epochs=1)
    steps = iter(as_dataset(batch, 2, batch_size=NUM_SETS // 2))
    halves.make_train_function()
    halves.train_function(steps)
    assert_equal(start, values_of(halves.trainable_variables))
    assert int(halves.optimizer.iterations) == 0
    for _ in range(3):
        halves.train_function(steps)
    assert int(halves.optimizer.iterations) == int(whole.optimizer.iterations) == 2
    assert_equal(
        values_of(whole.trainable_variables),
        values_of(halves.trainable_variables),
        rtol=1e-3,
        atol=1e-6,
    )


def test_global_norm_is_clipped(kind, decoder, batch):
    model = build_model(kind, decoder)
    before = values_of(model.trainable_variables)
    model.compile(keras.optimizers.SGD(1.0, global_clipnorm=1e-3))
    model.train_on_batch(batch)
    moved = [b - a for b, a in zip(before, values_of(model.trainable_variables), strict=True)]
    np.testing.assert_allclose(np.sqrt(sum(np.sum(m**2) for m in moved)), 1e-3, rtol=1e-3)


def test_mixed_float16_scales_the_loss(kind, decoder, batch):
    full, half = (build_model(kind, decoder, dtype=p) for p in (None, "mixed_float16"))
    for model in (full, half):
        model.compile(keras.optimizers.SGD(0.01))
        model.fit(as_dataset(batch, 2), verbose=0)
    assert isinstance(half.optimizer, keras.optimizers.LossScaleOptimizer)
    assert not isinstance(full.optimizer, keras.optimizers.LossScaleOptimizer)
    assert_equal(
        values_of(full.trainable_variables),
        values_of(half.trainable_variables),
        rtol=0.05,
        atol=2e-3,
    )


def test_mixed_float16_skips_a_step_that_overflows(kind, decoder, batch):
    model = build_model(kind, decoder, dtype="mixed_float16", weights={"landmark": 1e30})
    model.compile(FusedAdam(0.1))
    before = values_of(model.trainable_variables)
    model.train_on_batch(batch)
    assert_equal(before, values_of(model.trainable_variables))
    assert float(model.optimizer.dynamic_scale) == model.optimizer.initial_scale / 2
    assert int(model.optimizer.iterations) == 0


def test_compile_options_train_alike(kind, decoder, batch):
    # Rendering is compiled once: it takes long, and is the same for sets.
    weights = RENDERED if kind == "single" else WEIGHTS

    def train(**options):
        model = build_model(kind, decoder, weights=weights)
        model.compile(keras.optimizers.Adam(0.01), **options)
        history = model.fit(as_dataset(batch, 6), epochs=2, verbose=0).history
        return np.array(list(history.values())), values_of(model.trainable_variables)

    plain_history, plain = train(jit_compile=False)
    for options in ({"steps_per_execution": 3}, {"jit_compile": True}):
        history, trained = train(**options)
        np.testing.assert_allclose(plain_history, history, rtol=1e-3, err_msg=str(options))
        assert_equal(plain, trained, rtol=1e-2, atol=1e-3, err_msg=str(options))


def test_fit_takes_tuples_of_a_dict_and_nothing_else(kind, decoder, batch):
    losses = []
    for wrap in (lambda batch: batch, lambda batch: (batch,)):
        model = build_model(kind, decoder)
        model.compile(keras.optimizers.SGD(0.01))
        history = model.fit(as_dataset(batch, 2).map(wrap), epochs=2, verbose=0).history
        losses.append(history["loss"])
    assert losses[0][1] != losses[0][0]
    np.testing.assert_allclose(*losses, rtol=1e-6)
    before = values_of(model.weights)
    targets = as_dataset(batch, 1).map(lambda batch: (batch, batch["landmarks"]))
    weighted = as_dataset(batch, 1).map(lambda batch: (batch, None, batch["landmark_weights"]))
    for data in (targets, weighted, as_dataset(batch, 1).map(lambda batch: batch["image"])):
        for run in (model.fit, model.evaluate):
            with pytest.raises(ValueError, match="must yield dicts of images and labels"):
                run(data, verbose=0)
    assert_equal(before, values_of(model.weights))


def test_nothing_to_train_exception_raised(decoder):
    model = build_model("single", decoder)
    model.r_net.trainable = False
    model.compile("adam")
    with pytest.raises(ValueError, match="Nothing to train"):
        model.train_on_batch(build_batch("single", decoder))


@pytest.mark.parametrize("monitor", ["loss", "val_loss"])
def test_early_stopping_keeps_the_best_weights(kind, decoder, batch, monitor):
    model, one_epoch = (build_model(kind, decoder) for _ in range(2))
    for trained in (model, one_epoch):
        trained.compile(keras.optimizers.SGD(-0.1))  # The wrong way: every epoch is worse.
    stop = keras.callbacks.EarlyStopping(monitor, patience=1, restore_best_weights=True)
    data = as_dataset(batch, 1)
    validation = {"validation_data": data} if monitor == "val_loss" else {}
    history = model.fit(data, epochs=9, callbacks=[stop], verbose=0, **validation).history
    assert len(history[monitor]) == 2 and history[monitor][1] > history[monitor][0]
    one_epoch.fit(data, epochs=1, verbose=0)
    assert_equal(
        values_of(one_epoch.trainable_variables),
        values_of(model.trainable_variables),
        rtol=1e-5,
        atol=1e-7,
    )


def test_tensorboard_receives_all_terms(kind, decoder, batch, tmp_path):
    model = build_model(kind, decoder)
    model.compile("adam")
    board = keras.callbacks.TensorBoard(tmp_path, update_freq="epoch")
    data = as_dataset(batch, 1)
    model.fit(data, validation_data=data, callbacks=[board], verbose=0)
    for part in ("train", "validation"):
        (events,) = (tmp_path / part).glob("events*.v2")
        tags = {
            value.tag
            for event in tf.compat.v1.train.summary_iterator(str(events))
            for value in event.summary.value
        }
        assert {"epoch_loss", *(f"epoch_{name}" for name in WEIGHTS)} <= tags


def test_backup_and_restore_continues_an_interrupted_run(kind, decoder, batch, tmp_path):
    def train(callbacks):
        epochs = []
        model = build_model(kind, decoder)
        model.compile(FusedAdam(0.01))
        count = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: epochs.append(epoch))
        model.fit(
            as_dataset(batch, 2),
            epochs=3,
            callbacks=[*callbacks, count],
            verbose=0,
            shuffle=False,
        )
        return epochs, values_of(model.weights + model.optimizer.variables)

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    class Interrupt(keras.callbacks.Callback):
        """Ctrl-C within the last epoch, whose first step is lost."""

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, step, logs=None):
            if (self.epoch, step) == (2, 0):
                raise KeyboardInterrupt

    _, whole = train([])
    with pytest.raises(KeyboardInterrupt):
        train([backup(), Interrupt()])
    epochs, resumed = train([backup()])
    assert epochs == [2]
    assert_equal(whole, resumed, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("weights_only", [False, True])
def test_model_checkpoint_can_be_read_back(kind, decoder, batch, tmp_path, weights_only):
    path = tmp_path / ("best.weights.h5" if weights_only else "best.keras")
    model = build_model(kind, decoder)
    model.compile(FusedAdam(0.01))
    save = keras.callbacks.ModelCheckpoint(
        path, monitor="loss", save_best_only=True, save_weights_only=weights_only
    )
    model.fit(as_dataset(batch, 2), epochs=2, callbacks=[save], verbose=0)
    if weights_only:
        copy = build_model(kind, decoder)
        copy.load_weights(path)
    else:
        copy = keras.models.load_model(path)
        assert_equal(values_of(model.optimizer.variables), values_of(copy.optimizer.variables))
    assert_equal(values_of(model.weights), values_of(copy.weights))
    for name, values in model(batch).items():
        np.testing.assert_allclose(copy(batch)[name], values, rtol=1e-5)


def test_saved_weights_hold_neither_face_basis_nor_identity_network(kind, decoder, batch, tmp_path):
    model = build_model(kind, decoder, "identity_small", {"perceptual": 0.2})
    model.compile(keras.optimizers.SGD(0.01))
    model.train_on_batch(batch)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    sizes = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(
            lambda _, item: sizes.append(item.size) if isinstance(item, h5py.Dataset) else None
        )
    # Both networks, and of the optimizer the number of steps and the learning rate.
    assert sum(sizes) == model.count_params() + 2
    copy = keras.models.load_model(tmp_path / "model.keras")
    measured = [m.evaluate(as_dataset(batch, 1), verbose=0) for m in (model, copy)]
    np.testing.assert_allclose(*measured, rtol=1e-5)


def test_from_config_builds_the_same_model(kind, decoder, batch):
    arguments = {"train_r_net": True} if kind == "set" else {}
    model = build_model(kind, decoder, "identity_small", {"perceptual": 0.2}, **arguments)
    config = model.get_config()
    copy = type(model).from_config(config)
    assert copy.get_config() == config
    assert copy.identity_fingerprint == model.identity_fingerprint
    copy.set_weights(model.get_weights())
    for name, values in model(batch).items():
        np.testing.assert_allclose(copy(batch)[name], values, rtol=1e-5)
    assert len(copy.trainable_variables) == len(model.trainable_variables)


def test_default_loss_of_images_with_landmarks_is_the_papers(decoder):
    batch = build_batch("single", decoder)
    default = HybridModel(TinyRNet(decoder.layout.total), decoder)
    assert default.term_weights == {**hybrid.PAPER_LOSS_WEIGHTS, "five_point": 2e-3}
    prediction = {"coefficients": tf.zeros([NUM_SETS, decoder.layout.total])}
    terms = default.loss_terms(batch, **prediction)
    np.testing.assert_array_equal(terms.pop("five_point"), np.zeros(NUM_SETS))
    assert (terms["landmark"].numpy() > 0).all()
    papers = hybrid.total_loss(terms, hybrid.PAPER_LOSS_WEIGHTS)
    loss = total_loss_of(default, batch, prediction)
    np.testing.assert_allclose(loss, papers, rtol=1e-6)


def test_default_loss_of_images_without_landmarks_compares_five_points(decoder):
    """As `build_photo_dataset` gives them for photographs without a file of landmarks."""
    batch = build_batch("single", decoder)
    batch |= {
        "landmarks": tf.zeros_like(batch["landmarks"]),
        "landmark_weights": tf.zeros_like(batch["landmark_weights"]),
    }
    model = HybridModel(TinyRNet(decoder.layout.total), decoder)
    terms = model.loss_terms(batch, tf.zeros([NUM_SETS, decoder.layout.total]))
    np.testing.assert_array_equal(terms["landmark"], np.zeros(NUM_SETS))
    assert (terms["five_point"].numpy() > 0).all()


def test_defaults_are_documented_weights_and_the_shipped_identity_network(decoder):
    model = HybridModel(TinyRNet(decoder.layout.total), decoder)
    assert model.term_weights == hybrid.DEFAULT_LOSS_WEIGHTS
    assert model.get_config()["identity_network"] == "identity_small"
    assert model.identity_fingerprint is not None
