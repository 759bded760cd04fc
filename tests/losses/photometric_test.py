import numpy as np
import pytest
import tensorflow as tf

from tests import jacobian
from tf_facerecon.losses import photometric


@pytest.fixture
def image_batch(rng):
    attention = rng.uniform(0, 1, (2, 4, 5, 1))
    attention[attention < 0.3] = 0
    return rng.uniform(0, 1, (2, 4, 5, 3)), rng.uniform(0, 1, (2, 4, 5, 3)), attention


def reference_loss(image, rendered, attention):
    """The authors' form: both sums run over the whole batch."""
    distance = np.sqrt(1e-6 + np.sum((image - rendered) ** 2, axis=-1, keepdims=True))
    return np.sum(attention * distance) / max(attention.sum(), 1)


def test_photometric_loss_preset():
    image = np.zeros([1, 2, 2, 3])
    rendered = np.zeros([1, 2, 2, 3])
    rendered[0, 0, 0] = [0.3, 0.4, 0.0]  # Distance 0.5.
    rendered[0, 1, 1] = [9.0, 9.0, 9.0]  # Not attended to.
    attention = np.array([1.0, 1.0, 0.5, 0.0]).reshape(1, 2, 2, 1)
    loss = photometric.photometric_loss(image, rendered, attention, epsilon=0.0)
    np.testing.assert_allclose(loss, [0.5 / 2.5])


def test_photometric_loss_of_one_image_is_that_of_the_reference(image_batch):
    one = [values[:1] for values in image_batch]
    np.testing.assert_allclose(photometric.photometric_loss(*one), [reference_loss(*one)])


def test_photometric_loss_is_normalised_per_image(image_batch):
    losses = photometric.photometric_loss(*image_batch)
    alone = [reference_loss(*(values[i : i + 1] for values in image_batch)) for i in range(2)]
    np.testing.assert_allclose(losses, alone)


def test_photometric_loss_of_the_code_is_that_of_the_reference(image_batch):
    losses = photometric.photometric_loss(*image_batch, definition="deep3d")
    np.testing.assert_allclose(np.mean(losses), reference_loss(*image_batch))
    scarce = [image_batch[0], image_batch[1], image_batch[2] * 1e-3]
    losses = photometric.photometric_loss(*scarce, definition="deep3d")
    np.testing.assert_allclose(np.mean(losses), reference_loss(*scarce))


def test_skin_attention_of_the_code_is_the_probability():
    probability = np.array([0.2, 0.6, 0.9, 0.6], np.float32).reshape(1, 2, 2, 1)
    mask = np.array([1.0, 1.0, 1.0, 0.0], np.float32).reshape(1, 2, 2, 1)
    attention = photometric.skin_attention(mask, probability, "deep3d")
    np.testing.assert_array_equal(attention, mask * probability)


def test_unknown_definition_exception_raised(image_batch):
    with pytest.raises(ValueError, match=r"one of \('paper', 'deep3d'\). Received: 'code'"):
        photometric.photometric_loss(*image_batch, definition="code")
    with pytest.raises(ValueError, match="Received: 'code'"):
        photometric.skin_attention(image_batch[2], image_batch[2], "code")


def test_photometric_loss_of_equal_images_has_finite_gradient():
    image = tf.ones([1, 2, 2, 3])
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = photometric.photometric_loss(tf.ones([1, 2, 2, 3]), image, tf.ones([1, 2, 2, 1]))
    np.testing.assert_allclose(loss, [1e-3], rtol=1e-6)  # The root of epsilon.
    np.testing.assert_array_equal(tape.gradient(loss, image), np.zeros([1, 2, 2, 3]))


def test_photometric_loss_counts_less_than_one_pixel_of_attention_as_one():
    attention = np.full([1, 1, 1, 1], 0.25)
    loss = photometric.photometric_loss(
        np.zeros([1, 1, 1, 3]), np.full([1, 1, 1, 3], [0.3, 0.4, 0.0]), attention, epsilon=0.0
    )
    np.testing.assert_allclose(loss, [0.25 * 0.5])


def test_photometric_loss_without_attention_is_zero(image_batch):
    loss = photometric.photometric_loss(*image_batch[:2], np.zeros([2, 4, 5, 1]))
    np.testing.assert_array_equal(loss, [0, 0])


def test_skin_attention_preset():
    probability = np.array([0.0, 0.2, 0.5, 0.51, 1.0, 0.9]).reshape(1, 2, 3, 1)
    mask = np.array([1.0, 1, 1, 1, 1, 0]).reshape(1, 2, 3, 1)
    attention = photometric.skin_attention(mask, probability)
    np.testing.assert_array_equal(np.ravel(attention), [0.0, 0.2, 0.5, 1.0, 1.0, 0.0])


def test_photometric_exception_raised():
    image, attention = tf.zeros([2, 4, 4, 3]), tf.zeros([2, 4, 4, 1])
    with pytest.raises(ValueError, match="`image` must have shape"):
        photometric.photometric_loss(attention, image, attention)
    with pytest.raises(ValueError, match="`rendered` must have shape"):
        photometric.photometric_loss(image, image[:, :2], attention)
    with pytest.raises(ValueError, match="`attention` must have shape"):
        photometric.photometric_loss(image, image, attention[..., 0])
    with pytest.raises(ValueError, match="`skin_probability` must have shape"):
        photometric.skin_attention(attention, attention[:1])


def test_photometric_loss_jacobian(image_batch):
    small = [values[:, :2, :2] for values in image_batch]
    jacobian.assert_jacobian_correct(photometric.photometric_loss, *small)


def test_skin_attention_jacobian(rng):
    mask = rng.uniform(0, 1, (1, 2, 3, 1))
    probability = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 0.9]).reshape(1, 2, 3, 1)
    jacobian.assert_jacobian_correct(photometric.skin_attention, mask, probability)
