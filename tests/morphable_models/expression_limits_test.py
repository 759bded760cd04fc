import dataclasses

import numpy as np
import pytest

from tests import toy_face
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.morphable_models.expression_limits import limit_coefficients, limit_expression

RANGE = np.array([[0, 1], [0, 1], [-1, 0.5], [0, 2]], np.float32)


def test_limit_expression_preset():
    model = dataclasses.replace(
        toy_face.build_toy_face_model(),
        expression_range=RANGE,
        expression_requires=np.array([-1, 0, -1, -1]),
    )
    given = np.array([[0.3, 0.7, -2.0, 1.5], [1.5, 0.7, 0.4, -1.0]], np.float32)
    expected = [[0.3, 0.3, -1.0, 1.5], [1.0, 0.7, 0.4, 0.0]]  # The second mode needs the first.
    np.testing.assert_allclose(limit_expression(model, given), expected)


def test_limit_expression_without_limits(rng):
    given = 9 * rng.standard_normal((3, 4)).astype(np.float32)
    np.testing.assert_array_equal(limit_expression(toy_face.build_toy_face_model(), given), given)


def test_limit_expression_exception_raised():
    with pytest.raises(ValueError, match="`expression` must have shape"):
        limit_expression(toy_face.build_toy_face_model(), np.zeros((2, 5), np.float32))


def test_limit_coefficients_changes_the_expression_alone(rng):
    layout = CoefficientLayout(identity=6, expression=4, texture=5)
    without_gaps = {"landmarks": np.zeros(68, np.int32), "expression_range": RANGE}
    model = dataclasses.replace(toy_face.build_toy_face_model(), **without_gaps)
    given = 9 * rng.standard_normal((3, layout.total)).astype(np.float32)
    groups, expected = (layout.split(v) for v in (limit_coefficients(model, layout, given), given))
    expected["expression"] = np.clip(expected["expression"], *RANGE.T)
    for name in expected:
        np.testing.assert_array_equal(groups[name], expected[name], err_msg=name)
