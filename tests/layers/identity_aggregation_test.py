import hypothesis
import hypothesis.extra.numpy as hnp
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from tests.jacobian import assert_jacobian_correct
from tf_facerecon.layers.identity_aggregation import IdentityAggregation, pad_sets

aggregate = IdentityAggregation()


def truth(identity, confidence, mask):
    """The paper's formula, set by set and coefficient by coefficient, in float64 NumPy."""
    result = np.zeros((identity.shape[0], identity.shape[2]))
    for b, k in np.ndindex(*result.shape):
        images = np.flatnonzero(mask[b])
        weights = confidence[b, images, k]
        result[b, k] = (weights * identity[b, images, k]).sum() / weights.sum()
    return result


def test_identity_aggregation_preset():
    identity = tf.constant([[[1.0, 10.0], [3.0, 20.0], [8.0, -5.0]]])
    confidence = tf.constant([[[1.0, 0.0], [3.0, 2.0], [0.0, 2.0]]])
    np.testing.assert_allclose(aggregate(identity, confidence), [[2.5, 7.5]])
    np.testing.assert_allclose(
        aggregate(identity, confidence, np.array([[1, 1, 0]])), [[2.5, 20.0]]
    )
    np.testing.assert_allclose(
        aggregate(identity, mask=np.array([[True, False, True]])), [[4.5, 2.5]]
    )


@pytest.mark.parametrize("num_images", [1, 2, 5, 64])
def test_identity_aggregation_is_the_formula_in_float64(rng, num_images):
    identity = rng.normal(size=(3, num_images, 7))
    confidence = rng.gamma(0.3, size=identity.shape) + 1e-9
    mask = rng.random(identity.shape[:2]) < 0.7
    mask[:, rng.integers(num_images)] = True
    result = aggregate(identity, confidence, mask)
    assert result.dtype == tf.float64
    np.testing.assert_allclose(result, truth(identity, confidence, mask), rtol=1e-12, atol=1e-12)


def test_identity_aggregation_one_image_is_that_image(rng):
    identity = rng.normal(size=(2, 1, 80)).astype(np.float32)
    np.testing.assert_array_equal(aggregate(identity, np.full_like(identity, 0.37)), identity[:, 0])


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    identity=hnp.arrays(np.float32, (1, 6, 2), elements=strategies.floats(-9, 9, width=32)),
    exponents=hnp.arrays(np.float32, (1, 6, 2), elements=strategies.floats(-9, 9, width=32)),
    order=strategies.permutations(range(6)),
)
def test_identity_aggregation_forgets_order_and_scale(identity, exponents, order):
    confidence = np.exp(exponents)
    result = aggregate(identity, confidence)
    shuffled = aggregate(identity[:, order], confidence[:, order])
    np.testing.assert_allclose(result, shuffled, atol=1e-5)
    np.testing.assert_allclose(result, aggregate(identity, 1e30 * confidence), atol=1e-5)
    np.testing.assert_allclose(result, aggregate(identity, 1e-30 * confidence), atol=1e-5)
    assert np.all(result >= identity.min(axis=1) - 1e-5)
    assert np.all(result <= identity.max(axis=1) + 1e-5)


@pytest.mark.parametrize("num_images", [2, 64])
def test_identity_aggregation_order_within_1e6(rng, num_images):
    identity = rng.normal(size=(4, num_images, 80)).astype(np.float32)
    confidence = np.exp(rng.normal(size=identity.shape)).astype(np.float32)
    order = rng.permutation(num_images)
    np.testing.assert_allclose(
        aggregate(identity, confidence),
        aggregate(identity[:, order], confidence[:, order]),
        atol=1e-6,
    )


def test_identity_aggregation_without_any_confidence_is_the_mean(rng):
    identity = rng.normal(size=(1, 4, 3))
    confidence = np.zeros_like(identity)
    confidence[:, :, 1] = 2.0
    mask = np.array([[1, 1, 0, 1]])
    expected = identity[0, [0, 1, 3]].mean(axis=0, keepdims=True)
    np.testing.assert_allclose(aggregate(identity, confidence, mask), expected, rtol=1e-12)


def test_identity_aggregation_empty_set_is_the_mean_face():
    result = aggregate(np.ones((1, 3, 2), np.float32), None, np.zeros((1, 3)))
    np.testing.assert_array_equal(result, [[0, 0]])


def test_identity_aggregation_masked_values_may_be_anything(rng):
    identity = tf.constant([[[1.0, 2.0], [np.nan, np.inf]]])
    confidence = tf.Variable([[[0.5, 0.5], [np.nan, np.inf]]])
    with tf.GradientTape() as tape:
        result = aggregate(identity, confidence, tf.constant([[True, False]]))
    np.testing.assert_array_equal(result, [[1, 2]])
    assert np.isfinite(tape.gradient(result, confidence)).all()


def test_identity_aggregation_ignores_negative_confidences_that_are_masked():
    confidence = np.array([[[0.5, 0.5], [-1.0, -1.0]]])
    result = aggregate(np.array([[[1.0, 2.0], [3.0, 4.0]]]), confidence, np.array([[1, 0]]))
    np.testing.assert_array_equal(result, [[1, 2]])


def test_identity_aggregation_jacobian_random(rng):
    mask = np.array([[1, 1, 1, 0], [1, 0, 1, 1]])
    assert_jacobian_correct(
        lambda identity, confidence: aggregate(identity, confidence, mask),
        rng.normal(size=(2, 4, 3)),
        rng.uniform(0.2, 2.0, size=(2, 4, 3)),
    )


def test_identity_aggregation_takes_ragged_sets(rng):
    identity = [rng.normal(size=(n, 3)).astype(np.float32) for n in (2, 5, 1)]
    confidence = [rng.uniform(0.1, 2.0, size=a.shape).astype(np.float32) for a in identity]
    ragged = [
        tf.RaggedTensor.from_row_lengths(np.concatenate(sets), [2, 5, 1])
        for sets in (identity, confidence)
    ]
    (padded, mask), (padded_confidence, _) = pad_sets(identity), pad_sets(confidence)
    assert mask.sum(axis=1).tolist() == [2, 5, 1]
    expected = aggregate(padded, padded_confidence, mask)
    np.testing.assert_allclose(aggregate(*ragged), expected, atol=1e-6)
    np.testing.assert_allclose(tf.function(aggregate)(*ragged), expected, atol=1e-6)
    one_by_one = [aggregate(a[None], c[None])[0] for a, c in zip(identity, confidence, strict=True)]
    np.testing.assert_allclose(expected, one_by_one, atol=1e-6)


def test_identity_aggregation_in_a_functional_model(rng, tmp_path):
    inputs = [keras.Input((None, 4)), keras.Input((None, 4)), keras.Input((None,))]
    model = keras.Model(inputs, IdentityAggregation(name="set")(*inputs))
    model.save(tmp_path / "set.keras")
    revived = keras.models.load_model(tmp_path / "set.keras")
    assert revived.get_layer("set").get_config() == model.get_layer("set").get_config()
    values = [rng.random((2, 3, 4)), rng.random((2, 3, 4)), np.array([[1, 1, 0], [1, 1, 1.0]])]
    values = [value.astype(np.float32) for value in values]
    assert model.output.shape == (None, 4)
    np.testing.assert_allclose(revived(values), aggregate(*values), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 3)),), "`identity` must have shape"),
        ((np.zeros((2, 3, 4)), np.zeros((2, 3, 5))), "`confidence` must have shape"),
        ((np.zeros((2, 3, 4)), None, np.ones((2, 4))), "`mask` must have shape"),
        ((np.zeros((2, 3, 4), np.int32),), "`identity` must be a float tensor"),
        ((np.zeros((1, 1, 2)), np.array([[[1.0, -0.5]]])), "must not be negative. Received: -0.5"),
        (
            (tf.ragged.constant([[[1.0]]], ragged_rank=1), None, np.ones((1, 1))),
            "ragged `confidence` and no",
        ),
    ],
)
def test_identity_aggregation_exception_raised(arguments, message):
    with pytest.raises(ValueError, match=message):
        aggregate(*arguments)


@pytest.mark.parametrize("sets", [[], [np.zeros((2, 3)), np.zeros((2, 4))]])
def test_pad_sets_exception_raised(sets):
    with pytest.raises(ValueError, match="`sets` must be at least one array"):
        pad_sets(sets)
