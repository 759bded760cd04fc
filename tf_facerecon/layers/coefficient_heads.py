"""Seven linear heads: deep feature to coefficients, zero at the start of training.

Deng et al. 2019 regress identity, expression, texture, rotation, lighting, the in-plane and the
depth part of the translation by one linear map each. All start at zero, so that training starts
at the mean face, frontal, in ambient light, in the middle of the image.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.morphable_models.coefficients import CoefficientLayout

# Typical sizes of the coefficients of one face, in their own units (standard deviations, radians,
# lighting units, decimetres). A head's output is multiplied by its constant, so that one learning
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
    """Deep feature `[B, F]` to coefficients `[B, layout.total]`, always float32.

    Args:
        identity: Width of the identity head; its outputs are in standard deviations.
        expression: Width of the expression head; standard deviations.
        texture: Width of the texture head; standard deviations.
        rotation: Width of the rotation head, 3; Euler angles x, y, z, radians.
        lighting: Width of the lighting head; 27 (RGB) or 9 (white light).
        translation: Width of the translation, 3, decimetres; made by two heads (xy and z).
        scales: Constant factor of each head, by head name; heads not named keep 1 (the reference).

    Raises:
        ValueError: If `CoefficientLayout` refuses a width, or `scales` names no head.
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
        self.layout = CoefficientLayout(
            identity, expression, texture, rotation, lighting, translation
        )
        widths = {**self.sizes, "translation_xy": 2, "translation_z": 1}
        del widths["translation"]
        self.scales = dict(scales or {})
        unknown = sorted(self.scales.keys() - widths.keys())
        if unknown:
            raise ValueError(f"`scales` must name heads among {list(widths)}. Received: {unknown}.")
        self.heads = [
            keras.layers.Dense(
                width, kernel_initializer="zeros", dtype=self.dtype_policy, name=name
            )
            for name, width in widths.items()
        ]

    @property
    def sizes(self) -> dict[str, int]:
        """Width of every group of coefficients, in order."""
        return self.layout.sizes

    def build(self, input_shape):
        """Makes the kernels of all heads for features `[B, F]`."""
        for head in self.heads:
            head.build(input_shape)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Coefficients `[B, layout.total]` of deep `features` `[B, F]`."""
        groups = {h.name: self.scales.get(h.name, 1.0) * h(features) for h in self.heads}
        translation = [groups.pop("translation_xy"), groups.pop("translation_z")]
        groups["translation"] = keras.ops.concatenate(translation, axis=-1)
        return self.layout.merge(groups)

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, input_shape):
        """`(B, layout.total)`."""
        return (*input_shape[:-1], self.layout.total)

    def get_config(self):
        """All constructor arguments."""
        return {**super().get_config(), **self.sizes, "scales": dict(self.scales)}
