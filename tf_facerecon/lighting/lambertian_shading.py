"""Lambertian shading: albedo times spherical-harmonic irradiance."""

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.lighting import spherical_harmonics

_NUM_BANDS = 9
_AMBIENT_BANDS = np.eye(1, _NUM_BANDS) * spherical_harmonics.AMBIENT


def shade(albedo: tf.Tensor, normals: tf.Tensor, lighting: tf.Tensor) -> tf.Tensor:
    """Shaded colours of points, not clamped; Deng et al. 2019, illumination model.

    `colour_c = albedo_c · sum_b basis_b(normal) · (lighting_cb + ambient_b)` with an ambient term
    of 0.8 in band 0. Meant to be compiled (`jit_compile=True`) to one loop over the points;
    uncompiled, it takes several passes.

    Args:
        albedo: Float tensor `[..., V, 3]`, RGB in [0, 1].
        normals: Unit normals `[..., V, 3]`, world frame (after the pose).
        lighting: Float tensor (gamma) `[..., 27]`: nine bands of red, of green, of blue; or
            `[..., 9]`: white light.

    Returns:
        Colours `[..., V, 3]`, RGB; they can exceed [0, 1].

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    albedo, lighting = tf.convert_to_tensor(albedo), tf.convert_to_tensor(lighting)
    checks.check_shape("albedo", albedo, (..., None, 3))
    checks.check_shape("normals", normals, (..., None, 3))
    checks.check_shape("lighting", lighting, (..., None))
    if lighting.shape[-1] not in (_NUM_BANDS, 3 * _NUM_BANDS):
        raise ValueError(
            "The last axis of `lighting` must be 9 (white light) or 27 (RGB light). "
            f"Received: shape {tuple(lighting.shape)}."
        )
    channels = lighting.shape[-1] // _NUM_BANDS
    shape = tf.concat([tf.shape(lighting)[:-1], [channels, _NUM_BANDS]], axis=0)
    bands = tf.reshape(lighting, shape) + tf.constant(_AMBIENT_BANDS, lighting.dtype)
    # Each `[..., 1, C]` and `[..., V, 1]`.
    strengths = tf.split(tf.linalg.matrix_transpose(bands), _NUM_BANDS, axis=-2)
    values = spherical_harmonics.band_values(normals)
    irradiance = tf.add_n(
        [value * strength for value, strength in zip(values, strengths, strict=True)]
    )
    return albedo * irradiance
