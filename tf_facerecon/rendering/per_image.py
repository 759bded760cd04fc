"""Functions of one image, applied to batches of images."""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf


class StaticShapeFunction:
    """A `tf.function` whose traces serve exactly the static shapes for which they were made.

    A plain `tf.function` reuses a trace of unknown sizes, made for instance by a symbolic Keras
    call or an export, for every later call whose shapes it covers; these calls then lose their
    static batch size and what is specialized for it. Here the static shapes of the tensors are part
    of the key.

    Args:
        function: A function of tensors, tuples of tensors, and hashable Python values.
        jit_compile: Compile with XLA.
    """

    def __init__(self, function: Callable, *, jit_compile: bool = False):
        def trace(static_shapes, *arguments):
            del static_shapes  # Distinguishes traces.
            return function(*arguments)

        trace.__name__ = getattr(function, "__name__", "trace")  # Shown by profilers.
        self._traced = tf.function(trace, autograph=False, jit_compile=jit_compile)

    def __call__(self, *arguments):
        """What the function returns."""
        return self._traced(_static_shapes(arguments), *arguments)

    def output_signature(self, *arguments):
        """Structure of `tf.TensorSpec` of the results.

        Args:
            *arguments: As for a call, or `tf.TensorSpec` in place of tensors.
        """
        traced = self._traced.get_concrete_function(_static_shapes(arguments), *arguments)
        return tf.nest.map_structure(tf.TensorSpec.from_tensor, traced.structured_outputs)


def _static_shapes(arguments):
    """Static shapes of all tensors among the `arguments`, `None` where a size is unknown."""
    tensors = (leaf for leaf in tf.nest.flatten(arguments) if hasattr(leaf, "shape"))
    shapes = (tf.TensorShape(tensor.shape) for tensor in tensors)
    return tuple(None if shape.rank is None else tuple(shape) for shape in shapes)


def map_images(function: StaticShapeFunction, batch: Sequence[tf.Tensor], shared: Sequence = ()):
    """Calls `function` for each image of a batch, side by side, and stacks the results.

    Images fill a processor's cache one by one, and one compilation of `function` serves all batch
    sizes. A batch of one is not copied.

    Args:
        function: A `StaticShapeFunction` of the tensors in `batch` without their first axis and
            of `shared`.
        batch: Tensors `[B, ...]`.
        shared: Further arguments, the same for all images.

    Returns:
        What `function` returns, each `[B, ...]`.
    """
    if batch[0].shape[0] == 1:
        results = function(*(tf.squeeze(tensor, axis=0) for tensor in batch), *shared)
        return tf.nest.map_structure(lambda result: result[tf.newaxis], results)
    image = [tf.TensorSpec(tensor.shape[1:], tensor.dtype) for tensor in batch]
    signature = function.output_signature(*image, *shared)
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

        self._map_forward, self._map_backward = (
            {jit: _batched(part, jit) for jit in (False, True)}
            for part in (function, gradient or automatic_gradient)
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
                return self._map_backward[jit_compile](batch, shared)

            return self._map_forward[jit_compile]((*differentiable, *others), shared), gradient

        return apply(*differentiable)


def _batched(function, jit_compile):
    """A `StaticShapeFunction` of `(batch, shared)` that calls `function` for each image."""
    image_function = StaticShapeFunction(function, jit_compile=jit_compile)
    return StaticShapeFunction(functools.partial(map_images, image_function))
