"""Gaps between the eyelids and between the inner lips, which no face has negative.

A linear face model can move an upper lid below the lower one. The gap of two opposed iBUG landmarks
is their distance along the face's vertical axis, lower from upper: positive when open, linear in
identity and expression coefficients. An expression with a smaller gap than allowed is projected
onto the nearest one that has it, in units of standard deviations.

Lids and lips differ in depth too, so that a nodding face shows a gap that is narrower by
`tan(pitch)` times this difference: the smallest gap allowed is one that stays open in the image.
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_facerecon.morphable_models.morphable_model import MorphableModel

# Upper and lower landmark: two pairs of each eye, three of the inner lips.
OPPOSED_LANDMARKS = ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65))
MIN_GAP = 0.004  # Decimetres; less if the mean face has less, as with touching lips.
MAX_PITCH = np.radians(35.0)  # Beyond it, the lids hide each other.
PERSPECTIVE = 0.07  # The camera, 10 dm away, sees lips half a decimetre below its axis from above.
_ROUNDS = 3  # The depth difference changes a little when a gap opens.
_MIN_MOTION = 1e-4  # Decimetres: gaps that no expression mode moves by more cannot be opened.
_MAX_CONDITION = 1e8
_TOLERANCE = 1e-6  # Decimetres.


class _Gaps(NamedTuple):
    """P gaps of a face model; float64 arrays.

    Attributes:
        mean: `[P, 2]` height and depth of the upper landmark over the lower one.
        identity: `[K_id, P, 2]`, their change per standard deviation.
        expression: `[K_exp, P, 2]`, the same.
        gram: `[P, P]`, products of the rows of `expression`'s heights.
        solutions: `[S, P, P]`, for every subset of gaps the inverse of its part of `gram`, 0 in the
            other rows and columns.
    """

    mean: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    gram: np.ndarray
    solutions: np.ndarray


def gaps(vertices: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Gaps `[..., 7]` of `OPPOSED_LANDMARKS` of faces without pose, in the vertices' unit.

    Args:
        vertices: `[..., V, 3]`, model frame (y up).
        landmarks: `[68]` vertex indices.
    """
    upper, lower = np.asarray(OPPOSED_LANDMARKS).T
    height = np.asarray(vertices)[..., 1]
    return height[..., landmarks[upper]] - height[..., landmarks[lower]]


def open_gaps(
    face_model: MorphableModel, identity: tf.Tensor, expression: tf.Tensor, pitch: tf.Tensor
) -> tf.Tensor:
    """The nearest expression without crossed lids or lips.

    Args:
        face_model: Provides landmarks and bases.
        identity: `[B, K_id]`.
        expression: `[B, K_exp]`.
        pitch: `[B]`, radians.

    Returns:
        `[B, K_exp]`, unchanged where no gap is too small.
    """
    model = _model_gaps(face_model)
    if model is None:
        return expression
    dtype = tf.convert_to_tensor(expression).dtype
    identity, values, pitch = (tf.cast(x, tf.float64) for x in (identity, expression, pitch))
    slope = tf.tan(tf.clip_by_value(pitch, -MAX_PITCH, MAX_PITCH))[:, tf.newaxis] + PERSPECTIVE
    # Whatever the mean face, seen from the front, has is allowed.
    mean_height, mean_depth = model.mean.T
    excess = np.maximum(PERSPECTIVE * mean_depth - mean_height, 0.0)
    neutral = model.mean + tf.einsum("bk,kpc->bpc", identity, model.identity)
    for _ in range(_ROUNDS):
        offset = neutral + tf.einsum("bk,kpc->bpc", values, model.expression)
        height, depth = offset[..., 0], offset[..., 1]
        smallest = tf.maximum(slope * depth - excess, np.minimum(mean_height, MIN_GAP))
        values += _smallest_change(model, smallest - height)
    return tf.cast(values, dtype)


def _smallest_change(model: _Gaps, missing):
    """Change of the expression `[B, K_exp]` that widens every gap by `missing` `[B, P]` or more.

    A quadratic program of few constraints: the solution meets a subset of them with equality, so
    the shortest of all subsets' solutions that meet the others too is the one.
    """
    multipliers = tf.einsum("spq,bq->bsp", model.solutions, missing)
    widened = tf.einsum("pq,bsq->bsp", model.gram, multipliers)
    short = tf.reduce_max(missing[:, tf.newaxis] - widened, axis=-1)
    length = tf.reduce_sum(widened * multipliers, axis=-1)
    cost = length + 1e9 * tf.nn.relu(short - _TOLERANCE)
    chosen = tf.gather(multipliers, tf.argmin(cost, axis=-1), batch_dims=1)
    return tf.einsum("bp,kp->bk", chosen, model.expression[..., 0])


@functools.lru_cache(maxsize=8)
def _model_gaps(face_model: MorphableModel) -> _Gaps | None:
    """The gaps that expression modes move; `None` if there are none."""
    upper, lower = (face_model.landmarks[side] for side in np.transpose(OPPOSED_LANDMARKS))
    mean, identity, expression = (
        np.moveaxis(np.asarray(array[upper] - array[lower], np.float64)[:, 1:], (0, 1), (-2, -1))
        for array in (face_model.mean_shape, face_model.identity_basis, face_model.expression_basis)
    )
    moved = np.linalg.norm(expression[..., 0], axis=0) > _MIN_MOTION
    if not moved.any():
        return None
    mean, identity, expression = mean[moved], identity[:, moved], expression[:, moved]
    gram = expression[..., 0].T @ expression[..., 0]
    return _Gaps(mean, identity, expression, gram, _subset_inverses(gram))


def _subset_inverses(gram: np.ndarray) -> np.ndarray:
    """See `_Gaps.solutions`; subsets of nearly dependent gaps are left out."""
    inverses = []
    for subset in itertools.product((False, True), repeat=len(gram)):
        chosen = np.flatnonzero(subset)
        part = gram[np.ix_(chosen, chosen)]
        if len(chosen) and np.linalg.cond(part) > _MAX_CONDITION:
            continue
        inverse = np.zeros_like(gram)
        inverse[np.ix_(chosen, chosen)] = np.linalg.inv(part)
        inverses.append(inverse)
    return np.stack(inverses)
