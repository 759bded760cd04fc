"""Spherical-harmonics illumination as a Keras layer (Deng et al. 2019, illumination model)."""

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.layers import float32_layer
from tf_facerecon.lighting import lambertian_shading
from tf_facerecon.rendering import per_image


@keras.saving.register_keras_serializable(package="tf_facerecon")
class SphericalHarmonicsIllumination(float32_layer.Float32Layer):
    """Lights Lambertian points by nine spherical harmonics: c = t · Σ_b (γ_b + ambient_b) Φ_b(n).

    The ambient term is 0.8 in band 0 and no part of γ. See `lighting.lambertian_shading`.

    Call arguments:
        albedo: Float tensor `[B, V, 3]`, RGB in [0, 1].
        normals: Float tensor `[B, V, 3]`, unit normals, world frame.
        gamma: Float tensor `[B, 27]`: nine bands of red, of green, of blue; or `[B, 9]`: white
            light.

    Returns:
        Colours `[B, V, 3]`, RGB, not clamped to [0, 1].

    Raises:
        ValueError: If an argument has another shape or dtype.
    """

    def build(self, albedo_shape, normals_shape, gamma_shape):
        """Checks the shapes; there is nothing to make."""
        self._check_shapes(albedo_shape, normals_shape, gamma_shape)
        self.built = True

    def call(self, albedo: tf.Tensor, normals: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
        self._check_shapes(albedo.shape, normals.shape, gamma.shape)
        (colours,) = _shade_images((albedo, normals, gamma))
        return colours

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, albedo_shape, normals_shape, gamma_shape):
        """`[B, V, 3]`."""
        self._check_shapes(albedo_shape, normals_shape, gamma_shape)
        return albedo_shape

    def _check_shapes(self, albedo_shape, normals_shape, gamma_shape):
        float32_layer.check_static_shapes(
            albedo=(albedo_shape, ("B", "V", 3)),
            normals=(normals_shape, ("B", "V", 3)),
            gamma=(gamma_shape, ("B", None)),
        )
        if gamma_shape[-1] not in (None, 9, 27):
            raise ValueError(
                "The last axis of `gamma` must be 9 (white light) or 27 (RGB light). "
                f"Received: shape {tuple(gamma_shape)}."
            )


def _shade(albedo, normals, gamma):
    """Colours of one image, as the tuple that `PerImageFunction` expects."""
    return (lambertian_shading.shade(albedo, normals, gamma),)


_shade_images = per_image.PerImageFunction(_shade, num_differentiable=3, num_results=1)
