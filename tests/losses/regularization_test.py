import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.losses import regularization


def test_coefficient_loss_preset():
    identity = np.array([[1.0, 2.0], [0.0, 0.0]])
    expression = np.array([[3.0], [0.0]])
    texture = np.array([[10.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    loss = regularization.coefficient_loss(identity, expression, texture)
    np.testing.assert_allclose(loss, [5 + 0.8 * 9 + 0.017 * 100, 0.017])


def test_squared_norm_by_hand():
    norms = regularization.squared_norm(tf.constant([[3.0, -4.0], [0.0, 0.5]]))
    np.testing.assert_allclose(norms, [25.0, 0.25])
    with pytest.raises(ValueError, match="`texture`"):
        regularization.squared_norm(tf.zeros(3), "texture")


def test_coefficient_loss_takes_other_weights():
    ones = np.ones([1, 4])
    loss = regularization.coefficient_loss(
        ones, ones, ones, identity_weight=2.0, expression_weight=0.0, texture_weight=0.5
    )
    np.testing.assert_allclose(loss, [10.0])


def test_albedo_flatness_loss_preset():
    # Region: the first two vertices. Their red is 0 and 1 (mean 0.5), their blue 0.2 and 0.6.
    albedo = np.array([[[0.0, 0.3, 0.2], [1.0, 0.3, 0.6], [9.0, 9.0, 9.0]]])
    loss = regularization.albedo_flatness_loss(albedo, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(loss, [0.25 + 0.0 + 0.04])


def test_albedo_flatness_loss_is_the_variance_over_the_region(rng):
    albedo, region = rng.uniform(0, 1, (3, 20, 3)), rng.integers(0, 2, 20)
    expected = albedo[:, region == 1].var(axis=1).sum(axis=-1)
    np.testing.assert_allclose(regularization.albedo_flatness_loss(albedo, region), expected)


def test_albedo_flatness_loss_of_an_empty_region_is_zero():
    loss = regularization.albedo_flatness_loss(tf.ones([2, 4, 3]), np.zeros(4))
    np.testing.assert_array_equal(loss, [0, 0])


def test_white_light_loss_preset():
    lighting = np.zeros([1, 27])
    lighting[0, 4], lighting[0, 13], lighting[0, 22] = 3.0, 0.0, 0.0  # Band 4 of R, G and B.
    expected = ((3 - 1) ** 2 + 1 + 1) / 27
    np.testing.assert_allclose(regularization.white_light_loss(lighting), [expected])


def test_white_light_loss_of_grey_light_is_zero(rng):
    white = rng.normal(size=(2, 9))
    np.testing.assert_array_equal(regularization.white_light_loss(white), [0, 0])
    grey = regularization.white_light_loss(np.tile(white, 3))
    np.testing.assert_allclose(grey, [0, 0], atol=1e-30)


def test_white_light_loss_random(rng):
    lighting = rng.normal(size=(3, 27))
    expected = lighting.reshape(3, 3, 9).var(axis=1).mean(axis=-1)
    np.testing.assert_allclose(regularization.white_light_loss(lighting), expected)


def test_regularization_exception_raised():
    with pytest.raises(ValueError, match="`expression` must have shape"):
        regularization.coefficient_loss(tf.zeros([2, 4]), tf.zeros([4]), tf.zeros([2, 4]))
    with pytest.raises(ValueError, match="`skin_region` must have shape"):
        regularization.albedo_flatness_loss(tf.zeros([2, 5, 3]), np.zeros(4))
    with pytest.raises(ValueError, match="`albedo` must have shape"):
        regularization.albedo_flatness_loss(tf.zeros([5, 3]), np.zeros(5))
    with pytest.raises(ValueError, match="`lighting` must have shape"):
        regularization.white_light_loss(tf.zeros([2, 18]))


def test_coefficient_loss_jacobian(rng):
    groups = (rng.normal(size=(2, n)) for n in (3, 2, 4))
    jacobian.assert_jacobian_correct(regularization.coefficient_loss, *groups)


def test_albedo_flatness_loss_jacobian(rng):
    region = np.array([1, 0, 1, 1, 0])
    jacobian.assert_jacobian_correct(
        lambda albedo: regularization.albedo_flatness_loss(albedo, region),
        rng.uniform(0, 1, (2, 5, 3)),
    )


def test_white_light_loss_jacobian(rng):
    jacobian.assert_jacobian_correct(regularization.white_light_loss, rng.normal(size=(2, 27)))
