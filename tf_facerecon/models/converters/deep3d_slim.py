"""R-Net of microsoft/Deep3DFaceReconstruction: a training checkpoint of TensorFlow 1.

Variables are those of slim's `resnet_v1_50` (`resnet_v1_50/block1/unit_1/bottleneck_v1/...`) and
of seven 1 x 1 convolutions (`fc-id`, `fc-ex`, ...). A checkpoint of the original training may hold
other variables, too; they are not read.
"""

import os
import pathlib
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tf_facerecon.models.backbones import resnet50
from tf_facerecon.models.converters import r_net_weights, resnet50_layers, weight_checks
from tf_facerecon.models.converters.r_net_weights import RNetWeights
from tf_facerecon.models.converters.resnet50_layers import NormalizedConvolution

_VARIANT = "deep3d_tensorflow"
_SCOPE = "resnet_v1_50"
_NORMALIZATION = ("gamma", "beta", "moving_mean", "moving_variance")
# What TensorFlow's reader raises over a damaged file.
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, LookupError)
_HEADS = ("fc-id", "fc-ex", "fc-tex", "fc-angles", "fc-gamma", "fc-XY", "fc-Z")


def read_slim_checkpoint(path: str | os.PathLike) -> tuple[RNetWeights, Callable]:
    """Reads a checkpoint of the TensorFlow 1 implementation.

    Args:
        path: Prefix of the checkpoint (`iter_190000.ckpt`), or its file `iter_190000.ckpt.index`.

    Returns:
        The weights, and the source network for comparison: a function from RGB images
        `[B, 224, 224, 3]` in [0, 1] to features `[B, 2048]` and coefficients `[B, 257]`, computed
        as slim does.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it is damaged, or if a weight is missing, unknown or of another shape.
    """
    prefix = os.fspath(path).removesuffix(".index")
    if not pathlib.Path(f"{prefix}.index").is_file():
        raise FileNotFoundError(
            f"There is no TensorFlow checkpoint {prefix}: expected {prefix}.index and "
            f"{prefix}.data-00000-of-00001."
        )
    source = pathlib.Path(prefix).name
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
    except _UNREADABLE as error:
        raise ValueError(f"{prefix} is not a readable TensorFlow checkpoint: {error}") from error
    scopes = (f"{_SCOPE}/", *(f"{head}/" for head in _HEADS))
    expected = expected_shapes()
    own = {
        name: tuple(shapes[name])
        for name in sorted(shapes)
        # Slots of an optimizer, which other trainings may have saved, are named after a variable.
        if name.startswith(scopes) and name.rpartition("/")[0] not in expected
    }
    weight_checks.check_entries(own, expected, source)
    try:
        arrays = {name: reader.get_tensor(name) for name in own}
    except _UNREADABLE as error:
        raise ValueError(f"{prefix} is not a readable TensorFlow checkpoint: {error}") from error
    for name in own:
        arrays[name] = weight_checks.check_finite(arrays[name], name, source)
    return slim_weights(arrays), lambda images: _run(arrays, images)


def slim_weights(arrays: Mapping[str, np.ndarray]) -> RNetWeights:
    """Weights from slim's variables by name, as listed by `expected_shapes`."""
    convolutions = {}
    for convolution in resnet50_layers.resnet50_convolutions():
        scope = slim_scope(convolution)
        gamma, beta, mean, variance = (arrays[f"{scope}/BatchNorm/{n}"] for n in _NORMALIZATION)
        convolutions[convolution.name] = NormalizedConvolution(
            arrays[f"{scope}/weights"], np.zeros_like(beta), gamma, beta, mean, variance
        )
    return RNetWeights(
        variant=_VARIANT,
        epsilon=resnet50.VARIANTS[_VARIANT].epsilon,
        convolutions=convolutions,
        head_kernel=np.concatenate([arrays[f"{head}/weights"][0, 0] for head in _HEADS], axis=-1),
        head_bias=np.concatenate([arrays[f"{head}/biases"] for head in _HEADS]),
    )


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the variables of the network, from the image to the coefficients."""
    shapes: dict[str, tuple[int, ...]] = {}
    for convolution in resnet50_layers.resnet50_convolutions():
        scope = slim_scope(convolution)
        shapes[f"{scope}/weights"] = convolution.shape
        shapes.update({f"{scope}/BatchNorm/{n}": convolution.shape[3:] for n in _NORMALIZATION})
    for head, width in zip(_HEADS, r_net_weights.HEADS.values(), strict=True):
        shapes[f"{head}/weights"] = (1, 1, resnet50_layers.NUM_FEATURES, width)
        shapes[f"{head}/biases"] = (width,)
    return shapes


def slim_scope(convolution: resnet50_layers.Convolution) -> str:
    """Slim's variable scope of a convolution."""
    if convolution.stage == 0:
        return f"{_SCOPE}/conv1"
    unit = f"{_SCOPE}/block{convolution.stage}/unit_{convolution.block + 1}/bottleneck_v1"
    return f"{unit}/conv{convolution.index}" if convolution.index else f"{unit}/shortcut"


def _run(arrays: Mapping[str, np.ndarray], images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The source network as slim computes it: features and coefficients of RGB images."""
    epsilon = resnet50.VARIANTS[_VARIANT].epsilon

    def normalized(x, scope, stride=1):
        kernel = arrays[f"{scope}/weights"]
        before, total = (kernel.shape[0] - 1) // 2, kernel.shape[0] - 1
        margin = (before, total - before)
        x = tf.pad(x, [(0, 0), margin, margin, (0, 0)])
        x = tf.nn.conv2d(x, kernel, stride, "VALID")
        gamma, beta, mean, variance = (arrays[f"{scope}/BatchNorm/{n}"] for n in _NORMALIZATION)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)

    x = tf.nn.relu(normalized(tf.constant(255.0 * images[..., ::-1]), f"{_SCOPE}/conv1", 2))
    x = tf.nn.max_pool2d(x, 3, 2, "SAME")
    for stage, count in enumerate(resnet50_layers.NUM_BLOCKS, start=1):
        for block in range(count):
            scope = f"{_SCOPE}/block{stage}/unit_{block + 1}/bottleneck_v1"
            stride = 2 if block == count - 1 and stage < len(resnet50_layers.NUM_BLOCKS) else 1
            if block == 0:
                shortcut = normalized(x, f"{scope}/shortcut", stride)
            else:
                shortcut = tf.nn.max_pool2d(x, 1, stride, "SAME")
            y = tf.nn.relu(normalized(x, f"{scope}/conv1"))
            y = tf.nn.relu(normalized(y, f"{scope}/conv2", stride))
            x = tf.nn.relu(normalized(y, f"{scope}/conv3") + shortcut)
    features = tf.reduce_mean(x, axis=(1, 2))
    heads = [features @ arrays[f"{h}/weights"][0, 0] + arrays[f"{h}/biases"] for h in _HEADS]
    return features.numpy(), tf.concat(heads, axis=-1).numpy()
