"""FaceNet (Inception-ResNet-v1) as an identity network, with weights from a checked file.

The network is keras-facenet's; its weights are not part of this package, and never become part of
a model saved by it. Their licence terms are those of the people who trained them on photographs
of faces: read them before use beyond research.
"""

import os
import pathlib
import socket
from collections.abc import Mapping

import keras
import numpy as np

from tf_facerecon.core import keras_settings
from tf_facerecon.io import atomic_files
from tf_facerecon.layers import fused_convolution
from tf_facerecon.models import presets
from tf_facerecon.photos import face_alignment

DEEP3D_VARIANT = "20170512-110547"
_TIMEOUT = 30.0  # seconds without a byte


class FaceNet:
    """RGB images `[B, H, W, 3]` in [0, 1] to unit vectors `[B, D]`; frozen.

    Not a Keras object on purpose: Keras cannot track it, so its weights are neither trained nor
    saved with a model that holds it. Its batch normalizations are folded into the convolutions
    before them: they are half of the operations that every training function would trace.

    Args:
        model: keras-facenet's network, RGB `[B, S, S, 3]` normalised to unit vectors `[B, D]`.
        image_size: Side S that images are resized to, pixels.
        fixed_standardization: Whether the network expects `(x - 127.5) / 127.5` of 0..255; else
            each image is standardized by its own mean and deviation.
    """

    trainable_variables = ()

    def __init__(self, model: keras.Model, image_size: int, fixed_standardization: bool):
        self._model = fold_normalization(model)
        self._model.trainable = False
        self._image_size = (image_size, image_size)
        self._fixed_standardization = fixed_standardization

    @property
    def embedding_size(self) -> int:
        """Length D of the vectors."""
        return self._model.output_shape[-1]

    def __call__(self, images, training: bool = False):
        """Unit vectors `[B, D]` of `images` `[B, H, W, 3]` in [0, 1]; `training` changes nothing.

        Raises:
            ValueError: If `training` is true; FaceNet is frozen.
        """
        if training:
            raise ValueError("FaceNet is frozen. Received: training=True.")
        images = keras.ops.convert_to_tensor(images, dtype="float32")
        return self._model(self._inputs(images), training=False)

    def _inputs(self, images):
        """Resizes images in [0, 1], and normalises them as keras-facenet does for this variant."""
        images = 255.0 * keras.ops.image.resize(
            images, self._image_size, interpolation="bilinear", data_format="channels_last"
        )
        if self._fixed_standardization:
            return (images - 127.5) / 127.5
        mean = keras.ops.mean(images, axis=(1, 2, 3), keepdims=True)
        deviation = keras.ops.std(images, axis=(1, 2, 3), keepdims=True)
        num_values = 3 * self._image_size[0] * self._image_size[1]
        return (images - mean) / keras.ops.maximum(deviation, num_values**-0.5)


class Deep3DFaceNet(FaceNet):
    """FaceNet as the perceptual loss of microsoft/Deep3DFaceReconstruction feeds it.

    RGB crops `[B, 224, 224, 3]`, not clamped, to unit vectors `[B, D]`: the whole crop is neither
    resized nor aligned anew, and turned to BGR, which the network was not trained on.
    """

    def _inputs(self, images):
        return (keras.ops.clip(255.0 * images[..., ::-1], 0.0, 255.0) - 127.5) / 128.0


def load_facenet(
    weights_path: str | os.PathLike | None = None,
    cache_dir: str | os.PathLike | None = None,
    variant: str = "20180402-114759",
    *,
    sha256: str | None = None,
    url: str | None = None,
) -> FaceNet:
    """Builds FaceNet from a given weights file, or from a downloaded one.

    Args:
        weights_path: keras-facenet's weights file. `None` takes
            `<cache_dir>/<variant>/<variant>-weights.h5`, which is downloaded once.
        cache_dir: Folder of downloaded files; keras-facenet's own (`~/.keras-facenet`) by default.
        variant: keras-facenet's name of the weights.
        sha256: Expected checksum, instead of the published one.
        url: Where to download from, instead of the published address.

    Raises:
        ImportError: If keras-facenet is not installed.
        ValueError: If `variant` is unknown, or the file is not the expected one.
        FileNotFoundError: If there is no file, and none could be downloaded; says where to get it
            and where to put it.
    """
    metadata = _metadata(variant)
    size = metadata["image_size"]
    model = _load_network(weights_path, cache_dir, metadata, size, sha256, url)
    return FaceNet(model, size, metadata["fixed_image_standardization"])


def load_deep3d_facenet(
    weights_path: str | os.PathLike | None = None,
    cache_dir: str | os.PathLike | None = None,
    *,
    sha256: str | None = None,
    url: str | None = None,
) -> Deep3DFaceNet:
    """FaceNet of microsoft/Deep3DFaceReconstruction, of the variant 20170512-110547.

    Args:
        weights_path: See `load_facenet`, as for the others.
        cache_dir: See `load_facenet`.
        sha256: See `load_facenet`.
        url: See `load_facenet`.

    Raises:
        ImportError: See `load_facenet`.
        ValueError: If the file is not the expected one.
        FileNotFoundError: See `load_facenet`.
    """
    metadata = _metadata(DEEP3D_VARIANT)
    size = face_alignment.CROP_SIZE
    model = _load_network(weights_path, cache_dir, metadata, size, sha256, url)
    return Deep3DFaceNet(model, size, fixed_standardization=True)


def _load_network(
    weights_path: str | os.PathLike | None,
    cache_dir: str | os.PathLike | None,
    metadata: Mapping,
    size: int,
    sha256: str | None,
    url: str | None,
) -> keras.Model:
    """keras-facenet's network of a variant for images of `size` pixels, with its weights."""
    sha256 = sha256 or metadata["keras_weights_sha256"]
    url = url or metadata["keras_weights_url"]
    if weights_path is None:
        name = metadata["dir_name"]
        folder = pathlib.Path(cache_dir or "~/.keras-facenet").expanduser() / name
        weights_path = folder / metadata["keras_weights_filename"]
        if not weights_path.is_file():
            _download(url, weights_path, sha256)
    weights_path = pathlib.Path(weights_path)
    if not weights_path.is_file():
        raise FileNotFoundError(
            f"There is no FaceNet weights file {weights_path}. Get it from {url}."
        )
    _check_sha256(weights_path, sha256)
    from keras_facenet import inception_resnet_v1

    with keras_settings.layer_defaults():
        model = inception_resnet_v1.InceptionResNetV1(
            (size, size, 3), classes=metadata["dimensions"]
        )
    _load_weights(model, weights_path)
    return model


def fold_normalization(model: keras.Model) -> keras.Model:
    """A functional `model` without the batch normalizations that directly follow convolutions.

    Outputs equal those of `model` in inference mode. Unchanged layers are shared. Normalization
    stays after layers that are used twice, are outputs of the model or more than a convolution.
    """
    norms = {}
    outputs = {tensor._keras_history.operation.name for tensor in model.outputs}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and len(layer._inbound_nodes) == 1:
            before = layer.input._keras_history.operation
            if (
                type(before) is keras.layers.Conv2D  # Subclasses may compute anything.
                and not before.use_bias
                and before.activation is keras.activations.linear
                and before.data_format == "channels_last"
                and layer.axis in (-1, 3)
                and len(before._inbound_nodes) == len(before._outbound_nodes) == 1
                and before.name not in outputs
            ):
                norms[before.name] = layer
    if not norms:
        return model
    folded_away = {norm.name for norm in norms.values()}

    def clone(layer):
        if layer.name not in norms:
            return layer
        return fused_convolution.Conv2D.from_config({**layer.get_config(), "use_bias": True})

    def call(layer, *inputs, **options):
        return inputs[0] if layer.name in folded_away else layer(*inputs, **options)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for name, norm in norms.items():
        mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
        scale = (norm.gamma.numpy() if norm.scale else 1.0) / np.sqrt(variance + norm.epsilon)
        offset = (norm.beta.numpy() if norm.center else 0.0) - mean * scale
        folded.get_layer(name).set_weights([model.get_layer(name).kernel.numpy() * scale, offset])
    return folded


def _metadata(variant: str) -> dict:
    """keras-facenet's description of a variant of its weights."""
    try:
        from keras_facenet.metadata import MODEL_METADATA as known
    except ImportError as error:
        raise ImportError(
            "FaceNet needs keras-facenet and its undeclared dependencies: "
            "`pip install keras-facenet opencv-python-headless scipy`."
        ) from error
    if variant not in known:
        raise ValueError(f"`variant` must be one of {sorted(known)}. Received: {variant!r}.")
    return known[variant]


def _download(url: str, path: pathlib.Path, sha256: str) -> None:
    """Fetches `url` to `path`, which appears only whole and of the right checksum.

    `keras.utils.get_file` keeps a file of another checksum and waits for ever for a silent server,
    hence the temporary name and the timeout.
    """
    timeout = socket.getdefaulttimeout()
    with atomic_files.atomic_path(path) as temporary:
        try:
            socket.setdefaulttimeout(_TIMEOUT)
            keras.utils.get_file(
                temporary.name,
                url,
                cache_dir=temporary.parent,
                cache_subdir="",
                file_hash=sha256,
                hash_algorithm="sha256",
            )
        except ValueError as error:
            raise ValueError(f"{url} is not the expected FaceNet weights file: {error}") from error
        except Exception as error:  # Of this class itself, when the server cannot be reached.
            raise FileNotFoundError(
                f"FaceNet's weights are not at {path}, and could not be downloaded ({error}). "
                f"Get {url} on a connected machine and put it there, or pass its path."
            ) from error
        finally:
            socket.setdefaulttimeout(timeout)


def _check_sha256(path: pathlib.Path, sha256: str) -> None:
    found = presets.file_sha256(path)
    if found != sha256:
        raise ValueError(
            f"{path} is not the expected FaceNet weights file: expected sha256 {sha256}, "
            f"found {found}."
        )


def _load_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Loads a weights file in the layout of Keras 2, which goes by the order of layers."""
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(
            f"{path} does not hold the weights of this FaceNet variant: {error}"
        ) from error
