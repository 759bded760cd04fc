import keras
import numpy as np
import pytest

from tests.layers.keras_layer_contract import run_layer_test
from tf_facerecon.geometry import rigid_transforms, rotations
from tf_facerecon.layers.pose_transform import PoseTransform


def test_points_are_rotated_and_translated_and_directions_only_rotated(rng):
    points, rotation, translation = (
        rng.normal(size=shape).astype(np.float32) for shape in ((2, 5, 3), (2, 3), (2, 3))
    )
    matrix = rotations.rotation_matrix_from_euler(rotation)
    layer = PoseTransform()
    expected = rigid_transforms.rigid_transform(points, matrix, translation)
    np.testing.assert_allclose(layer(points, rotation, translation), expected, atol=1e-6)
    expected = rigid_transforms.rotate(points, matrix)
    np.testing.assert_allclose(layer(points, rotation), expected, atol=1e-6)


@pytest.mark.parametrize("with_translation", [True, False])
def test_keras_layer_test(with_translation):
    shapes = {"points_shape": (2, 5, 3), "rotation_shape": (2, 3)}
    if with_translation:
        shapes["translation_shape"] = (2, 3)
    run_layer_test(PoseTransform, {}, shapes, (2, 5, 3), run_training_check=False)


def test_symbolic_call_exception_raised():
    with pytest.raises(ValueError, match="`rotation` must have shape"):
        PoseTransform()(keras.Input((5, 3)), keras.Input((4,)))
