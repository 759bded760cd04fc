"""Frozen TensorFlow 1 graphs read as data: only known arithmetic operations, no cycles.

Nothing of the file runs before all operations on which the output depends have been checked.
"""

import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# Arithmetic without side effects: no files, no Python, no function calls, no control flow.
_ALLOWED = frozenset(
    "Add AddV2 AvgPool BiasAdd ConcatV2 Const Conv2D FusedBatchNorm FusedBatchNormV2 "
    "FusedBatchNormV3 Identity MatMul MaxPool Mean Mul Pad Placeholder Relu Reshape Rsqrt Squeeze "
    "Sub".split()
)


class InferenceGraph:
    """The part of a frozen graph between an input and an output.

    Args:
        path: File of a serialized `GraphDef`.
        input_name: Name of the placeholder of the images.
        output_name: Name of the output node.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no such graph, if a node is missing, if the output depends on
            an operation that is not in the list above, or if the graph has a cycle.
    """

    def __init__(self, path: str | os.PathLike, input_name: str, output_name: str):
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no frozen graph {path}.")
        self.source = path.name
        self.input_name = input_name
        self.output_name = output_name
        definition = tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(path.read_bytes())
        except Exception as error:  # `DecodeError` of a package that is not imported here.
            raise ValueError(f"{path} is not a serialized TensorFlow graph: {error}") from error
        nodes = {node.name: node for node in definition.node}
        for name in (input_name, output_name):
            if name not in nodes:
                raise ValueError(f"{self.source} has no node {name!r}.")
        self.nodes = self._ancestors(nodes, output_name)
        if input_name not in self.nodes or nodes[input_name].op != "Placeholder":
            raise ValueError(
                f"{output_name!r} of {self.source} does not depend on a placeholder {input_name!r}."
            )
        self._depends_on_input = self._check_acyclic()
        self._session = None
        self._computed: dict[str, np.ndarray] = {}

    def inputs(self, name: str) -> list[str]:
        """Names of the nodes that a node takes, without identities and control inputs."""
        return [self.skip_identities(other) for other in _inputs(self.nodes[name])]

    def skip_identities(self, name: str) -> str:
        """The node itself or, of an identity, the node that it repeats."""
        while self.nodes[name].op == "Identity":
            name = _inputs(self.nodes[name])[0]
        return name

    def split_inputs(self, name: str) -> tuple[list[str], list[str]]:
        """Inputs that depend on the image, and inputs that are constant."""
        inputs = self.inputs(name)
        moving = [other for other in inputs if other in self._depends_on_input]
        return moving, [other for other in inputs if other not in self._depends_on_input]

    def constant(self, name: str) -> np.ndarray:
        """Value of a node that does not depend on the image."""
        node = self.nodes[name]
        if node.op == "Const":
            try:
                return tf.make_ndarray(node.attr["value"].tensor)
            except (TypeError, ValueError) as error:
                raise ValueError(f"Node {name!r} of {self.source} is damaged: {error}") from error
        if not self._computed:
            names = self._computed_constants()
            self._computed = dict(zip(names, self.run(names), strict=True))
        return self._computed[name]

    def run(self, names: Sequence[str], images: np.ndarray | None = None) -> list[np.ndarray]:
        """Values of nodes, for `images` if they depend on them.

        Raises:
            ValueError: If TensorFlow cannot compute them.
        """
        feed = {} if images is None else {f"{self.input_name}:0": images}
        try:
            if self._session is None:
                self._session = tf.compat.v1.Session(graph=self._import())
            return self._session.run([f"{name}:0" for name in names], feed)
        except (tf.errors.OpError, ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{self.source} cannot be computed: {error}") from error

    def _computed_constants(self) -> list[str]:
        """Nodes that are computed from constants and taken by one that depends on the image."""
        taken = {other for name in self._depends_on_input for other in self.split_inputs(name)[1]}
        return sorted(name for name in taken if self.nodes[name].op != "Const")

    def _import(self) -> tf.Graph:
        pruned = tf.compat.v1.GraphDef()
        for node in self.nodes.values():
            copy = pruned.node.add()
            copy.CopyFrom(node)
            copy.device = ""
        graph = tf.Graph()
        with graph.as_default():
            tf.compat.v1.import_graph_def(pruned, name="")
        return graph

    def _ancestors(self, nodes: dict, output_name: str) -> dict:
        """All nodes on which the output depends, by name; refuses any that is not arithmetic."""
        needed, waiting = {}, [output_name]
        while waiting:
            name = waiting.pop()
            if name in needed:
                continue
            if name not in nodes:
                raise ValueError(f"{self.source} has no node {name!r}, which another one takes.")
            node = nodes[name]
            if node.op not in _ALLOWED:
                raise ValueError(
                    f"Node {name!r} of {self.source} is an operation {node.op!r}, which an R-Net "
                    "does not have. The graph was not run."
                )
            needed[name] = node
            waiting.extend(_base_name(other) for other in node.input)
        return needed

    def _check_acyclic(self) -> set[str]:
        """Refuses cycles; returns the names of the nodes that depend on a placeholder."""
        waiting = {
            name: {_base_name(other) for other in node.input} for name, node in self.nodes.items()
        }
        users: dict[str, list[str]] = {name: [] for name in waiting}
        for name, needs in waiting.items():
            for other in needs:
                users[other].append(name)
        ready = [name for name, needs in waiting.items() if not needs]
        moving, done = set(), 0
        while ready:
            name = ready.pop()
            done += 1
            node = self.nodes[name]
            if node.op == "Placeholder" or moving & {_base_name(other) for other in node.input}:
                moving.add(name)
            for user in users[name]:
                waiting[user].discard(name)
                if not waiting[user]:
                    ready.append(user)
        if done < len(self.nodes):
            raise ValueError(f"The graph of {self.source} has a cycle.")
        return moving


def _inputs(node) -> list[str]:
    return [_base_name(other) for other in node.input if not other.startswith("^")]


def _base_name(reference: str) -> str:
    """Name of the node in an input such as "^name" or "name:0"."""
    return reference.removeprefix("^").partition(":")[0]
