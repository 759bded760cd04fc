"""ArcFace as an identity network: face crops to 512 numbers, as in the PyTorch code of R-Net.

The weights are insightface's; they are not part of this package, and never become part of a model
saved by it. Read their licence terms before use beyond research.
"""

import json
import os
import pathlib
import zipfile

import keras

from tf_facerecon.models import aligned_identity_network
from tf_facerecon.models.converters import arcface_pytorch


class ArcFace(aligned_identity_network.AlignedIdentityNetwork):
    """ArcFace, vectors of 512 numbers, from `backbones.iresnet50`; frozen.

    The PyTorch code of Deng et al. passes the five points of the labels for photographs, and those
    of the prediction, without their gradient, for rendered faces.
    """


def load_arcface(weights_path: str | os.PathLike) -> ArcFace:
    """ArcFace from insightface's `backbone.pth`, or from the `.keras` file it was converted to.

    Args:
        weights_path: `.pth` (needs PyTorch), or `.keras` of `tf-facerecon convert-weights`.

    Raises:
        ImportError: If PyTorch is needed and not installed.
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, hostile (nothing in it is executed) or of another
            network.
    """
    path = pathlib.Path(weights_path)
    if path.suffix != ".keras":
        return ArcFace(arcface_pytorch.convert_arcface_weights(path)[0])
    if not path.is_file():
        raise FileNotFoundError(f"There is no ArcFace network {path}.")
    try:
        model = keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise ValueError(f"{path} is not a readable `.keras` file: {error}") from error
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if shapes != ((None, 112, 112, 3), (None, 512)):
        raise ValueError(
            f"{path} must be a network from [B, 112, 112, 3] to [B, 512]. Received: {shapes}."
        )
    return ArcFace(model)


def is_arcface_file(path: str | os.PathLike) -> bool:
    """Whether a file is one for `load_arcface`: a `.pth`, or a `.keras` of its plain network."""
    path = pathlib.Path(path)
    if path.suffix == ".pth":
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return False
    return isinstance(config, dict) and config.get("class_name") == "Functional"
