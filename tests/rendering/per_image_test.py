import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager.polymorphic_function import polymorphic_function

from tf_facerecon.rendering import per_image


@pytest.mark.parametrize("batch_size", [0, 1, 3])
def test_map_images_preset(batch_size):
    images = np.arange(6.0 * batch_size).reshape(batch_size, 2, 3)
    double = per_image.StaticShapeFunction(
        lambda image, factor: (factor * image, tf.reduce_sum(image))
    )
    doubled, sums = per_image.map_images(double, (tf.constant(images),), (2.0,))
    np.testing.assert_array_equal(doubled, 2 * images)
    np.testing.assert_array_equal(sums, images.sum((1, 2)))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_image_function_differentiates_to_the_named_ones_only(rng, jit_compile):
    function = per_image.PerImageFunction(
        lambda x, y, factor: (factor * x * y,), num_differentiable=1, num_results=1
    )
    x, y = (tf.constant(rng.normal(size=(3, 4))) for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch((x, y))
        (product,) = function((x,), (y,), (tf.constant(2.0, tf.float64),), jit_compile=jit_compile)
    to_x, to_y = tape.gradient(product, (x, y))
    np.testing.assert_allclose(product, 2 * x * y)
    np.testing.assert_allclose(to_x, 2 * y)
    assert to_y is None


def test_trace_of_unknown_batch_size_is_not_reused_for_a_known_one():
    """`tf.function` alone would: the results of the second call would have no static batch size."""
    function = per_image.PerImageFunction(
        lambda image: (2 * image,), num_differentiable=1, num_results=1
    )
    shapes = []

    def double(images):
        (doubled,) = function((images,), jit_compile=False)
        shapes.append(doubled.shape.as_list())
        return doubled

    for batch_size in (None, 2, 1, None):
        spec = tf.TensorSpec((batch_size, 3), tf.float32)
        tf.function(double, input_signature=[spec]).get_concrete_function()
    assert shapes == [[None, 3], [2, 3], [1, 3], [None, 3]]


def test_static_shape_function_traces_once_per_shape():
    traced = []

    def double(images, factor):
        traced.append(images.shape)
        return factor * images

    function = per_image.StaticShapeFunction(double)
    for rows in (2, 2, 3, 2):
        np.testing.assert_array_equal(function(tf.ones([rows]), 2.0), np.full(rows, 2.0))
    assert len(traced) == 2
    signature = function.output_signature(tf.TensorSpec([None], tf.float32), 2.0)
    assert signature.shape.as_list() == [None]


@pytest.mark.parametrize("batch_sizes", [range(2, 16), [None, *range(2, 16)]], ids=str)
def test_many_batch_sizes_give_no_warning_of_retracing(batch_sizes, monkeypatch):
    """Each has its own trace on purpose; TensorFlow warns when one function is traced often."""
    warnings = []
    # Otherwise it warns only twice per process of the same code.
    monkeypatch.setattr(
        polymorphic_function, "FREQUENT_TRACING_WARNING_MAX_WARNING_PER_DETECTOR", 10**6
    )
    monkeypatch.setattr(
        tf.get_logger(), "warning", lambda message, *_: warnings.append(str(message))
    )
    functions = [
        per_image.PerImageFunction(lambda image: (2 * image,), num_differentiable=1, num_results=1)
        for _ in range(2)
    ]
    for batch_size in batch_sizes:
        for function in functions:
            spec = tf.TensorSpec((batch_size, 3), tf.float32)
            if batch_size is None:
                call = lambda images, f=function: f((images,), jit_compile=False)  # noqa: E731
                tf.function(call, input_signature=[spec]).get_concrete_function()
            else:
                function((tf.ones(spec.shape),), jit_compile=False)
    assert not [warning for warning in warnings if "retracing" in warning]


def test_types_and_python_values_have_traces_of_their_own():
    function = per_image.StaticShapeFunction(lambda values, double: values * (2 if double else 1))
    for dtype in (tf.float32, tf.float64):
        for double in (True, False):
            result = function(tf.ones([2], dtype), double)
            assert result.dtype == dtype
            np.testing.assert_array_equal(result, [1 + double] * 2)


@pytest.mark.parametrize("batch_size", [0, 1, 3])
def test_batches_of_every_size_compile_in_a_users_function(batch_size):
    """XLA compiles the caller's function as a whole; the batch of a last shard may be empty."""
    function = per_image.PerImageFunction(
        lambda image: (2 * image,), num_differentiable=1, num_results=1
    )

    @tf.function(jit_compile=True)
    def double(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            (doubled,) = function((images,))
        return doubled, tape.gradient(doubled, images)

    doubled, gradient = double(tf.ones([batch_size, 3]))
    np.testing.assert_array_equal(doubled, np.full([batch_size, 3], 2.0))
    np.testing.assert_array_equal(gradient, np.full([batch_size, 3], 2.0))
