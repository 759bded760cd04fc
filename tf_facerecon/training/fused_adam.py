"""Adam by TensorFlow's own kernel for it: one operation per variable."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_facerecon")
class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, the same arithmetic and variables, for dense gradients.

    Keras writes the update down as some forty operations per variable. With the 226 variables of
    ResNet-50 these are more than the network itself has, all to be traced and optimized before the
    first step; each step, they pass eight times over weights and moments, the kernel once.

    Raises:
        ValueError: If `amsgrad` is wanted, for which there is no such kernel.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise ValueError("`FusedAdam` knows no `amsgrad`. Received: amsgrad=True.")

    def build(self, variables):
        """Makes the moments of `variables`.

        Raises:
            ValueError: If one is of half precision, which `beta_2` and squares do not survive.
        """
        half = [v.path for v in variables if v.dtype not in ("float32", "float64")]
        if half:
            raise ValueError(
                "`FusedAdam` needs float32 or float64 variables (mixed precision keeps them). "
                f"Received half precision: {half[:3]}."
            )
        super().build(variables)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        # The kernel's own bias correction wants powers for every variable: made once instead, as
        # are all other numbers, five operations per variable less to trace.
        step = tf.cast(self.iterations + 1, tf.float64)
        correction = tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        numbers = {
            "lr": tf.cast(learning_rate, tf.float64) * correction,
            "beta1": tf.constant(self.beta_1, tf.float64),
            "beta2": tf.constant(self.beta_2, tf.float64),
            "epsilon": tf.constant(self.epsilon, tf.float64),
            "beta1_power": tf.constant(0.0, tf.float64),
            "beta2_power": tf.constant(0.0, tf.float64),
        }
        by_dtype = {
            dtype: {name: tf.cast(number, dtype) for name, number in numbers.items()}
            for dtype in sorted({_dtype(variable) for variable in trainable_variables})
        }
        super()._backend_update_step(grads, trainable_variables, by_dtype)

    def update_step(self, gradient, variable, learning_rate):
        """Updates one `variable`.

        Not to be called by itself: `learning_rate` holds all of the kernel's numbers, by dtype.
        """
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index].value, self._velocities[index].value
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=momentum.handle,
            v=velocity.handle,
            grad=tf.cast(gradient, variable.dtype),
            **learning_rate[_dtype(variable)],
        )


def _dtype(variable) -> str:
    """Name of the dtype of a variable of Keras or TensorFlow."""
    return tf.as_dtype(variable.dtype).name
