"""Functions of one image, applied to batches of images."""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf


class StaticShapeFunction:
    """Like `tf.function`, with one trace for each combination of static shapes.

    A plain `tf.function` reuses a trace of unknown sizes, made for instance by a symbolic Keras
    call or an export, for every later call whose shapes it covers; these calls then lose their
    static batch size and what is specialized for it. Here each combination of static shapes, types
    and Python values has a `tf.function` of its own. That TensorFlow traces again for a new batch
    size is intended; its warning of frequent retracing would mislead, and does not appear.

    Args:
        function: A function of tensors, tuples of tensors, and hashable Python values.
        jit_compile: Compile with XLA.
    """

    def __init__(self, function: Callable, *, jit_compile: bool = False):
        self._function = function
        self._jit_compile = jit_compile
        self._traced = {}

    def __call__(self, *arguments):
        """What the function returns."""
        return self._traced_for(arguments)(*arguments)

    def output_signature(self, *arguments):
        """Structure of `tf.TensorSpec` of the results.

        Args:
            *arguments: As for a call, or `tf.TensorSpec` in place of tensors.
        """
        traced = self._traced_for(arguments).get_concrete_function(*arguments)
        return tf.nest.map_structure(tf.TensorSpec.from_tensor, traced.structured_outputs)

    def _traced_for(self, arguments):
        """The `tf.function` of the static shapes of `arguments`."""
        key = tuple(map(_static_key, tf.nest.flatten(arguments)))
        if key not in self._traced:
            # A new object each, since TensorFlow counts the traces of functions by their code.
            function = functools.partial(self._function)
            function.__name__ = getattr(self._function, "__name__", "function")  # For profilers.
            traced = tf.function(function, autograph=False, jit_compile=self._jit_compile)
            self._traced.setdefault(key, traced)
        return self._traced[key]


def _static_key(leaf):
    """Type and static shape of a tensor, `None` where a size is unknown; any other value itself."""
    if not hasattr(leaf, "shape"):
        return leaf
    shape = tf.TensorShape(leaf.shape)
    return tf.as_dtype(leaf.dtype), None if shape.rank is None else tuple(shape)


def map_images(function: StaticShapeFunction, batch: Sequence[tf.Tensor], shared: Sequence = ()):
    """Calls `function` for each image of a batch, side by side, and stacks the results.

    Images fill a processor's cache one by one, and one compilation of `function` serves all batch
    sizes. A batch of one is not copied, a batch of none may be compiled, too.

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
    if batch[0].shape[0] == 0:
        # XLA cannot compile the loop over no images.
        return tf.nest.map_structure(lambda spec: tf.zeros([0, *spec.shape], spec.dtype), signature)
    return tf.map_fn(
        lambda image: function(*image, *shared), tuple(batch), fn_output_signature=signature
    )


class PerImageFunction:
    """A differentiable function of one image, for batches, forward and backward compiled apart.

    The backward pass computes the forward one again, which is cheaper than storing its intermediate
    results: these would have to be passed between the compiled functions.

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
