import keras
import numpy as np
import pytest

from tests.layers.keras_layer_contract import run_layer_test
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.layers.perspective_projection import ClipSpaceProjection, PerspectiveProjection

CAMERA = cameras.PerspectiveCamera(focal=500.0, image_size=112)


@pytest.mark.parametrize(
    ("layer_class", "function", "channels"),
    [
        (PerspectiveProjection, cameras.project, 2),
        (ClipSpaceProjection, cameras.to_clip_space, 4),
    ],
)
class TestProjections:
    def test_layer_is_its_function(self, layer_class, function, channels, rng):
        points = rng.normal(size=(2, 5, 3)).astype(np.float32)
        np.testing.assert_array_equal(layer_class(CAMERA)(points), function(points, CAMERA))
        expected = function(points, cameras.PerspectiveCamera())
        np.testing.assert_array_equal(layer_class()(points), expected)

    def test_keras_layer_test(self, layer_class, function, channels):
        camera = {"focal": 500.0, "image_size": 112}
        run_layer_test(layer_class, {"camera": camera}, (2, 5, 3), (2, 5, channels))

    def test_symbolic_call_exception_raised(self, layer_class, function, channels):
        with pytest.raises(ValueError, match="`points` must have shape"):
            layer_class()(keras.Input((5, 2)))


def test_camera_out_of_range_exception_raised():
    with pytest.raises(ValueError, match="`focal` must be positive"):
        PerspectiveProjection({"focal": -1.0})
