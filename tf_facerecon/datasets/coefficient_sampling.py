"""Random coefficients of faces, framed as face alignment frames photographs.

Convention:
    Everything is drawn from `tf.random.stateless_*`: the same seed gives the same faces.
"""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import smile_expressions
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import face_landmarks, rigid_transforms, rotations
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.lighting.spherical_harmonics import AMBIENT
from tf_facerecon.morphable_models import expression_limits
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.photos import face_alignment

# Steps of the fixed-point iteration that frames a posed face as the alignment would; the error
# falls about tenfold per step.
_ALIGNMENT_STEPS = 4
# Fraction of the bounded expression modes that are active in the most expressive faces: about six
# of ICT-FaceKit's 53, as in one posed expression; sixteen at once no longer look like a face.
_ACTIVE_MODES = 0.12
# The broadest smile and the widest mouth opening, in units of `smile_expressions`.
_BROADEST_SMILE, _WIDEST_OPENING = 2.0, 1.6


@dataclasses.dataclass(frozen=True)
class FaceDistribution:
    """Distribution of random face coefficients.

    Attributes:
        identity: Standard deviation of identity and texture coefficients.
        expression: Standard deviation of expression coefficients of the most expressive faces;
            each face scales it by its own uniform factor in [0, 1]. For modes with a range: the
            fraction of the range in use, and the factor determines how many modes are active.
        max_yaw: Largest yaw in degrees. It is uniform for half of the faces, and normal with a
            third of it as standard deviation for the others.
        pitch: Standard deviation in degrees.
        roll: Standard deviation in degrees.
        brightness: Standard deviation of the ambient band, relative to the neutral ambient light.
        directional: Mean strength of the directional light.
        tint: Standard deviation of the colour of the light.
        point_noise: Standard deviation in pixels of the five points from which a face is aligned.
        smiling: Fraction of faces to which a faint to broad smile is added.
    """

    identity: float = 1.0
    expression: float = 1.0
    max_yaw: float = 45.0
    pitch: float = 9.0
    roll: float = 9.0
    brightness: float = 0.18
    directional: float = 0.2
    tint: float = 0.04
    point_noise: float = 2.0
    smiling: float = 0.0

    def __post_init__(self):
        if not 0 <= self.smiling <= 1:
            raise ValueError(f"`smiling` must lie in [0, 1]. Received: {self.smiling}.")


def sample_coefficients(
    decoder: FaceDecoder, batch_size: int, seed: tf.Tensor, distribution: FaceDistribution
) -> tf.Tensor:
    """Draws `[batch_size, 257 | 239]` coefficients of aligned faces.

    The translation is the one at which the POS alignment by five (noisy) points is the identity, so
    that synthetic images are framed like aligned photographs.

    Args:
        decoder: Its layout, 3DMM and camera are used.
        batch_size: Number of faces.
        seed: Integer tensor `[2]`.
        distribution: Their distribution.
    """
    groups = sample_groups(decoder, batch_size, seed, distribution)
    noise = distribution.point_noise * _normal((batch_size, 5, 2), tf.random.fold_in(seed, 6))
    return aligned_coefficients(decoder, groups, noise)


def sample_groups(
    decoder: FaceDecoder, batch_size: int, seed: tf.Tensor, distribution: FaceDistribution
) -> dict[str, tf.Tensor]:
    """Draws named coefficients as `sample_coefficients`, but with zero translation (not aligned).

    Args:
        decoder: Its layout and 3DMM are used.
        batch_size: Number of faces.
        seed: Integer tensor `[2]`.
        distribution: Their distribution.
    """
    sizes = decoder.layout.sizes
    seeds = tf.unstack(tf.random.split(seed, 6))
    intensities = tf.random.stateless_uniform((batch_size, 1), seeds[0])
    expression = sample_expression(decoder.face_model, intensities, seeds[2], distribution)
    if distribution.smiling > 0:
        smiling = tf.random.fold_in(seed, 7)
        expression = add_smiles(decoder.face_model, expression, smiling, distribution)
    return {
        "identity": distribution.identity * _normal((batch_size, sizes["identity"]), seeds[1]),
        "expression": expression,
        "texture": distribution.identity * _normal((batch_size, sizes["texture"]), seeds[3]),
        "rotation": sample_rotation(batch_size, seeds[4], distribution),
        "lighting": sample_lighting(batch_size, sizes["lighting"], seeds[5], distribution),
        "translation": tf.zeros((batch_size, 3)),
    }


def sample_expression(
    face_model: MorphableModel,
    intensities: tf.Tensor,
    seed: tf.Tensor,
    distribution: FaceDistribution,
) -> tf.Tensor:
    """Expression coefficients `[B, K_exp]`.

    Normal; for a model with an `expression_range`, a few modes are active, each uniform in its
    range, because all at once would not look like a face. A mode never exceeds the mode that it
    requires.

    Args:
        face_model: Its expression modes and their ranges are used.
        intensities: `[B, 1]` in [0, 1], how expressive each face is.
        seed: Integer tensor `[2]`.
        distribution: Its `expression` is used.
    """
    shape = (intensities.shape[0], face_model.expression_basis.shape[-1])
    if face_model.expression_range is None:
        return distribution.expression * intensities * _normal(shape, seed)
    seeds = tf.unstack(tf.random.split(seed, 2))
    low, high = face_model.expression_range.T
    drawn = low + (high - low) * tf.random.stateless_uniform(shape, seeds[0])
    active = tf.random.stateless_uniform(shape, seeds[1]) < _ACTIVE_MODES * intensities
    return expression_limits.limit_expression(
        face_model, tf.where(active, distribution.expression * drawn, 0.0)
    )


def add_smiles(
    face_model: MorphableModel,
    expression: tf.Tensor,
    seed: tf.Tensor,
    distribution: FaceDistribution,
) -> tf.Tensor:
    """Adds a smile to the `expression` `[B, K_exp]` of some faces, within the limits of the model.

    Args:
        face_model: Its smile direction and expression limits are used.
        expression: Standard deviations, or the units of the model's expression range.
        seed: Integer tensor `[2]`.
        distribution: Its `smiling` is used; it must be positive.
    """
    drawn = tf.random.stateless_uniform((2, expression.shape[0], 1), seed)
    smile, parted = smile_expressions.smile_expressions(face_model)
    strength = tf.where(drawn[0] < distribution.smiling, drawn[0] / distribution.smiling, 0.0)
    opening = drawn[1] * tf.sqrt(strength)
    return expression_limits.limit_expression(
        face_model,
        expression + _BROADEST_SMILE * strength * smile + _WIDEST_OPENING * opening * parted,
    )


def sample_rotation(batch_size: int, seed: tf.Tensor, distribution: FaceDistribution) -> tf.Tensor:
    """Euler angles `[batch_size, 3]` in radians."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    wide = tf.random.stateless_uniform((batch_size,), seeds[0]) < 0.5
    uniform = tf.random.stateless_uniform((batch_size,), seeds[1], -1.0, 1.0)
    normal = tf.clip_by_value(_normal((batch_size,), seeds[2]) / 3, -1.0, 1.0)
    yaw = distribution.max_yaw * tf.where(wide, uniform, normal)
    spread = tf.clip_by_value(_normal((batch_size, 2), seeds[3]), -3.0, 3.0)
    pitch, roll = tf.unstack(spread * (distribution.pitch, distribution.roll), axis=-1)
    return tf.stack([pitch, yaw, roll], axis=-1) * (math.pi / 180)


def sample_lighting(
    batch_size: int, num_lighting: int, seed: tf.Tensor, distribution: FaceDistribution
) -> tf.Tensor:
    """Spherical-harmonics coefficients `[batch_size, 9 | 27]`: ambient, directional, tinted."""
    seeds = tf.unstack(tf.random.split(seed, 5))
    ambient = AMBIENT * distribution.brightness * _normal((batch_size, 1), seeds[0])
    strength = 2 * distribution.directional * tf.random.stateless_uniform((batch_size, 1), seeds[1])
    direction = tf.math.l2_normalize(_normal((batch_size, 3), seeds[2]), axis=-1)
    # Bands 1 to 3 are -y, +z, -x: light comes more often from above and from the camera.
    direction = tf.stack(
        [0.3 * direction[:, 0] - 0.4, tf.abs(direction[:, 1]), direction[:, 2]], axis=-1
    )
    quadratic = 0.15 * distribution.directional * _normal((batch_size, 5), seeds[3])
    white = tf.concat([ambient, strength * direction, quadratic], axis=-1)
    if num_lighting == white.shape[-1]:
        return white
    tint = distribution.tint * _normal((batch_size, 3, 1), seeds[4])
    full = tf.concat([ambient + AMBIENT, white[:, 1:]], axis=-1)[:, None, :] * (1 + tint)
    rgb = full - tf.one_hot(0, white.shape[-1]) * AMBIENT
    return tf.reshape(rgb, (batch_size, num_lighting))


def aligned_coefficients(
    decoder: FaceDecoder, groups: dict[str, tf.Tensor], point_noise: tf.Tensor
) -> tf.Tensor:
    """Coefficients `[B, 257]` of `groups`, with the translation of `aligned_translation`."""
    translation = aligned_translation(decoder, groups, point_noise)
    return decoder.layout.merge({**groups, "translation": translation})


def aligned_translation(
    decoder: FaceDecoder, groups: dict[str, tf.Tensor], point_noise: tf.Tensor
) -> tf.Tensor:
    """Translation `[B, 3]` (dm) that frames each face as POS alignment frames photographs.

    Args:
        decoder: Its 3DMM and camera are used.
        groups: Named coefficients; the iteration starts at `translation`.
        point_noise: `[B, 5, 2]` pixels added to the true five points before the fit, as a
            detector would.
    """
    camera = decoder.camera
    centre = camera.image_size / 2
    target_scale = face_alignment.TARGET_SCALE * camera.image_size / face_alignment.CROP_SIZE
    template = face_alignment.FIVE_POINT_TEMPLATE
    # POS fits x = X·r + t to both image axes; the least-squares solution is one fixed matrix.
    solve = np.linalg.pinv(np.concatenate([template, np.ones((5, 1))], axis=1)).astype(np.float32)
    shape, _ = decoder.morphable_face(groups["identity"], groups["expression"], groups["texture"])
    landmark_shape = tf.gather(shape, decoder.face_model.landmarks, axis=1)
    rotation = rotations.rotation_matrix_from_euler(groups["rotation"])
    translation = groups["translation"]
    for _ in range(_ALIGNMENT_STEPS):
        posed = rigid_transforms.rigid_transform(landmark_shape, rotation, translation)
        points = (
            face_landmarks.five_points_from_landmarks(cameras.project(posed, camera)) + point_noise
        )
        column, row = tf.unstack(points, axis=-1)
        fit = tf.stack([column, camera.image_size - 1 - row], axis=-1)
        fit = tf.einsum("kp,bpc->bkc", solve, fit)
        scale = tf.reduce_mean(tf.norm(fit[:, :3], axis=1), axis=-1)
        depth = camera.distance - translation[:, 2]
        shift = (centre - fit[:, 3]) * (depth / camera.focal)[:, None]
        new_depth = depth * scale / target_scale
        translation = tf.concat(
            [translation[:, :2] + shift, camera.distance - new_depth[:, None]], axis=-1
        )
    return translation


def _normal(shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_normal(shape, seed)
