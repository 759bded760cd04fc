import keras

from tf_facerecon.models.backbones import mobilefacenet


def test_mobilefacenet_size_and_shapes():
    network = mobilefacenet.build_mobilefacenet()
    assert network.output_shape == (None, 192)
    shortcuts = [layer for layer in network.layers if isinstance(layer, keras.layers.Add)]
    assert [layer.output.shape[1] for layer in shortcuts] == [28] * 4 + [14] * 6 + [7] * 2
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == 35 and network.count_params() == 1292992
