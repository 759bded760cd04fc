"""C-Net: the confidence in each photograph of a set, for each identity coefficient.

Deng et al. 2019, Section 5: the network takes features of R-Net, the map of its first residual
stage and its globally pooled deep feature, and predicts one positive confidence for each identity
coefficient. Confidences have no labels: they are learnt through the aggregated identity of a set
(`identity_aggregation`).

    shallow map -> strided 3x3 convolutions -> 7x7 -> dense \
                                                              dense -> 80 logits -> confidences
    deep feature ---------------------------------> dense /

There is no batch normalization: the confidence in a photograph must not depend on the others of its
batch, nor on the padding of sets.
"""

import dataclasses
import os
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.models import frozen_layers, presets

# A confidence lies between exp(-6) and exp(6): never 0, and ratios of 160,000 within a set.
LOGIT_LIMIT = 6.0


@dataclasses.dataclass(frozen=True)
class _Size:
    """Widths of a preset, and the features of the R-Net that it is made for."""

    channels: int
    num_convolutions: int
    hidden: int
    shallow_shape: tuple[int, int, int]
    deep_size: int


SIZES = {
    "paper": _Size(128, 3, 256, shallow_shape=(56, 56, 256), deep_size=2048),
    "small": _Size(24, 2, 64, shallow_shape=(28, 28, 64), deep_size=832),
}


@keras.saving.register_keras_serializable(package="tf_facerecon")
class CNet(frozen_layers.KeepsFrozenLayers):
    """Features of an R-Net to confidences `[B, identity]`, positive, float32.

    The preset "paper" goes with the ResNet-50 R-Net and has 2,872,528 weights, less than an eighth
    of its 24,114,305; "small" goes with the small R-Net and has 161,152. An untrained network
    predicts 1 for everything, which makes the aggregated identity the plain mean of a set.

    A C-Net works with the features of the R-Net that it was trained with and no other: it stores
    the fingerprints of that R-Net's weights and of the face model; `check_r_net` compares.

    Args:
        preset: "paper" or "small".
        identity: Number of identity coefficients.
        shallow_shape: `(h, w, c)` of the R-Net's first stage; `None` takes that of the preset.
        deep_size: Length of the R-Net's deep feature; `None` takes that of the preset.
        face_model: Name of the face model that the coefficients belong to.
        face_model_fingerprint: Its fingerprint, "" while unknown.
        r_net_fingerprint: `presets.weights_fingerprint` of the R-Net, "" while unknown.

    Call arguments:
        features: Dict with `shallow` `[B, h, w, c]` and `deep` `[B, F]`, as `RNet.features` gives;
            other entries are ignored.

    Raises:
        ValueError: If `preset` is unknown or `identity` not positive.
    """

    def __init__(
        self,
        preset: str = "small",
        identity: int = 80,
        shallow_shape: tuple[int, int, int] | None = None,
        deep_size: int | None = None,
        face_model: str = "procedural",
        face_model_fingerprint: str = "",
        r_net_fingerprint: str = "",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if preset not in SIZES:
            raise ValueError(f"`preset` must be one of {tuple(SIZES)}. Received: {preset!r}.")
        if identity < 1:
            raise ValueError(f"`identity` must be at least 1. Received: {identity}.")
        self.preset = preset
        self.identity = identity
        self.shallow_shape = tuple(shallow_shape or SIZES[preset].shallow_shape)
        self.deep_size = deep_size or SIZES[preset].deep_size
        self.face_model = face_model
        self.face_model_fingerprint = face_model_fingerprint
        self.r_net_fingerprint = r_net_fingerprint
        size = dataclasses.replace(
            SIZES[preset], shallow_shape=self.shallow_shape, deep_size=self.deep_size
        )
        self.trunk = _build_trunk(size, identity, self.dtype_policy)
        self.built = True

    @classmethod
    def for_r_net(cls, r_net: keras.Model, preset: str | None = None, **kwargs) -> "CNet":
        """An untrained C-Net for the features of `r_net`, an `RNet`, with its fingerprint.

        Args:
            r_net: Whose features it will read.
            preset: "paper" or "small"; by default that of the R-Net's backbone.
            **kwargs: Further arguments of Keras models.
        """
        features = r_net.backbone.output
        return cls(
            preset or ("paper" if r_net.backbone_name == "resnet50" else "small"),
            identity=r_net.heads.layout.identity,
            shallow_shape=tuple(features["shallow"].shape[1:]),
            deep_size=features["deep"].shape[-1],
            face_model=r_net.face_model,
            face_model_fingerprint=r_net.face_model_fingerprint,
            r_net_fingerprint=presets.weights_fingerprint(r_net),
            **kwargs,
        )

    @classmethod
    def from_preset(cls, name_or_path: str | os.PathLike = "c_net_small") -> "CNet":
        """Loads shipped weights by name, or a `.keras` file; see `presets.load_preset`.

        Raises:
            ValueError: If the preset is unknown or damaged, or is no C-Net.
            FileNotFoundError: If the file is missing.
        """
        return presets.load_preset(cls, name_or_path)

    def check_r_net(self, r_net: keras.Model) -> None:
        """Raises unless this network was trained with `r_net`, an `RNet`.

        Raises:
            ValueError: If the R-Net's weights, its face model or the shapes of its features differ
                from those stored in this C-Net; unknown fingerprints are not compared.
        """
        features = r_net.backbone.output
        pairs = {
            "map of the first stage": (self.shallow_shape, tuple(features["shallow"].shape[1:])),
            "length of the deep feature": (self.deep_size, features["deep"].shape[-1]),
            "number of identity coefficients": (self.identity, r_net.heads.layout.identity),
            "face model": (self.face_model_fingerprint, r_net.face_model_fingerprint),
        }
        if self.r_net_fingerprint:
            fingerprint = presets.weights_fingerprint(r_net)
            pairs["fingerprint of the weights"] = (self.r_net_fingerprint, fingerprint)
        for name, (expected, received) in pairs.items():
            if expected != received and expected != "" and received != "":
                raise ValueError(
                    f"This C-Net belongs to another R-Net: its {name} was {expected}, that of the "
                    f"R-Net here is {received}. Load the R-Net that it was trained with, or train "
                    "a C-Net for this one (tf-facerecon train-c-net)."
                )

    def call(self, features: dict[str, tf.Tensor]) -> tf.Tensor:
        """Confidences `[B, identity]` in the images that `features` come from."""
        return confidence_from_logits(
            self.trunk({"shallow": features["shallow"], "deep": features["deep"]})
        )

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, features_shape):
        """`(B, identity)`."""
        return (features_shape["deep"][0], self.identity)

    def get_config(self):
        """All constructor arguments, and which layers are frozen."""
        return {
            **super().get_config(),
            "preset": self.preset,
            "identity": self.identity,
            "shallow_shape": list(self.shallow_shape),
            "deep_size": self.deep_size,
            "face_model": self.face_model,
            "face_model_fingerprint": self.face_model_fingerprint,
            "r_net_fingerprint": self.r_net_fingerprint,
        }


def confidence_from_logits(logits):
    """`exp(L tanh(x / L))`: positive, 1 at 0, within `exp(-L)` and `exp(L)`, L = `LOGIT_LIMIT`.

    Only ratios of confidences matter; near 0 a difference of logits is the logarithm of one.
    """
    return keras.ops.exp(LOGIT_LIMIT * keras.ops.tanh(logits / LOGIT_LIMIT))


def _build_trunk(size: _Size, identity: int, dtype: keras.DTypePolicy) -> keras.Model:
    """The functional model from features to logits `[B, identity]`, float32, zero at start."""
    shallow = keras.Input(size.shallow_shape, dtype="float32", name="shallow")
    deep = keras.Input((size.deep_size,), dtype="float32", name="deep")
    x = shallow
    for _ in range(size.num_convolutions):
        x = keras.layers.Conv2D(
            size.channels,
            3,
            2,
            padding="same",
            data_format="channels_last",
            activation="relu",
            dtype=dtype,
        )(x)
    # Flattened, not averaged: whether the nose or the ear is hidden makes the difference.
    x = keras.layers.Flatten("channels_last", dtype=dtype)(x)
    x = keras.layers.Dense(size.hidden, activation="relu", dtype=dtype)(x)
    y = keras.layers.Dense(size.hidden, activation="relu", dtype=dtype)(deep)
    joined = keras.layers.Concatenate(dtype=dtype)([x, y])
    joined = keras.layers.Dense(size.hidden, activation="relu", dtype=dtype)(joined)
    logits = keras.layers.Dense(
        identity, kernel_initializer="zeros", dtype="float32", name="logits"
    )(joined)
    return keras.Model({"shallow": shallow, "deep": deep}, logits, name="c_net_trunk")
