"""Errors at the density of the Basel Face Model, where triangles are about a pixel wide.

The truth is this library's interpolation in float64, which `rasterizer_test` compares with
differences; the peer is tensorflow-graphics' Python, at the pixels of the same triangles.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.rendering import rendering_scenes
from tf_facerecon.rendering import rasterizer, tensorflow_graphics_backend, visibility

SIZE = (224, 224)
CHANNELS = 7


@pytest.fixture(scope="module")
def head():
    """Clip vertices `[1, V, 4]`, triangles, attributes, ids `[1, H, W]`, weights of the image."""
    clip, triangles = rendering_scenes.bumpy_sheet(190)
    assert len(clip) >= 35_700 and len(triangles) >= 70_700
    clip = clip[np.newaxis]
    attributes = np.sin(np.concatenate([clip, 2 * clip], axis=-1)[..., :CHANNELS])
    weights = np.random.default_rng(7).uniform(-1, 1, (1, *SIZE, CHANNELS))
    ids = visibility.visible_triangles(clip, triangles, SIZE)
    return clip, triangles, attributes, ids, weights


def ours(clip, triangles, attributes, ids):
    return rasterizer.interpolate(ids, clip, triangles, attributes).attributes


def theirs(clip, triangles, attributes, ids):
    from tensorflow_graphics.rendering import barycentrics, interpolate

    framebuffer = tensorflow_graphics_backend.framebuffer_from_ids(ids, triangles).layer(0)
    framebuffer = barycentrics.differentiable_barycentrics(framebuffer, clip, triangles)
    image = interpolate.interpolate_vertex_attribute(attributes, framebuffer).value
    return tf.reverse(image, axis=[1])  # Their row 0 is the bottom row.


def image_and_gradients(render, head, dtype=tf.float32):
    clip, triangles, attributes, ids, weights = head
    clip, attributes, weights = (tf.cast(x, dtype) for x in (clip, attributes, weights))
    with tf.GradientTape() as tape:
        tape.watch((clip, attributes))
        image = render(clip, triangles, attributes, ids)
        loss = tf.reduce_sum(image * weights)
    gradients = tape.gradient(loss, (clip, attributes))
    return [tf.convert_to_tensor(x).numpy() for x in (image, *gradients)]


def largest_errors(values, truths):
    """Of the image absolute, of gradients relative to the largest entry."""
    scales = [1.0, *(np.abs(truth).max() for truth in truths[1:])]
    return [
        np.abs(value - truth).max() / scale
        for value, truth, scale in zip(values, truths, scales, strict=True)
    ]


@pytest.mark.slow
def test_interpolate_is_near_the_truth_and_nearer_than_tensorflow_graphics(head):
    pytest.importorskip("tensorflow_graphics.rendering.triangle_rasterizer")
    truth = image_and_gradients(ours, head, tf.float64)
    our_errors = largest_errors(image_and_gradients(ours, head), truth)
    their_errors = largest_errors(image_and_gradients(theirs, head), truth)
    assert our_errors[0] <= 3e-5
    assert max(our_errors[1:]) <= 1e-3
    assert all(our <= their for our, their in zip(our_errors, their_errors, strict=True))
