"""Convolutions and their normalisation in a frozen graph, found from their output backwards."""

import dataclasses

import numpy as np

from tf_facerecon.models.converters import resnet50_layers, weight_checks
from tf_facerecon.models.converters.inference_graph import InferenceGraph

_FUSED = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


@dataclasses.dataclass
class ConvolutionMatch:
    """A convolution of a graph with the affine operations after it.

    Its output is `scale * convolution + offset`, or, with a normalisation, that of
    `convolution + offset`.

    Attributes:
        name: Node of the convolution.
        input: Node that it takes, before any padding.
        kernel: `[height, width, input, output]`.
        step: Stride.
        margin: Pixels of zeros that are added on each side, 0 without padding.
        scale: `[output]`.
        offset: `[output]`.
        normalization: Gamma, beta, mean, variance of a batch normalisation that is one operation.
        epsilon: Its epsilon.
    """

    name: str
    input: str
    kernel: np.ndarray
    step: int
    margin: int
    scale: np.ndarray
    offset: np.ndarray
    normalization: tuple[np.ndarray, ...] | None = None
    epsilon: float | None = None


def match_normalized_convolution(
    graph: InferenceGraph, name: str, expected: resnet50_layers.Convolution | None
) -> ConvolutionMatch | None:
    """The convolution whose normalised values node `name` holds.

    Args:
        graph: The graph.
        name: Node of the values, before any activation.
        expected: What it must be; `None` accepts any, and returns `None` where there is none.

    Raises:
        ValueError: If there is no convolution, or one of another shape; the message names it.
    """
    try:
        match = _match(graph, name)
        if match.normalization is not None and (match.scale != 1).any():
            raise ValueError(f"Values of {match.name!r} are scaled before their normalisation.")
    except ValueError:
        if expected is None:
            return None
        raise
    if expected is not None and match.kernel.shape != expected.shape:
        raise ValueError(
            f"The kernel of {match.name!r} of {graph.source} must have shape "
            f"{list(expected.shape)} ({expected.name}). Received: {list(match.kernel.shape)}."
        )
    return match


def match_affine_convolution(graph: InferenceGraph, name: str) -> ConvolutionMatch:
    """The convolution or matrix product whose values node `name` holds, without normalisation."""
    match = _match(graph, name)
    if match.normalization is not None:
        raise ValueError(f"Head {match.name!r} of {graph.source} must have no normalisation.")
    return match


def _match(graph: InferenceGraph, name: str) -> ConvolutionMatch:
    """Collects affine operations, backwards, until the convolution."""
    scale, offset = np.float32(1), np.float32(0)
    normalization = epsilon = None
    while graph.nodes[name].op not in ("Conv2D", "MatMul"):
        node = graph.nodes[name]
        moving, constant = graph.split_inputs(name)
        is_affine = node.op in ("Add", "AddV2", "BiasAdd", "Sub", "Mul") and len(constant) == 1
        is_fused = node.op in _FUSED and len(constant) == 4 and normalization is None
        if len(moving) != 1 or not (is_affine or is_fused):
            raise ValueError(
                f"Node {name!r} of {graph.source} must be a convolution or its normalisation. "
                f"Received: {node.op!r}."
            )
        values = [_channels(graph, other) for other in constant]
        if is_fused:
            if node.attr["is_training"].b or np.any(scale != 1) or np.any(offset != 0):
                raise ValueError(
                    f"Node {name!r} of {graph.source} must normalise by moving statistics, as the "
                    "last operation before the activation."
                )
            normalization, epsilon = tuple(values), float(node.attr["epsilon"].f)
        elif node.op == "Mul":
            scale = scale * values[0]
        elif node.op == "Sub":
            is_negated = graph.inputs(name)[0] == constant[0]
            offset = offset + scale * (values[0] if is_negated else -values[0])
            scale = -scale if is_negated else scale
        else:
            offset = offset + scale * values[0]
        name = moving[0]
    return _finish(graph, name, scale, offset, normalization, epsilon)


def _finish(graph, name, scale, offset, normalization, epsilon) -> ConvolutionMatch:
    node = graph.nodes[name]
    moving, constant = graph.split_inputs(name)
    if len(moving) != 1 or len(constant) != 1 or graph.inputs(name)[0] != moving[0]:
        raise ValueError(f"Node {name!r} of {graph.source} must have a constant kernel.")
    kernel = weight_checks.check_finite(graph.constant(constant[0]), name, graph.source)
    step, margin, source = 1, 0, moving[0]
    if node.op == "Conv2D":
        strides, layout = list(node.attr["strides"].list.i), node.attr["data_format"].s
        dilated = set(node.attr["dilations"].list.i) - {1}
        if layout not in (b"", b"NHWC") or strides[1] != strides[2] or dilated:
            raise ValueError(
                f"Node {name!r} of {graph.source} must be a convolution of [B, H, W, C] with equal "
                "strides and without dilation."
            )
        step = strides[1]
        is_same = node.attr["padding"].s == b"SAME"
        # Of stride 1; with more, SAME pads the two sides differently, which is no margin.
        margin = (kernel.shape[0] - 1) // 2 if is_same and step == 1 else 0
        if graph.nodes[source].op == "Pad" and not is_same:
            pads = graph.constant(graph.inputs(source)[1])
            margin = int(pads[1, 0])
            if pads.tolist() != [[0, 0], [margin, margin], [margin, margin], [0, 0]]:
                raise ValueError(
                    f"Node {source!r} of {graph.source} must pad all sides equally. "
                    f"Received: {pads.tolist()}."
                )
            source = graph.inputs(source)[0]
    else:
        kernel = kernel[None, None]
        while graph.nodes[source].op in ("Squeeze", "Reshape"):
            source = graph.inputs(source)[0]
    num_outputs = kernel.shape[-1]
    full = [np.broadcast_to(np.asarray(v, np.float32), [num_outputs]) for v in (scale, offset)]
    if normalization is not None and any(v.shape != (num_outputs,) for v in normalization):
        raise ValueError(f"The normalisation of {name!r} of {graph.source} has another width.")
    return ConvolutionMatch(name, source, kernel, step, margin, *full, normalization, epsilon)


def _channels(graph: InferenceGraph, name: str) -> np.ndarray:
    """A constant of one value per channel, as a vector."""
    value = weight_checks.check_finite(graph.constant(name), name, graph.source)
    if value.ndim and value.size != value.shape[-1]:
        raise ValueError(
            f"Node {name!r} of {graph.source} must hold one value per channel. "
            f"Received: shape {list(value.shape)}."
        )
    return value.reshape(-1) if value.ndim else value
