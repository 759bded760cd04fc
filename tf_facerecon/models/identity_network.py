"""Identity embeddings for the perceptual loss; Deng et al. 2019, Section 4.2.

Interface of all identity networks: callable on RGB images `[B, H, W, 3]` in [0, 1] of any
size, aligned as R-Net's; unit vectors `[B, D]` in float32; differentiable with respect to
the image. The cosine of two vectors is the similarity of two identities.

`IdentityNetwork` is small, trained by this project on procedural faces, and ships with the package.
`facenet.load_facenet` gives FaceNet, trained on photographs, from a file that is downloaded;
`arcface.load_arcface` and `mobilefacenet.load_mobilefacenet` give ArcFace and MobileFaceNet, from
files of yours. A network with the attribute
`takes_five_points` also takes `five_points` `[B, 5, 2]` of the faces, by which it aligns them.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.models import frozen_layers, presets
from tf_facerecon.models.arcface import is_arcface_file
from tf_facerecon.models.arcface import load_arcface as load_arcface
from tf_facerecon.models.backbones import residual_blocks, small
from tf_facerecon.models.facenet import load_deep3d_facenet
from tf_facerecon.models.facenet import load_facenet as load_facenet
from tf_facerecon.models.mobilefacenet import ORIGIN as MOBILEFACENET_ORIGIN
from tf_facerecon.models.mobilefacenet import load_mobilefacenet

ARCFACE = "arcface"
FACENET = "facenet"
MOBILEFACENET = "mobilefacenet"
DEEP3D_FACENET = "facenet_deep3d"
_EPSILON = 1e-12  # of squared length: finite gradient where an embedding vanishes


@keras.saving.register_keras_serializable(package="tf_facerecon")
class IdentityNetwork(frozen_layers.KeepsFrozenLayers):
    """Images `[B, H, W, 3]` in [0, 1] to unit vectors `[B, embedding_size]`, float32.

    Images are resized to `image_size` inside, without smoothing: halving a 224 x 224 crop then
    averages cells of 2 x 2 pixels exactly. Then comes the small R-Net's backbone, `trunk`, which
    may start with the weights of a trained one, and a linear map.

    Args:
        embedding_size: Length D of the vectors.
        image_size: Side of the image that the convolutions see, pixels; a multiple of 16.

    Raises:
        ValueError: If `image_size` is not a multiple of 16 or `embedding_size` not positive.
    """

    def __init__(self, embedding_size: int = 128, image_size: int = 112, **kwargs):
        super().__init__(**kwargs)
        if embedding_size < 1:
            raise ValueError(f"`embedding_size` must be at least 1. Received: {embedding_size}.")
        if image_size < 16 or image_size % 16:
            raise ValueError(f"`image_size` must be a multiple of 16. Received: {image_size}.")
        self.embedding_size = embedding_size
        self.image_size = image_size
        self.trunk = small.build_small_backbone(image_size, cell_size=1, dtype=self.dtype_policy)
        self.projection = keras.layers.Dense(
            embedding_size, use_bias=False, dtype=self.dtype_policy, name="projection"
        )
        # Without it all images start with nearly the same vector.
        self.centring = keras.layers.BatchNormalization(
            momentum=residual_blocks.MOMENTUM, dtype="float32", name="centring"
        )
        self.build((None, None, None, 3))

    @classmethod
    def from_preset(cls, name_or_path: str | os.PathLike = "identity_small") -> "IdentityNetwork":
        """Loads shipped weights by name, or a `.keras` file; see `presets.load_preset`.

        Raises:
            ValueError: If the preset is unknown or damaged, or is no identity network.
            FileNotFoundError: If the file is missing.
        """
        return presets.load_preset(cls, name_or_path)

    def build(self, input_shape):
        """Makes the linear map; the trunk brings its own weights."""
        self.projection.build(self.trunk.output["deep"].shape)
        self.centring.build((None, self.embedding_size))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Unit vectors `[B, D]` of `images` `[B, H, W, 3]` in [0, 1]."""
        vectors = self.vectors(images, training=training)
        squared = keras.ops.sum(vectors**2, axis=-1, keepdims=True)
        return vectors * keras.ops.rsqrt(squared + _EPSILON)

    def vectors(self, images, training: bool = False):
        """Vectors `[B, D]` before their length is made one, float32."""
        size = (self.image_size, self.image_size)
        if tuple(images.shape[1:3]) != size:
            images = keras.ops.image.resize(
                images, size, interpolation="bilinear", data_format="channels_last"
            )
        deep = self.trunk(images, training=training)["deep"]
        return self.centring(self.projection(deep), training=training)

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, input_shape):
        """`(B, D)`."""
        return (input_shape[0], self.embedding_size)

    def get_config(self):
        """All constructor arguments, and which layers are frozen."""
        return {
            **super().get_config(),
            "embedding_size": self.embedding_size,
            "image_size": self.image_size,
        }


def load_identity_network(name: str, weights: str | os.PathLike | None = None) -> Callable:
    """The frozen network of the perceptual term, images `[B, H, W, 3]` to unit vectors `[B, D]`.

    Args:
        name: "facenet"; "facenet_deep3d", fed as by microsoft/Deep3DFaceReconstruction; "arcface"
            or "mobilefacenet", which need `weights`; a preset ("identity_small") or `.keras` file
            of an `IdentityNetwork`; or a file of ArcFace's weights, or MobileFaceNet's `.tflite`.
        weights: File of its weights in place of the shipped or downloaded ones; for an
            `IdentityNetwork` also another preset.

    Raises:
        ValueError: If there is no network of that name, or a file is damaged.
        FileNotFoundError: If the weights are missing; the message says where to get them.
        ImportError: If FaceNet is wanted and keras-facenet is not installed, or ArcFace from a
            `.pth` file and PyTorch is not.
    """
    if name == ARCFACE:
        if weights is None:
            raise FileNotFoundError(
                "ArcFace needs its weights: insightface's backbone.pth (ms1mv3_arcface_r50_fp16), "
                "or the .keras file that it was converted to."
            )
        return load_arcface(weights)
    if name == MOBILEFACENET:
        if weights is None:
            raise FileNotFoundError(f"MobileFaceNet needs its weights. {MOBILEFACENET_ORIGIN}")
        return load_mobilefacenet(weights)
    if name == FACENET:
        return load_facenet(weights)
    if name == DEEP3D_FACENET:
        return load_deep3d_facenet(weights)
    if weights is None and os.fspath(name).endswith(".tflite"):
        return load_mobilefacenet(name)
    if weights is None and is_arcface_file(name):
        return load_arcface(name)
    return IdentityNetwork.from_preset(weights or name)
