import keras
import numpy as np
import pytest

from tf_facerecon.models.backbones import residual_blocks


def output_of(make, images):
    """Output for `images` of the layers that `make` adds to an input, and the model."""
    inputs = keras.Input(images.shape[1:])
    model = keras.Model(inputs, make(inputs))
    return model(images).numpy(), model


@pytest.mark.parametrize("activate", [True, False])
def test_convolve_halves_and_clips_only_if_wanted(rng, activate):
    images = rng.standard_normal((2, 8, 8, 3)).astype(np.float32)
    output, model = output_of(
        lambda x: residual_blocks.convolve(x, 5, 3, strides=2, activate=activate), images
    )
    assert output.shape == (2, 4, 4, 5)
    assert (output.min() >= 0) == activate
    # Kernel 3 x 3 x 3 x 5 without bias; scale, shift, running mean and variance of 5 channels.
    assert model.count_params() == 135 + 4 * 5


def test_residual_block_without_convolutions_is_its_shortcut(rng):
    """Zero kernels leave the ReLU of the shortcut: the map itself, or the mean of its cells."""
    images = rng.standard_normal((2, 8, 8, 4)).astype(np.float32)
    # Of a fresh network, batch normalisation maps 0 to 0.
    for strides, shortcut in (
        (1, images),
        (2, images.reshape(2, 4, 2, 4, 2, 4).mean(axis=(2, 4))),
    ):
        _, model = output_of(lambda x, n=strides: residual_blocks.residual_block(x, 4, n), images)
        for layer in model.layers:
            if isinstance(layer, keras.layers.Conv2D):
                layer.kernel.assign(np.zeros(layer.kernel.shape))
        np.testing.assert_allclose(model(images), np.maximum(shortcut, 0), atol=1e-6)


def test_residual_block_widens_the_shortcut(rng):
    images = rng.standard_normal((1, 8, 8, 4)).astype(np.float32)
    output, model = output_of(lambda x: residual_blocks.residual_block(x, 6, 2), images)
    assert output.shape == (1, 4, 4, 6) and output.min() >= 0
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
