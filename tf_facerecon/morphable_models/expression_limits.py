"""Constraints on expression coefficients: ranges, and corrective modes bounded by another mode."""

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.morphable_models.morphable_model import MorphableModel


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
    """Applies `limit_expression` to the expression group of `coefficients` `[B, layout.total]`.

    Network predictions are unconstrained; results that are rendered or exported should be valid
    expressions of the model.
    """
    if face_model.expression_range is None and face_model.expression_requires is None:
        return coefficients
    groups = layout.split(coefficients)
    return layout.merge(
        {**groups, "expression": limit_expression(face_model, groups["expression"])}
    )
