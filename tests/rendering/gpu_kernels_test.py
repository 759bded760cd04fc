"""Without a GPU at hand: that every operation of the uncompiled rasterizer has a GPU kernel."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from tests.rendering import rendering_scenes
from tf_facerecon.rendering import antialiasing, rasterizer

# Arguments, results and calls are the runtime's own.
STRUCTURE = {"Placeholder", "PartitionedCall", "StatefulPartitionedCall"}


def has_gpu_kernel(node):
    """Whether a kernel for GPUs (or for any device) takes the types of `node`."""
    for kernel in kernels.get_registered_kernels_for_op(node.op).kernel:
        types_match = all(
            node.attr[constraint.name].type in constraint.allowed_values.list.type
            for constraint in kernel.constraint
        )
        if kernel.device_type in ("GPU", "DEFAULT") and types_match:
            return True
    return False


def test_every_operation_has_a_gpu_kernel():
    if not any(
        kernel.device_type == "GPU"
        for kernel in kernels.get_registered_kernels_for_op("MatMul").kernel
    ):
        pytest.skip("needs a TensorFlow that was built with GPU kernels")
    clip, triangles = rendering_scenes.bumpy_sheet(6)

    @tf.function
    def step(clip_vertices, attributes):
        with tf.GradientTape() as tape:
            tape.watch((clip_vertices, attributes))
            images = rasterizer.rasterize(
                clip_vertices,
                triangles,
                attributes,
                (16, 16),
                antialias=antialiasing.opposite_vertices(triangles),
                jit_compile=False,
            )
            loss = tf.reduce_sum(images.attributes)
        return tape.gradient(loss, (clip_vertices, attributes))

    clip = clip[np.newaxis]
    graph = step.get_concrete_function(tf.constant(clip), tf.constant(clip)).graph.as_graph_def()
    nodes = [*graph.node, *(node for body in graph.library.function for node in body.node_def)]
    assert any(node.op == "TensorScatterMin" for node in nodes)
    missing = {node.op for node in nodes if node.op not in STRUCTURE and not has_gpu_kernel(node)}
    assert not missing
