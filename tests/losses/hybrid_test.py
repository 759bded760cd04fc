import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.losses import hybrid


def test_paper_loss_weights_preset():
    assert hybrid.PAPER_LOSS_WEIGHTS == {
        "photometric": 1.92,
        "landmark": 1.6e-3,
        "perceptual": 0.2,
        "coefficient": 3e-4,
        "albedo_flatness": 5.0,
        "white_light": 10.0,
    }


def test_total_loss_preset():
    terms = {"landmark": tf.constant([2.0, 4.0]), "perceptual": tf.constant([0.5, 0.5])}
    total = hybrid.total_loss(terms, {"perceptual": 10.0, "landmark": 1.0})
    assert total.shape == ()
    assert float(total) == pytest.approx(8.0)


def test_total_loss_with_paper_loss_weights():
    terms = {name: tf.ones([2]) for name in hybrid.PAPER_LOSS_WEIGHTS}
    total = hybrid.total_loss(terms, hybrid.PAPER_LOSS_WEIGHTS)
    assert float(total) == pytest.approx(1.92 + 1.6e-3 + 0.2 + 3e-4 + 5 + 10)


@pytest.mark.parametrize(
    ("terms", "weights"),
    [
        ({"landmark": [1.0]}, {"landmarks": 1.0}),
        ({"landmark": [1.0]}, {"landmark": 1.0, "perceptual": 1.0}),
        ({"landmark": [1.0], "perceptual": [1.0]}, {"landmark": 1.0}),
        ({}, {}),
    ],
)
def test_total_loss_exception_raised(terms, weights):
    with pytest.raises(ValueError, match="`weights` must name exactly the loss terms"):
        hybrid.total_loss(terms, weights)


def test_total_loss_jacobian(rng):
    def total(first, second):
        return hybrid.total_loss({"a": first, "b": second}, {"a": 0.3, "b": 2.0})

    jacobian.assert_jacobian_correct(total, *np.abs(rng.normal(size=(2, 3))))
