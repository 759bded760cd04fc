"""`morphable_models.facial_gaps`: no crossed lids or lips, by the smallest change."""

import dataclasses

import numpy as np
import pytest

from tests import toy_face
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.morphable_models import expression_limits, facial_gaps


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder("procedural-4000")


def random_coefficients(decoder, rng, count=60):
    """Exaggerated expressions with lids and lips crossed, heads turned and tilted."""
    coefficients = rng.normal(size=(count, decoder.layout.total)).astype(np.float32)
    where = decoder.layout.slices
    coefficients[:, where["expression"]] *= 1.5
    coefficients[:, where["expression"].start + 6] += 3.0  # eye_close
    coefficients[:, where["rotation"]] = rng.uniform(-0.4, 0.4, (count, 3))
    coefficients[:, where["translation"]] = 0.0
    return coefficients


def gaps_in_image(decoder, coefficients):
    """Gaps along the face's vertical axis in the image, `[B, 7]`, crop pixels."""
    landmarks = decoder(coefficients, render=False)["landmarks"].numpy()
    upper, lower = np.asarray(facial_gaps.OPPOSED_LANDMARKS).T
    roll = coefficients[:, decoder.layout.slices["rotation"]][:, 2]
    down = np.stack([np.sin(roll), np.cos(roll)], axis=-1)
    return np.einsum("bpc,bc->bp", landmarks[:, lower] - landmarks[:, upper], down)


def test_limit_coefficients_leaves_no_crossed_lids_or_lips(decoder, rng):
    given = random_coefficients(decoder, rng)
    limited = expression_limits.limit_coefficients(decoder.face_model, decoder.layout, given)
    before, after = (gaps_in_image(decoder, c) for c in (given, limited.numpy()))
    assert np.mean(before[:, :4].min(axis=1) < -4.0) > 0.2  # The cause: this is what was possible.
    assert np.mean(before[:, 4:].min(axis=1) < -4.0) > 0.2
    assert after.min() > -0.05


def test_limit_coefficients_leaves_ranged_expressions_open_and_in_range(decoder, rng):
    count = decoder.layout.expression
    ranged = dataclasses.replace(
        decoder.face_model, expression_range=np.tile(np.float32([-2.0, 2.5]), (count, 1))
    )
    given = random_coefficients(decoder, rng)
    limited = expression_limits.limit_coefficients(ranged, decoder.layout, given).numpy()
    expression = limited[:, decoder.layout.slices["expression"]]
    assert expression.min() >= -2.0 and expression.max() <= 2.5
    shape = decoder(limited, render=False)["shape"].numpy()
    assert facial_gaps.gaps(shape, ranged.landmarks).min() > 0.0


def test_open_gaps_keeps_valid_expressions(decoder, rng):
    identity = np.zeros((20, decoder.layout.identity), np.float32)
    expression = 0.05 * rng.normal(size=(20, decoder.layout.expression)).astype(np.float32)
    model, level = decoder.face_model, np.zeros(20)
    np.testing.assert_array_equal(
        facial_gaps.open_gaps(model, identity, expression, level), expression
    )


def test_open_gaps_changes_as_little_as_possible(decoder):
    """Against the same quadratic program solved by SciPy."""
    import scipy.optimize

    model, count = decoder.face_model, decoder.layout.expression
    expression = np.zeros((1, count), np.float32)
    expression[0, 6], expression[0, 0] = 4.0, -1.5  # eye_close, jaw_open
    identity = np.zeros((1, decoder.layout.identity), np.float32)
    level = np.full(1, -np.arctan(facial_gaps.PERSPECTIVE))  # As seen by the camera.
    opened = facial_gaps.open_gaps(model, identity, expression, level).numpy()

    modes = np.moveaxis(model.expression_basis, -1, 0).astype(np.float64)
    basis = facial_gaps.gaps(modes, model.landmarks)
    mean = facial_gaps.gaps(model.mean_shape.astype(np.float64), model.landmarks)
    start = expression[0].astype(np.float64)
    best = scipy.optimize.minimize(
        lambda x: np.sum((x - start) ** 2),
        start,
        jac=lambda x: 2 * (x - start),
        constraints={
            "type": "ineq",
            "fun": lambda x: mean + x @ basis - facial_gaps.MIN_GAP,
            "jac": lambda x: basis.T,
        },
        method="SLSQP",
    )
    np.testing.assert_allclose(opened[0], best.x, atol=2e-3)


def test_open_gaps_of_a_model_whose_expressions_move_no_lids():
    model = toy_face.build_toy_face_model()
    still = dataclasses.replace(model, expression_basis=0 * model.expression_basis)
    given = np.full((1, 4), 5.0, np.float32)
    np.testing.assert_array_equal(
        facial_gaps.open_gaps(still, np.zeros((1, 6), np.float32), given, np.zeros(1)), given
    )
