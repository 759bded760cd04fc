"""Seven linear heads: deep feature to coefficients, zero at the start of training.

Deng et al. 2019 regress identity, expression, texture, rotation, lighting, the in-plane and the
depth part of the translation by one linear map each. All start at zero, so that training starts
at the mean face, frontal, in ambient light, in the middle of the picture.
"""

from collections.abc import Mapping

import keras

# Typical sizes of the coefficients of one face, in their own units (standard deviations, radians,
# lighting units, decimetres). A head's answer is multiplied by its constant, so that one learning
# rate moves all groups at the same relative speed.
BALANCED_SCALES = {
    "identity": 1.0,
    "expression": 1.0,
    "texture": 1.0,
    "rotation": 0.3,
    "lighting": 0.3,
    "translation_xy": 0.1,
    "translation_z": 0.3,
}


@keras.saving.register_keras_serializable(package="tf_facerecon")
class CoefficientHeads(keras.layers.Layer):
    """Deep feature `[B, F]` to coefficients `[B, sum of sizes]`, always float32.

    Args:
        identity: Width of the identity head; its answers are in standard deviations.
        expression: Width of the expression head; standard deviations.
        texture: Width of the texture head; standard deviations.
        rotation: Width of the rotation head; Euler angles x, y, z, radians.
        lighting: Width of the lighting head; 27 (RGB) or 9 (white light).
        translation: Width of the translation, decimetres; 3, since it is made by two heads (xy, z).
        scales: Constant factor of each head, by head name; heads not named keep 1 (the reference).

    Raises:
        ValueError: If a width is not positive, `translation` is not 3, or `scales` names no head.
    """

    def __init__(
        self,
        identity: int = 80,
        expression: int = 64,
        texture: int = 80,
        rotation: int = 3,
        lighting: int = 27,
        translation: int = 3,
        scales: Mapping[str, float] | None = None,
        **kwargs,
    ):
        # Half precision cannot hold a landmark's position: the heads compute in float32.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.sizes = {
            "identity": identity,
            "expression": expression,
            "texture": texture,
            "rotation": rotation,
            "lighting": lighting,
            "translation": translation,
        }
        for name, size in self.sizes.items():
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"`{name}` must be a positive integer. Received: {size!r}.")
        if translation != 3:
            raise ValueError(f"`translation` must be 3 (x, y, z). Received: {translation}.")
        widths = {**self.sizes, "translation_xy": 2, "translation_z": 1}
        del widths["translation"]
        self.scales = dict(scales or {})
        unknown = self.scales.keys() - widths.keys()
        if unknown:
            raise ValueError(
                f"`scales` must name heads among {list(widths)}. Received: {sorted(unknown)}."
            )
        self.heads = [
            keras.layers.Dense(
                width, kernel_initializer="zeros", dtype=self.dtype_policy, name=name
            )
            for name, width in widths.items()
        ]

    def build(self, input_shape):
        """Makes the kernels of all heads for features `[B, F]`."""
        for head in self.heads:
            head.build(input_shape)
        self.built = True

    def call(self, features):
        """Coefficients `[B, total]` of deep `features` `[B, F]`."""
        answers = [head(features) * self.scales.get(head.name, 1.0) for head in self.heads]
        return keras.ops.concatenate(answers, axis=-1)

    def compute_output_shape(self, input_shape):
        """`(B, sum of sizes)`."""
        return (*input_shape[:-1], sum(self.sizes.values()))

    def get_config(self):
        """All constructor arguments."""
        return {**super().get_config(), **self.sizes, "scales": self.scales}
