"""R-Net: one aligned photograph to 3DMM coefficients; Deng et al. 2019, Section 3."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.layers import coefficient_heads
from tf_facerecon.models import frozen_layers, presets
from tf_facerecon.models.backbones import resnet50, small
from tf_facerecon.morphable_models.morphable_model import DEFAULT, MorphableModel

IMAGE_SIZE = 224  # pixels, side of the aligned crop
BACKBONES = ("resnet50", "small")


@keras.saving.register_keras_serializable(package="tf_facerecon")
class RNet(frozen_layers.KeepsFrozenLayers):
    """Aligned RGB images `[B, 224, 224, 3]` in [0, 1] to coefficients `[B, 257]`, float32.

    The order of the coefficients is that of the arguments below; the paper's white light
    (`lighting=9`) gives 239. The network itself holds no geometry. It stores what its coefficients
    mean, so that a saved file is decoded as it was trained: the name and the fingerprint of the
    face model, and where landmarks lie.

    Args:
        backbone: "resnet50" (the paper's) or "small" (2.8 million weights, for CPUs).
        identity: Number of identity coefficients, standard deviations.
        expression: Number of expression coefficients, standard deviations.
        texture: Number of texture coefficients, standard deviations.
        rotation: Number of Euler angles x, y, z, radians.
        lighting: Number of harmonics of the light, 27 (RGB) or 9 (white).
        translation: Number of translation components, decimetres; always 3.
        head_scales: Constant factor of each head, see `coefficient_heads.CoefficientHeads`. `None`
            takes 1 for "resnet50" (the reference) and `BALANCED_SCALES` for "small".
        face_model: Name of the face model that the coefficients belong to; see `for_face_model`.
        face_model_fingerprint: Its fingerprint, "" while unknown.
        backbone_weights: Start of "resnet50": `None` (random), "imagenet" or a path, see
            `backbones.resnet50`. Not part of a saved model, which holds the weights themselves.
        backbone_variant: Variant of "resnet50", see `backbones.resnet50.VARIANTS`: "imagenet",
            "deep3d_tensorflow" or "deep3d_pytorch".
        backbone_epsilon: Epsilon of its batch normalisation; `None` takes that of the variant.
        half_pixel_offset: Whether it was trained with the landmarks of the code of Deng et al., as
            their published weights were; see `geometry.PerspectiveCamera`.

    Raises:
        ValueError: If `backbone` or `backbone_variant` is unknown, or if weights, variant or
            epsilon are given for "small".
        FileNotFoundError: If "imagenet" weights can be neither found nor downloaded.
    """

    def __init__(
        self,
        backbone: str = "resnet50",
        identity: int = 80,
        expression: int = 64,
        texture: int = 80,
        rotation: int = 3,
        lighting: int = 27,
        translation: int = 3,
        head_scales: Mapping[str, float] | None = None,
        face_model: str = "procedural",
        face_model_fingerprint: str = "",
        backbone_weights: str | None = None,
        backbone_variant: str = "imagenet",
        backbone_epsilon: float | None = None,
        half_pixel_offset: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if backbone not in BACKBONES:
            raise ValueError(f"`backbone` must be one of {BACKBONES}. Received: {backbone!r}.")
        if head_scales is None:
            head_scales = coefficient_heads.BALANCED_SCALES if backbone == "small" else {}
        self.backbone_name = backbone
        self.face_model = face_model
        self.face_model_fingerprint = face_model_fingerprint
        self.backbone_variant = backbone_variant
        self.backbone_epsilon = backbone_epsilon
        self.half_pixel_offset = half_pixel_offset
        self.backbone = _build_backbone(
            backbone, backbone_weights, self.dtype_policy, backbone_variant, backbone_epsilon
        )
        self.heads = coefficient_heads.CoefficientHeads(
            identity=identity,
            expression=expression,
            texture=texture,
            rotation=rotation,
            lighting=lighting,
            translation=translation,
            scales=head_scales,
            name="heads",
        )
        self.build((None, IMAGE_SIZE, IMAGE_SIZE, 3))

    @classmethod
    def for_face_model(
        cls,
        face_model: MorphableModel | str = DEFAULT,
        backbone: str = "resnet50",
        lighting: int = 27,
        **kwargs,
    ) -> "RNet":
        """An untrained R-Net that predicts all coefficients of a face model.

        Args:
            face_model: A `MorphableModel`, or its name for `MorphableModel.from_preset`.
            backbone: See `RNet`.
            lighting: See `RNet`.
            **kwargs: Further arguments of `RNet` and of Keras models.

        Raises:
            FileNotFoundError: If the face model is not there.
            ValueError: As for `RNet`.
        """
        if not isinstance(face_model, MorphableModel):
            face_model = MorphableModel.from_preset(face_model)
        return cls(
            backbone,
            identity=face_model.identity_basis.shape[-1],
            expression=face_model.expression_basis.shape[-1],
            texture=face_model.albedo_basis.shape[-1],
            lighting=lighting,
            face_model=face_model.name,
            face_model_fingerprint=face_model.fingerprint,
            **kwargs,
        )

    @classmethod
    def from_preset(cls, name_or_path: str | os.PathLike) -> "RNet":
        """Loads shipped weights by name, or a `.keras` file; see `presets.load_preset`.

        Raises:
            ValueError: If the preset is unknown or damaged, or is no R-Net.
            FileNotFoundError: If the file is missing.
        """
        return presets.load_preset(cls, name_or_path)

    def build(self, input_shape):
        """Creates the heads' kernels; the backbone is built already."""
        self.heads.build(self.backbone.output["deep"].shape)
        self.built = True

    def features(self, images, training: bool = False) -> dict:
        """Features of `images` `[B, 224, 224, 3]`, as C-Net takes them.

        Returns:
            Dict of `shallow` `[B, h, w, c]`, the map after the first residual stage, and `deep`
            `[B, F]`, the feature that the heads read; of the small backbone also `points`
            `[B, K, 2]`, predicted points of the face, see `small`.
        """
        return self.backbone(images, training=training)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Coefficients `[B, 257]` of `images` `[B, 224, 224, 3]` in [0, 1]."""
        return self.heads(self.features(images, training=training)["deep"])

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, input_shape):
        """`(B, number of coefficients)`."""
        return (input_shape[0], self.heads.layout.total)

    def get_config(self):
        """All constructor arguments but initial weights, and which layers are frozen."""
        return {
            **super().get_config(),
            "backbone": self.backbone_name,
            **self.heads.sizes,
            "head_scales": dict(self.heads.scales),
            "face_model": self.face_model,
            "face_model_fingerprint": self.face_model_fingerprint,
            "backbone_weights": None,
            "backbone_variant": self.backbone_variant,
            "backbone_epsilon": self.backbone_epsilon,
            "half_pixel_offset": self.half_pixel_offset,
        }


def _build_backbone(
    name: str,
    weights: str | None,
    dtype: keras.DTypePolicy,
    variant: str,
    epsilon: float | None,
) -> keras.Model:
    """The functional model from images to named features."""
    if name == "resnet50":
        return resnet50.build_resnet50_backbone(IMAGE_SIZE, weights, dtype, variant, epsilon)
    if variant != "imagenet" or epsilon is not None:
        raise ValueError(
            "`backbone_variant` and `backbone_epsilon` are options of the backbone 'resnet50'. "
            f"Received: {variant!r} and {epsilon!r} for {name!r}."
        )
    if weights is not None:
        raise ValueError(
            "`backbone_weights` starts the backbone 'resnet50' only. "
            f"Received: {weights!r} for {name!r}."
        )
    return small.build_small_backbone(IMAGE_SIZE, dtype=dtype)
