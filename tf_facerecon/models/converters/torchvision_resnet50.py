"""ResNet-50 of torchvision: names of its weights, and its files of ImageNet weights.

The PyTorch implementation of Deng et al. has the same names, and starts from
`resnet50-0676ba61.pth` (IMAGENET1K_V1). The digits in the name of torchvision's files are the first
ones of their SHA-256.
"""

import os
import pathlib
import re
from collections.abc import Mapping

import numpy as np

from tf_facerecon.models import presets
from tf_facerecon.models.converters import pytorch_files, resnet50_layers
from tf_facerecon.models.converters.resnet50_layers import Convolution, NormalizedConvolution

IMAGENET = "imagenet"
IMAGENET_NAME = "resnet50-0676ba61.pth"
IMAGENET_URL = f"https://download.pytorch.org/models/{IMAGENET_NAME}"
IMAGENET_SHA256 = "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a"
_CLASSIFIER = "fc."  # Not part of R-Net.


def read_torchvision_weights(path: str | os.PathLike) -> dict[str, NormalizedConvolution]:
    """Reads the convolutions of a torchvision ResNet-50, without its classifier.

    Args:
        path: `.pth` file with torchvision's name, such as `resnet50-0676ba61.pth`; or "imagenet"
            for this very file, from PyTorch's cache, where it is downloaded to if it is missing.

    Returns:
        The convolutions by `Convolution.name`.

    Raises:
        ImportError: If PyTorch is not installed, or too old to read untrusted files.
        FileNotFoundError: If there is no such file, or it could not be downloaded.
        ValueError: If the checksum in its name is missing or not that of the file, or if it does
            not hold a ResNet-50 (nothing in it is executed); the message names what differs.
    """
    if os.fspath(path) == IMAGENET:
        path, sha256 = _cached_imagenet_file(), IMAGENET_SHA256
    else:
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no file of ResNet-50 weights {path}.")
        digits = re.fullmatch(r".*-([0-9a-f]{8,64})\.pth", path.name)
        if digits is None:
            raise ValueError(
                f"{path} must have torchvision's name, which ends in the first digits of the "
                f"file's SHA-256, such as {IMAGENET_NAME}."
            )
        sha256 = digits[1]
    found = presets.file_sha256(path)
    if not found.startswith(sha256):
        raise ValueError(
            f"{path} is damaged or another file: expected sha256 {sha256}, found {found}."
        )
    return convolutions_of(pytorch_files.read_state(path, expected_shapes(), skip=_CLASSIFIER))


def convolutions_of(
    arrays: Mapping[str, np.ndarray], prefix: str = ""
) -> dict[str, NormalizedConvolution]:
    """The convolutions of a state dict by `Convolution.name`.

    Args:
        arrays: The state dict.
        prefix: Text before torchvision's names.
    """
    convolutions = {}
    for convolution in resnet50_layers.resnet50_convolutions():
        kernel, norm = names_of(convolution)
        gamma, beta, mean, variance = (
            arrays[f"{prefix}{norm}.{k}"] for k in pytorch_files.NORMALIZATION
        )
        convolutions[convolution.name] = NormalizedConvolution(
            kernel=arrays[f"{prefix}{kernel}.weight"].transpose(2, 3, 1, 0),
            bias=np.zeros_like(beta),
            gamma=gamma,
            beta=beta,
            mean=mean,
            variance=variance,
        )
    return convolutions


def expected_shapes(prefix: str = "") -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of a state dict, from the image to the features."""
    shapes: dict[str, tuple[int, ...]] = {}
    for convolution in resnet50_layers.resnet50_convolutions():
        height, width, inputs, outputs = convolution.shape
        kernel, norm = names_of(convolution)
        shapes[f"{prefix}{kernel}.weight"] = (outputs, inputs, height, width)
        shapes.update(
            {f"{prefix}{norm}.{kind}": (outputs,) for kind in pytorch_files.NORMALIZATION}
        )
        shapes[f"{prefix}{norm}.{pytorch_files.COUNTER}"] = ()
    return shapes


def names_of(convolution: Convolution) -> tuple[str, str]:
    """Torchvision's names of a convolution and of its normalisation."""
    if convolution.stage == 0:
        return "conv1", "bn1"
    block = f"layer{convolution.stage}.{convolution.block}"
    if convolution.index == 0:
        return f"{block}.downsample.0", f"{block}.downsample.1"
    return f"{block}.conv{convolution.index}", f"{block}.bn{convolution.index}"


def _cached_imagenet_file() -> pathlib.Path:
    """The file in PyTorch's cache, downloaded by PyTorch if it is not there."""
    torch = pytorch_files.import_torch()
    path = pathlib.Path(torch.hub.get_dir()) / "checkpoints" / IMAGENET_NAME
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Writes to a temporary file, which takes this name if its checksum is right.
        torch.hub.download_url_to_file(IMAGENET_URL, str(path), hash_prefix=IMAGENET_SHA256)
    except RuntimeError as error:
        raise ValueError(f"{IMAGENET_URL} is not the expected file: {error}") from error
    except OSError as error:  # `URLError` is one.
        raise FileNotFoundError(
            f"ResNet-50's ImageNet weights are not at {path}, and could not be downloaded "
            f"({error}). Get {IMAGENET_URL} on a connected machine and give its path: "
            "`network.backbone_weights=PATH`, or `weights` here."
        ) from error
    return path
