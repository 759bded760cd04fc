"""The nine real spherical harmonics up to order 2, for Lambertian reflection.

Convention:
    Unit normals in world axes: x right, y up, z towards the camera. Bands are ordered and signed
    `1, -y, +z, -x, +xy, -yz, +(3z²-1), -xz, +(x²-y²)`. Each is the real harmonic times a factor per
    order, π, 2π/√3 and 2π/√8, as in the released code of Deng et al., whose coefficients assume it.
"""

import math

import tensorflow as tf

from tf_facerecon.core import checks

AMBIENT = 0.8
"""Added to band 0 of every colour before use: zero coefficients give a dimly lit face, not a black
one."""

# Per-order factor times the normalisation constant of the harmonic.
_ORDER_0 = math.pi / math.sqrt(4 * math.pi)
_ORDER_1 = (2 * math.pi / math.sqrt(3)) * math.sqrt(3 / (4 * math.pi))
_ORDER_2 = (2 * math.pi / math.sqrt(8)) * 3 * math.sqrt(5 / (12 * math.pi))


def basis(normals: tf.Tensor) -> tf.Tensor:
    """Values of the nine bands; Deng et al. 2019, illumination model (Φ_b).

    Args:
        normals: Unit normals `[..., 3]`, world axes. The unit length is not checked.

    Returns:
        Band values `[..., 9]`.

    Raises:
        ValueError: If the last axis of `normals` is not 3.
    """
    return tf.concat(band_values(normals), axis=-1)


def band_values(normals: tf.Tensor) -> list[tf.Tensor]:
    """The columns of `basis`, nine tensors `[..., 1]`.

    XLA fuses a weighted sum of these into one loop over the points, whereas a tensor of all bands
    would be written to memory and read again.

    Args:
        normals: Unit normals `[..., 3]`, world axes. The unit length is not checked.

    Raises:
        ValueError: If the last axis of `normals` is not 3.
    """
    normals = tf.convert_to_tensor(normals)
    checks.check_shape("normals", normals, (..., 3))
    x, y, z = tf.split(normals, 3, axis=-1)
    return [
        _ORDER_0 * tf.ones_like(x),
        -_ORDER_1 * y,
        _ORDER_1 * z,
        -_ORDER_1 * x,
        _ORDER_2 * x * y,
        -_ORDER_2 * y * z,
        _ORDER_2 / (2 * math.sqrt(3)) * (3 * z * z - 1),
        -_ORDER_2 * x * z,
        _ORDER_2 / 2 * (x * x - y * y),
    ]
