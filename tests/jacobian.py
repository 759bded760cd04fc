"""Compares automatic derivatives with central differences, in float64."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf


def assert_jacobian_correct(
    function: Callable[..., tf.Tensor], *inputs: np.ndarray, delta: float = 1e-5, rtol: float = 1e-6
) -> None:
    """Asserts that `function` differentiates correctly to each of `inputs`, and stays in float64.

    Choose inputs away from kinks: there, central differences see both sides.

    Args:
        function: Takes tensors, returns one tensor.
        inputs: Where to compare; converted to float64.
        delta: Step of the differences.
        rtol: Allowed difference, relative to the largest entry of each Jacobian.
    """
    points = [tf.constant(value, tf.float64) for value in inputs]
    output = function(*points)
    assert output.dtype == tf.float64, f"float64 in, {output.dtype.name} out"
    assert np.all(np.isfinite(output)), "the value itself is not finite"
    for position, (analytic, numeric) in enumerate(
        zip(*tf.test.compute_gradient(function, points, delta), strict=True)
    ):
        largest = np.abs(numeric).max()
        np.testing.assert_allclose(
            analytic, numeric, rtol=0, atol=rtol * max(largest, 1e-3), err_msg=f"input {position}"
        )
