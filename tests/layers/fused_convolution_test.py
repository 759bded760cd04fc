"""The layer is Keras' convolution: outputs, gradients, saved files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.layers.fused_convolution import Conv2D

KINDS = (Conv2D, keras.layers.Conv2D)


@pytest.mark.parametrize("use_bias", (False, True))
def test_fused_convolution_same_as_keras(rng, use_bias):
    images = tf.constant(rng.normal(size=(2, 5, 6, 3)), tf.float32)
    weights = [rng.normal(size=(3, 3, 3, 4)), rng.normal(size=4)][: 1 + use_bias]
    results = []
    for kind in KINDS:
        layer = kind(4, 3, strides=2, padding="same", activation="relu", use_bias=use_bias)
        layer.build(images.shape)
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = layer(images)
            loss = tf.reduce_sum(tf.square(output))
        sources = [images, *(weight.value for weight in layer.trainable_weights)]
        results.append([output, *tape.gradient(loss, sources)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_fused_convolution_half_precision(rng):
    layer = Conv2D(4, 3, dtype="mixed_bfloat16")
    assert layer(rng.random((1, 5, 5, 3), dtype=np.float32)).dtype == tf.bfloat16
    assert {weight.dtype for weight in layer.weights} == {"float32"}


def test_fused_convolution_saved_and_loaded(rng, tmp_path):
    model = keras.Sequential([keras.Input((5, 6, 3)), Conv2D(4, 3, bias_initializer="ones")])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    images = rng.random((2, 5, 6, 3), dtype=np.float32)
    assert isinstance(loaded.layers[-1], Conv2D)
    np.testing.assert_array_equal(loaded(images), model(images))


def test_weights_files_of_keras_layer_fit(tmp_path):
    mine, theirs = (
        keras.Sequential([keras.Input((5, 6, 3)), kind(4, 3), keras.layers.ReLU(), kind(2, 1)])
        for kind in KINDS
    )
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    mine.load_weights(tmp_path / "theirs.weights.h5")
    for mine_weight, theirs_weight in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine_weight, theirs_weight)


def test_fused_convolution_exception_raised():
    with pytest.raises(ValueError, match="fused_convolution.Conv2D.*channels_first"):
        Conv2D(4, 3, data_format="channels_first")
