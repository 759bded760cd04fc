"""R-Net of sicxu/Deep3DFaceRecon_pytorch: its `.pth` file, read by PyTorch without code in it.

The checkpoint is a dict whose entry `net_recon` holds the network: `backbone.*` (torchvision's
ResNet-50, kernels `[output, input, height, width]`) and `final_layers.0` to `.6` (1 x 1
convolutions), 332 entries. Optimizer and scheduler states are not read.
"""

import os
from collections.abc import Callable, Mapping

import numpy as np

from tf_facerecon.models.backbones import resnet50
from tf_facerecon.models.converters import (
    pytorch_files,
    r_net_weights,
    resnet50_layers,
    torchvision_resnet50,
)
from tf_facerecon.models.converters.r_net_weights import RNetWeights

_VARIANT = "deep3d_pytorch"
_BACKBONE = "backbone."


def read_pytorch_checkpoint(path: str | os.PathLike) -> tuple[RNetWeights, Callable]:
    """Reads a `.pth` file of the PyTorch implementation.

    Args:
        path: `epoch_20.pth` or another checkpoint, or a file of the entry `net_recon` alone.

    Returns:
        The weights, and the source network for comparison: a function from RGB images
        `[B, 224, 224, 3]` in [0, 1] to features `[B, 2048]` and coefficients `[B, 257]`, computed
        by PyTorch.

    Raises:
        ImportError: If PyTorch is not installed, or too old to read untrusted files.
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no PyTorch checkpoint, holds anything but tensors and plain
            values (which is not executed), or if a weight is missing, unknown or of another shape.
    """
    arrays = pytorch_files.read_state(path, expected_shapes(), entry="net_recon")
    heads = [f"final_layers.{index}" for index in range(len(r_net_weights.HEADS))]
    weights = RNetWeights(
        variant=_VARIANT,
        epsilon=resnet50.VARIANTS[_VARIANT].epsilon,
        convolutions=torchvision_resnet50.convolutions_of(arrays, _BACKBONE),
        head_kernel=np.concatenate([arrays[f"{h}.weight"][:, :, 0, 0] for h in heads]).T,
        head_bias=np.concatenate([arrays[f"{head}.bias"] for head in heads]),
    )
    return weights, lambda images: _run(arrays, images)


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the 332 entries of `net_recon`, from the image to the coefficients."""
    shapes = torchvision_resnet50.expected_shapes(_BACKBONE)
    for index, width in enumerate(r_net_weights.HEADS.values()):
        shapes[f"final_layers.{index}.weight"] = (width, resnet50_layers.NUM_FEATURES, 1, 1)
        shapes[f"final_layers.{index}.bias"] = (width,)
    return shapes


def _run(arrays: Mapping[str, np.ndarray], images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The source network, computed by PyTorch: features and coefficients of RGB images."""
    torch = pytorch_files.import_torch()
    functional = torch.nn.functional
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def normalized(x, convolution, stride=1):
        kernel, norm = (_BACKBONE + name for name in torchvision_resnet50.names_of(convolution))
        padding = convolution.shape[0] // 2
        x = functional.conv2d(x, tensors[f"{kernel}.weight"], stride=stride, padding=padding)
        gamma, beta, mean, variance = (
            tensors[f"{norm}.{kind}"] for kind in pytorch_files.NORMALIZATION
        )
        return functional.batch_norm(x, mean, variance, gamma, beta, training=False, eps=1e-5)

    first, *others = resnet50_layers.resnet50_convolutions()
    blocks: dict[tuple[int, int], dict] = {}
    for convolution in others:
        blocks.setdefault((convolution.stage, convolution.block), {})[convolution.index] = (
            convolution
        )
    with torch.no_grad():
        x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        x = functional.relu(normalized(x, first, stride=2))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        for (stage, block), parts in blocks.items():
            stride = 2 if stage > 1 and block == 0 else 1
            shortcut = normalized(x, parts[0], stride) if 0 in parts else x
            y = functional.relu(normalized(x, parts[1]))
            y = functional.relu(normalized(y, parts[2], stride))
            x = functional.relu(normalized(y, parts[3]) + shortcut)
        pooled = x.mean(dim=(2, 3), keepdim=True)
        heads = [
            functional.conv2d(
                pooled, tensors[f"final_layers.{k}.weight"], tensors[f"final_layers.{k}.bias"]
            )
            for k in range(len(r_net_weights.HEADS))
        ]
        coefficients = torch.cat(heads, dim=1)
    return pooled[:, :, 0, 0].numpy(), coefficients[:, :, 0, 0].numpy()
