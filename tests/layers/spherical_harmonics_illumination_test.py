import keras
import numpy as np
import pytest

from tests.layers.keras_layer_contract import run_layer_test
from tf_facerecon.layers.spherical_harmonics_illumination import SphericalHarmonicsIllumination
from tf_facerecon.lighting import lambertian_shading


@pytest.mark.parametrize("num_lighting", [9, 27])
class TestSphericalHarmonicsIllumination:
    def test_layer_is_its_function(self, num_lighting, rng):
        albedo, normals = rng.normal(size=(2, 2, 5, 3)).astype(np.float32)
        gamma = rng.normal(size=(2, num_lighting)).astype(np.float32)
        expected = lambertian_shading.shade(albedo, normals, gamma)
        colours = SphericalHarmonicsIllumination()(albedo, normals, gamma)
        np.testing.assert_allclose(colours, expected, atol=1e-5)

    def test_keras_layer_test(self, num_lighting):
        shapes = {
            "albedo_shape": (2, 5, 3),
            "normals_shape": (2, 5, 3),
            "gamma_shape": (2, num_lighting),
        }
        run_layer_test(
            SphericalHarmonicsIllumination, {}, shapes, (2, 5, 3), run_training_check=False
        )


def test_symbolic_call_exception_raised():
    with pytest.raises(ValueError, match="`normals` must have shape"):
        SphericalHarmonicsIllumination()(
            keras.Input((5, 3)), keras.Input((5, 4)), keras.Input((27,))
        )
