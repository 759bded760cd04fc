import numpy as np

from tf_facerecon.models.backbones import iresnet50


def test_iresnet50_size_and_shapes():
    network = iresnet50.build_iresnet50()
    # All of PyTorch's parameters; the weight of `features`, which is fixed there, included.
    trainable = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
    assert trainable == 43_590_848
    assert network.output_shape == (None, 512)
    assert network.get_layer("layer1_0_conv2").strides == (2, 2)
    assert network.get_layer("bn2").output.shape == (None, 7, 7, 512)
