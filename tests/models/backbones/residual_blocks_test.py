import keras
import numpy as np
import pytest

from tf_facerecon.models.backbones import residual_blocks


def answer_of(make, pictures):
    """What the layers that `make` puts on an input answer to `pictures`, and the model."""
    images = keras.Input(pictures.shape[1:])
    model = keras.Model(images, make(images))
    return model(pictures).numpy(), model


@pytest.mark.parametrize("activate", [True, False])
def test_convolve_halves_and_clips_only_if_wanted(rng, activate):
    pictures = rng.standard_normal((2, 8, 8, 3)).astype(np.float32)
    answer, model = answer_of(
        lambda x: residual_blocks.convolve(x, 5, 3, strides=2, activate=activate), pictures
    )
    assert answer.shape == (2, 4, 4, 5)
    assert (answer.min() >= 0) == activate
    # Kernel 3 x 3 x 3 x 5 without bias; scale, shift, running mean and variance of 5 channels.
    assert model.count_params() == 135 + 4 * 5


def test_residual_block_without_convolutions_is_its_shortcut(rng):
    """Zero kernels leave the ReLU of the shortcut: the map itself, or the mean of its cells."""
    pictures = rng.standard_normal((2, 8, 8, 4)).astype(np.float32)
    # Of a fresh network, batch normalisation answers 0 to 0.
    for strides, shortcut in (
        (1, pictures),
        (2, pictures.reshape(2, 4, 2, 4, 2, 4).mean(axis=(2, 4))),
    ):
        _, model = answer_of(lambda x, n=strides: residual_blocks.residual_block(x, 4, n), pictures)
        for layer in model.layers:
            if isinstance(layer, keras.layers.Conv2D):
                layer.kernel.assign(np.zeros(layer.kernel.shape))
        np.testing.assert_allclose(model(pictures), np.maximum(shortcut, 0), atol=1e-6)


def test_residual_block_widens_the_shortcut(rng):
    pictures = rng.standard_normal((1, 8, 8, 4)).astype(np.float32)
    answer, model = answer_of(lambda x: residual_blocks.residual_block(x, 6, 2), pictures)
    assert answer.shape == (1, 4, 4, 6) and answer.min() >= 0
    kernels = [
        tuple(layer.kernel.shape)
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    assert sorted(kernels) == [(1, 1, 4, 6), (3, 3, 4, 6), (3, 3, 6, 6)]


def test_residual_block_dtype_reaches_every_layer():
    images = keras.Input((8, 8, 4))
    model = keras.Model(images, residual_blocks.residual_block(images, 6, 2, "mixed_bfloat16"))
    for layer in model.layers[1:]:
        assert layer.compute_dtype == "bfloat16", layer.name
    assert {weight.dtype for weight in model.weights} == {"float32"}
