"""Functions of one image, applied to batches of images."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def map_images(function: Callable, batch: Sequence[tf.Tensor], shared: Sequence = ()):
    """Calls `function` for each image of a batch, side by side, and stacks the results.

    Images fill a processor's cache one by one, and one compilation of `function` serves all batch
    sizes. A batch of one is not copied.

    Args:
        function: A `tf.function`, of the tensors in `batch` without their first axis and of
            `shared`.
        batch: Tensors `[B, ...]`.
        shared: Further arguments, the same for all images.

    Returns:
        What `function` returns, each `[B, ...]`.
    """
    if batch[0].shape[0] == 1:
        results = function(*(tf.squeeze(tensor, axis=0) for tensor in batch), *shared)
        return tf.nest.map_structure(lambda result: result[tf.newaxis], results)
    image = [tf.TensorSpec(tensor.shape[1:], tensor.dtype) for tensor in batch]
    results = function.get_concrete_function(*image, *shared).structured_outputs
    signature = tf.nest.map_structure(
        lambda result: tf.TensorSpec(result.shape, result.dtype), results
    )
    return tf.map_fn(
        lambda image: function(*image, *shared), tuple(batch), fn_output_signature=signature
    )


class PerImageFunction:
    """A differentiable function of one image, for batches, forward and backward compiled apart.

    The backward pass computes the forward one again, which is cheaper than to keep what it would
    need: that would have to leave and to enter the compiled functions.

    Args:
        function: Of tensors of one image, the first `num_differentiable` of which are those to
            differentiate to, then of tensors that all images share. Returns a tuple of tensors.
        num_differentiable: See `function`.
        num_results: How many tensors `function` returns.
        gradient: The gradients by hand, a function of the gradients to the results, then of the
            same arguments; returns a tuple. Without, they are found automatically.
    """

    def __init__(
        self,
        function: Callable,
        num_differentiable: int,
        num_results: int,
        gradient: Callable | None = None,
    ):
        def automatic_gradient(*arguments):
            upstream, arguments = arguments[:num_results], arguments[num_results:]
            sources = arguments[:num_differentiable]
            with tf.GradientTape() as tape:
                tape.watch(sources)
                results = function(*arguments)
            gradients = tape.gradient(
                results,
                sources,
                output_gradients=upstream,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            return tuple(map(tf.convert_to_tensor, gradients))  # Some are sparse.

        self._forward, self._backward = (
            {jit: tf.function(part, autograph=False, jit_compile=jit) for jit in (False, True)}
            for part in (function, gradient or automatic_gradient)
        )
        self._map_forward = tf.function(
            lambda jit, *arguments: map_images(self._forward[jit], *arguments), autograph=False
        )
        self._map_backward = tf.function(
            lambda jit, *arguments: map_images(self._backward[jit], *arguments), autograph=False
        )

    def __call__(
        self,
        differentiable: Sequence[tf.Tensor],
        others: Sequence[tf.Tensor] = (),
        shared: Sequence[tf.Tensor] = (),
        *,
        jit_compile: bool = True,
    ) -> tuple[tf.Tensor, ...]:
        """Results `[B, ...]` for `differentiable` and `others` `[B, ...]`.

        Gradients flow to `differentiable` only, and are not differentiable themselves. With
        `jit_compile` XLA compiles both directions.
        """
        others, shared = tuple(others), tuple(shared)

        @tf.custom_gradient
        def apply(*differentiable):
            # An eager tape would else record the loops inside, which XLA cannot compile.
            differentiable = tuple(map(tf.stop_gradient, differentiable))

            def gradient(*upstream):
                batch = (*upstream, *differentiable, *others)
                return self._map_backward(jit_compile, batch, shared)

            return self._map_forward(jit_compile, (*differentiable, *others), shared), gradient

        return apply(*differentiable)
