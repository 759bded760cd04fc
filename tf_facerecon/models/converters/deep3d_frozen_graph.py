"""R-Net of microsoft/Deep3DFaceReconstruction: the published frozen graph `FaceReconModel.pb`.

Input `input_imgs` (BGR, 0 to 255), output `coeff`. Only these two names are documented, so that
the layers are found by the structure of the graph, from the output backwards. Batch normalisation
may be one operation, several, or folded into the convolutions. Some published graphs have a 258th
column, an unused focal length, which is dropped.
"""

import os
from collections.abc import Callable

import numpy as np

from tf_facerecon.models.backbones import resnet50
from tf_facerecon.models.converters import r_net_weights, resnet50_layers
from tf_facerecon.models.converters.inference_graph import InferenceGraph
from tf_facerecon.models.converters.normalized_convolutions import (
    match_affine_convolution,
    match_normalized_convolution,
)
from tf_facerecon.models.converters.r_net_weights import RNetWeights
from tf_facerecon.models.converters.resnet50_layers import NormalizedConvolution

INPUT, OUTPUT = "input_imgs", "coeff"
_VARIANT = "deep3d_tensorflow"


def read_frozen_graph(path: str | os.PathLike) -> tuple[RNetWeights, Callable]:
    """Reads a frozen graph of the TensorFlow 1 implementation.

    Args:
        path: `FaceReconModel.pb`.

    Returns:
        The weights, and the source network for comparison: a function from RGB images
        `[B, 224, 224, 3]` in [0, 1] to features `[B, 2048]` and coefficients `[B, 257]`, computed
        by the graph itself.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no graph, if the output depends on other operations than those of an
            R-Net (the graph is not run then), or if a layer is missing, unknown or of another
            shape; the message names the first node that does not fit.
    """
    graph = InferenceGraph(path, INPUT, OUTPUT)
    kernel, bias, pooled = _match_heads(graph)
    convolutions, epsilon = _match_backbone(graph, pooled)
    weights = RNetWeights(_VARIANT, epsilon, convolutions, kernel, bias)

    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Some graphs have a fixed batch of one image.
        rows = [graph.run([pooled, OUTPUT], 255.0 * image[None, ..., ::-1]) for image in images]
        features, coefficients = zip(*rows, strict=True)
        return (
            np.concatenate([value.reshape(1, -1) for value in features]),
            np.concatenate([value.reshape(1, -1) for value in coefficients])[
                :, : r_net_weights.NUM_COEFFICIENTS
            ],
        )

    return weights, run


def _match_heads(graph: InferenceGraph) -> tuple[np.ndarray, np.ndarray, str]:
    """Kernel `[2048, 257]` and bias `[257]` of all heads, and the node of the pooled features."""
    name = _skip(graph, OUTPUT, "Squeeze", "Reshape")
    heads = graph.split_inputs(name)[0] if graph.nodes[name].op == "ConcatV2" else [name]
    matches = [
        match_affine_convolution(graph, _skip(graph, h, "Squeeze", "Reshape")) for h in heads
    ]
    for match in matches[1:]:
        if match.input != matches[0].input:
            raise ValueError(
                f"Head {match.name!r} of {graph.source} must read the same features as "
                f"{matches[0].name!r}. Received: {match.input!r} and {matches[0].input!r}."
            )
    kernels = []
    for match in matches:
        size = match.kernel.shape
        if match.kernel.ndim != 4 or size[:3] != (1, 1, resnet50_layers.NUM_FEATURES):
            raise ValueError(
                f"Head {match.name!r} of {graph.source} must have a kernel of shape [1, 1, "
                f"{resnet50_layers.NUM_FEATURES}, N]. Received: {list(size)}."
            )
        kernels.append(match.kernel[0, 0] * match.scale)
    kernel = np.concatenate(kernels, axis=-1)
    bias = np.concatenate([match.offset for match in matches])
    expected = r_net_weights.NUM_COEFFICIENTS
    if kernel.shape[-1] not in (expected, expected + 1):
        raise ValueError(
            f"{OUTPUT!r} of {graph.source} must have {expected} columns, or {expected + 1} with an "
            f"unused focal length. Received: {kernel.shape[-1]}."
        )
    return kernel[:, :expected], bias[:expected], matches[0].input


def _match_backbone(graph: InferenceGraph, pooled: str):
    """All convolutions by name, and the epsilon of their normalisation."""
    name = _skip(graph, pooled, "Reshape", "Squeeze")
    name = _skip(graph, _expect(graph, name, "Mean", "AvgPool"))
    blocks: dict[tuple[int, int], dict[int, resnet50_layers.Convolution]] = {}
    for convolution in resnet50_layers.resnet50_convolutions():
        key = (convolution.stage, convolution.block)
        blocks.setdefault(key, {})[convolution.index] = convolution
    (first,) = blocks.pop((0, 0)).values()
    matches, steps = {}, {}
    for key, parts in reversed(blocks.items()):
        found, name, steps[key] = _match_block(graph, name, parts)
        matches.update(found)
    _check_steps(graph, steps)
    name, pool = _expect(graph, name, "MaxPool"), name
    attributes = graph.nodes[pool].attr
    if attributes["padding"].s != b"SAME" or list(attributes["ksize"].list.i) != [1, 3, 3, 1]:
        raise ValueError(f"Node {pool!r} of {graph.source} must be a 3 x 3 max-pool, padding SAME.")
    match = match_normalized_convolution(graph, _expect(graph, name, "Relu"), first)
    matches[first.name] = match
    if graph.skip_identities(match.input) != INPUT or match.margin != 3 or match.step != 2:
        raise ValueError(
            f"The first convolution of {graph.source} must take {INPUT!r}, padded by 3 pixels, "
            f"with stride 2. Received: {match.input!r}, {match.margin}, {match.step}."
        )
    epsilons = {match.epsilon for match in matches.values()} - {None}
    if len(epsilons) > 1:
        raise ValueError(
            f"All batch normalisations of {graph.source} must have one epsilon. "
            f"Received: {sorted(epsilons)}."
        )
    epsilon = epsilons.pop() if epsilons else resnet50.VARIANTS[_VARIANT].epsilon
    return {name: _arrays(match, epsilon) for name, match in matches.items()}, epsilon


def _match_block(graph: InferenceGraph, name: str, parts):
    """The convolutions of a residual block, its input, and how much it shrinks and where."""
    label = parts[3].name.rpartition("_")[0]
    total = _expect(graph, name, "Relu")
    if graph.nodes[total].op not in ("Add", "AddV2"):
        raise ValueError(
            f"Node {total!r} of {graph.source} must be the sum that ends {label}. "
            f"Received: {graph.nodes[total].op!r}."
        )
    residual, shortcut = _order_branches(graph, total, parts)
    third = match_normalized_convolution(graph, residual, parts[3])
    second = match_normalized_convolution(graph, _expect(graph, third.input, "Relu"), parts[2])
    first = match_normalized_convolution(graph, _expect(graph, second.input, "Relu"), parts[1])
    found = {parts[3].name: third, parts[2].name: second, parts[1].name: first}
    if 0 in parts:
        found[parts[0].name] = match_normalized_convolution(graph, shortcut, parts[0])
        end, shortcut_step = found[parts[0].name].input, found[parts[0].name].step
    else:
        end, shortcut_step = shortcut, 1
        if graph.nodes[shortcut].op == "MaxPool" and shortcut != first.input:
            attributes = graph.nodes[shortcut].attr
            if list(attributes["ksize"].list.i) != [1, 1, 1, 1]:
                raise ValueError(f"Node {shortcut!r} of {graph.source} must be a 1 x 1 max-pool.")
            shortcut_step = attributes["strides"].list.i[1]
            end = graph.inputs(shortcut)[0]
    if end != first.input:
        raise ValueError(
            f"The branches of {label} of {graph.source} must have one input. "
            f"Received: {first.input!r} and {end!r}."
        )
    if second.step == 2 and second.margin != 1:
        raise ValueError(
            f"Node {second.name!r} of {graph.source} must be padded by 1 pixel on each side."
        )
    return found, end, (shortcut_step, first.step, second.step, third.step)


def _order_branches(graph: InferenceGraph, total: str, parts) -> tuple[str, str]:
    """Residual branch and shortcut among the inputs of a sum.

    The residual branch is the one whose 1 x 1 convolution takes a ReLU of a 3 x 3 convolution.
    """
    for name, other in (graph.inputs(total), graph.inputs(total)[::-1]):
        match = match_normalized_convolution(graph, name, None)
        if (
            match is not None
            and match.kernel.shape == parts[3].shape
            and _is_relu_of_convolution(graph, match.input, parts[2])
        ):
            return name, other
    raise ValueError(
        f"Neither input of {total!r} of {graph.source} is the convolution {parts[3].name}, of "
        f"shape {list(parts[3].shape)}."
    )


def _is_relu_of_convolution(graph, name: str, expected) -> bool:
    if graph.nodes[name].op != "Relu":
        return False
    match = match_normalized_convolution(graph, graph.inputs(name)[0], None)
    return match is not None and match.kernel.shape == expected.shape


def _check_steps(graph: InferenceGraph, steps: dict) -> None:
    """Refuses graphs that do not subsample as slim or He et al. do; both are one function.

    Slim's strides are in the 3 x 3 convolution of the last block of a stage; those of He et al. in
    the first 1 x 1 convolution of the next stage.
    """
    counts = resnet50_layers.NUM_BLOCKS
    slim, he = {}, {}
    for stage, block in steps:
        ends = stage < len(counts) and block == counts[stage - 1] - 1
        slim[stage, block] = (2, 1, 2, 1) if ends else (1, 1, 1, 1)
        he[stage, block] = (2, 2, 1, 1) if stage > 1 and block == 0 else (1, 1, 1, 1)
    if steps not in (slim, he):
        stage, block = next(key for key in sorted(steps) if steps[key] != slim[key])
        raise ValueError(
            f"The strides of {graph.source} are not those of slim's resnet_v1_50. Block "
            f"{block + 1} of stage {stage} must have strides {slim[stage, block]} (shortcut and "
            f"three convolutions). Received: {steps[stage, block]}."
        )


def _arrays(match, epsilon: float) -> NormalizedConvolution:
    """A match as convolution and normalisation; without the latter one that does nothing."""
    if match.normalization is not None:
        gamma, beta, mean, variance = match.normalization
        return NormalizedConvolution(match.kernel, match.offset, gamma, beta, mean, variance)
    ones = np.ones_like(match.offset)
    return NormalizedConvolution(
        match.kernel * match.scale,
        match.offset,
        gamma=ones * np.float32(np.sqrt(1 + epsilon)),
        beta=0 * ones,
        mean=0 * ones,
        variance=ones,
    )


def _skip(graph: InferenceGraph, name: str, *operations: str) -> str:
    """The first node before `name` (itself included) that is none of the operations."""
    name = graph.skip_identities(name)
    while graph.nodes[name].op in operations:
        name = graph.inputs(name)[0]
    return name


def _expect(graph: InferenceGraph, name: str, *operations: str) -> str:
    """The input of a node that must be one of the operations."""
    if graph.nodes[name].op not in operations:
        raise ValueError(
            f"Node {name!r} of {graph.source} must be an operation {' or '.join(operations)}. "
            f"Received: {graph.nodes[name].op!r}."
        )
    return graph.inputs(name)[0]
