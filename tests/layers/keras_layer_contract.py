"""Keras' own test of a layer: configuration, symbolic call, output shapes, mixed precision."""

from keras.src import testing


class _LayerTest(testing.TestCase):
    def runTest(self):
        """Not a test of its own."""


def run_layer_test(layer_class, init_kwargs, input_shape, expected_output_shape, **kwargs):
    """`keras.src.testing.TestCase.run_layer_test`, of layers without weights and float32."""
    case = _LayerTest()
    case.setUp()
    case.run_layer_test(
        layer_class,
        init_kwargs,
        input_shape=input_shape,
        expected_output_shape=expected_output_shape,
        expected_num_trainable_weights=0,
        expected_num_non_trainable_weights=0,
        **kwargs,
    )
