"""The fused layer is Keras' batch normalisation: outputs, averages, gradients, saved files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.layers.fused_normalization import BatchNormalization

KINDS = (BatchNormalization, keras.layers.BatchNormalization)


def layers(rng):
    """Ours and Keras' with the same weights."""
    pair = [kind(momentum=0.7, epsilon=0.01) for kind in KINDS]
    weights = [rng.uniform(0.5, 2.0, 5) for _ in range(4)]
    for layer in pair:
        layer.build((None, 3, 4, 5))
        layer.set_weights(weights)
    return pair


@pytest.mark.parametrize("training", (False, True))
def test_fused_normalization_same_as_keras(rng, training):
    images = tf.constant(rng.normal(3.0, 2.0, (2, 3, 4, 5)), tf.float32)
    upstream = tf.constant(rng.normal(size=(2, 3, 4, 5)), tf.float32)
    results = []
    for layer in layers(rng=np.random.default_rng(5)):
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = layer(images, training=training)
        sources = [images, layer.gamma.value, layer.beta.value]
        gradients = tape.gradient(output, sources, output_gradients=upstream)
        results.append([output, *gradients, *layer.get_weights()])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (None, None, None, 5)])
def test_fused_normalization_averages_of_static_and_dynamic_shapes(rng, shape):
    mine, theirs = layers(rng)
    images = rng.normal(3.0, 2.0, (2, 3, 4, 5)).astype(np.float32)
    train = tf.function(
        lambda images: mine(images, training=True), input_signature=[tf.TensorSpec(shape)]
    )
    for _ in range(3):
        train(images)
        theirs(images, training=True)
    for ours, expected in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_fused_normalization_of_no_image():
    layer = BatchNormalization()
    assert layer(np.zeros((0, 3, 4, 5), np.float32), training=True).shape == (0, 3, 4, 5)


@pytest.mark.parametrize("momentum", (0, 1))
def test_fused_normalization_ends_of_momentum(rng, momentum):
    mine, theirs = (kind(momentum=momentum) for kind in KINDS)
    images = rng.normal(3.0, 2.0, (2, 3, 4, 5)).astype(np.float32)
    np.testing.assert_allclose(
        mine(images, training=True), theirs(images, training=True), rtol=1e-4, atol=1e-5
    )
    for ours, expected in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_fused_normalization_of_a_single_value_per_channel():
    mine, theirs = (kind() for kind in KINDS)
    images = np.full((1, 1, 1, 2), 3.0, np.float32)
    np.testing.assert_allclose(mine(images, training=True), theirs(images, training=True))
    np.testing.assert_allclose(mine.moving_variance, theirs.moving_variance)


def test_fused_normalization_frozen_does_not_train(rng):
    layer, _ = layers(rng)
    layer.trainable = False
    before = layer.get_weights()
    images = rng.random((2, 3, 4, 5), dtype=np.float32)
    np.testing.assert_array_equal(layer(images, training=True), layer(images, training=False))
    np.testing.assert_array_equal(layer.get_weights(), before)


def test_fused_normalization_half_precision_keeps_its_averages(rng):
    layer = BatchNormalization(dtype="mixed_bfloat16")
    output = layer(rng.random((2, 8, 8, 4), dtype=np.float32), training=True)
    assert output.dtype == tf.bfloat16
    assert {weight.dtype for weight in layer.weights} == {"float32"}


def test_fused_normalization_saved_and_loaded(rng, tmp_path):
    layer, _ = layers(rng)
    model = keras.Sequential([keras.Input((3, 4, 5)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    images = rng.random((2, 3, 4, 5), dtype=np.float32)
    assert isinstance(loaded.layers[-1], BatchNormalization)
    np.testing.assert_array_equal(loaded(images), model(images))


@pytest.mark.parametrize(
    ("options", "shape"),
    [({}, (None, 5)), ({"axis": 1}, (None, 3, 4, 5)), ({"scale": False}, (None, 3, 4, 5))],
)
def test_fused_normalization_exception_raised(options, shape):
    with pytest.raises(ValueError, match="fused_normalization.BatchNormalization"):
        BatchNormalization(**options).build(shape)


def test_weights_files_of_keras_layer_fit(tmp_path):
    mine, theirs = (
        keras.Sequential([keras.Input((4, 4, 3)), kind(), keras.layers.Conv2D(2, 1), kind()])
        for kind in KINDS
    )
    theirs.set_weights([weight + 1.0 for weight in theirs.get_weights()])
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    mine.load_weights(tmp_path / "theirs.weights.h5")
    for mine_weight, theirs_weight in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine_weight, theirs_weight)


def normalizations(layer, training):
    """Kinds of the fused operations in the graph of a gradient to the image."""
    images = keras.Input((3, 4, 5))
    model = keras.Model(images, layer(images))

    @tf.function
    def slope(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = tf.reduce_sum(tf.square(model(images, training=training)))
        return tape.gradient(output, images)

    graph = slope.get_concrete_function(tf.TensorSpec((2, 3, 4, 5))).graph
    return {operation.type for operation in graph.get_operations() if "Fused" in operation.type}


def test_frozen_layers_gradient_needs_no_fused_kernel():
    """Of which GPUs have no deterministic one."""
    assert normalizations(BatchNormalization(), training=True) == {
        "FusedBatchNormV3",
        "FusedBatchNormGradV3",
    }
    assert normalizations(BatchNormalization(), training=False) == set()
    assert normalizations(BatchNormalization(trainable=False), training=True) == set()


@pytest.mark.parametrize("dtype", ("bfloat16", "float64"))
def test_pure_dtypes_go_the_way_of_keras(rng, dtype):
    images = rng.random((2, 3, 4, 5))
    mine, theirs = (kind(dtype=dtype) for kind in KINDS)
    np.testing.assert_array_equal(mine(images, training=True), theirs(images, training=True))


def test_mask_leaves_out_what_it_masks(rng):
    images, mask = rng.random((2, 3, 4, 5), dtype=np.float32), rng.random((2, 3, 4)) < 0.5
    mine, theirs = (kind() for kind in KINDS)
    np.testing.assert_array_equal(
        mine(images, training=True, mask=mask), theirs(images, training=True, mask=mask)
    )
