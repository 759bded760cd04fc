"""Constraints on expressions: ranges, corrective modes bounded by another mode, and open gaps."""

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.morphable_models import facial_gaps
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.morphable_models.morphable_model import MorphableModel

_ALTERNATIONS = 4


def limit_expression(face_model: MorphableModel, expression: tf.Tensor) -> tf.Tensor:
    """Clips expression coefficients to the constraints of the face model.

    Args:
        face_model: Provides `expression_range` and `expression_requires`; a model without them has
            no constraints.
        expression: `[B, K_exp]`.

    Returns:
        `[B, K_exp]`: within the ranges, and no mode above the one that it requires.

    Raises:
        ValueError: If `expression` does not have the shape above.
    """
    expression = tf.convert_to_tensor(expression)
    checks.check_shape("expression", expression, (None, face_model.expression_basis.shape[-1]))
    if face_model.expression_range is not None:
        low, high = face_model.expression_range.T
        expression = tf.clip_by_value(expression, low, high)
    if face_model.expression_requires is None:
        return expression
    required = np.maximum(face_model.expression_requires, 0)
    limited = tf.minimum(expression, tf.gather(expression, required, axis=1))
    return tf.where(face_model.expression_requires >= 0, limited, expression)


def limit_coefficients(
    face_model: MorphableModel, layout: CoefficientLayout, coefficients: tf.Tensor
) -> tf.Tensor:
    """Projects the expression group of `coefficients` `[B, layout.total]` onto valid expressions.

    Network predictions are unconstrained; results that are rendered or exported should be valid
    expressions of the model (`limit_expression`) without crossed lids or lips
    (`facial_gaps.open_gaps`).
    """
    groups = layout.split(coefficients)
    expression = groups["expression"]
    bounded = face_model.expression_range is not None or face_model.expression_requires is not None
    # Alternating projections onto two convex sets converge to a point of both.
    for _ in range(_ALTERNATIONS if bounded else 1):
        expression = facial_gaps.open_gaps(
            face_model, groups["identity"], expression, groups["rotation"][:, 0]
        )
        expression = limit_expression(face_model, expression)
    return layout.merge({**groups, "expression": expression})
