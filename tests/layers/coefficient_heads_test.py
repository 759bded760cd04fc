import keras
import numpy as np

from tf_facerecon.layers import coefficient_heads

HEADS = ["identity", "expression", "texture", "rotation", "lighting"]
HEADS += ["translation_xy", "translation_z"]


def test_heads_order_preset():
    """Each head's bias is its own number: the order of the paper's heads appears."""
    layer = coefficient_heads.CoefficientHeads(scales={"rotation": 0.5})
    layer.build((None, 4))
    assert [head.name for head in layer.heads] == HEADS
    for number, head in enumerate(layer.heads, start=1):
        head.bias.assign(np.full(head.bias.shape, number))
    expected = np.repeat([1, 2, 3, 4 * 0.5, 5, 6, 7], [80, 64, 80, 3, 27, 2, 1])
    np.testing.assert_array_equal(layer(np.ones((1, 4), np.float32))[0], expected)


def test_heads_linear_random(rng):
    layer = coefficient_heads.CoefficientHeads(identity=2, expression=1, texture=1, lighting=9)
    features = rng.normal(size=(5, 3)).astype(np.float32)
    assert layer.compute_output_shape((5, 3)) == (5, 2 + 1 + 1 + 3 + 9 + 3)
    layer.build(features.shape)
    for head in layer.heads:
        head.kernel.assign(rng.normal(size=head.kernel.shape))
    kernel = np.concatenate([head.kernel.numpy() for head in layer.heads], axis=-1)
    np.testing.assert_allclose(layer(features), features @ kernel, atol=1e-5)


def test_heads_compute_in_float32_for_half_precision_features(rng):
    layer = coefficient_heads.CoefficientHeads(dtype="mixed_float16")
    output = layer(rng.normal(size=(2, 4)).astype(np.float16))
    assert keras.backend.standardize_dtype(output.dtype) == "float32"


def test_heads_config_round_trip():
    layer = coefficient_heads.CoefficientHeads(
        lighting=9, scales=coefficient_heads.BALANCED_SCALES, name="heads"
    )
    saved = keras.saving.serialize_keras_object(layer)
    assert keras.saving.deserialize_keras_object(saved).get_config() == layer.get_config()
