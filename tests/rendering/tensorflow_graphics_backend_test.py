import numpy as np
import pytest
import tensorflow as tf

from tests.rendering import rendering_scenes
from tf_facerecon.rendering import rasterizer, tensorflow_graphics_backend

pytest.importorskip("tensorflow_graphics.rendering.triangle_rasterizer")

SIZE = (16, 32)


@pytest.fixture(scope="module")
def mesh():
    """Clip vertices `[2, V, 4]`, triangles, attributes `[2, V, 3]`."""
    clip, triangles = rendering_scenes.bumpy_sheet(8)
    clips = np.stack([clip, clip * np.array([0.6, 0.7, 1, 1])]).astype(np.float32)
    return clips, triangles, np.sin(clips[..., :3])


def test_framebuffer_from_ids_fits_their_barycentrics_and_interpolation(mesh):
    from tensorflow_graphics.rendering import barycentrics, interpolate

    clips, triangles, attributes = mesh
    ours = rasterizer.rasterize(clips, triangles, attributes, SIZE, jit_compile=False)
    framebuffer = tensorflow_graphics_backend.framebuffer_from_ids(
        ours.triangle_ids, triangles
    ).layer(0)
    framebuffer = barycentrics.differentiable_barycentrics(framebuffer, clips, triangles)
    theirs = interpolate.interpolate_vertex_attribute(attributes, framebuffer).value
    theirs = tf.reverse(theirs, axis=[1])  # Their row 0 is the bottom row.
    assert 0.1 < ours.mask.numpy().mean() < 1
    np.testing.assert_allclose(ours.attributes, theirs, atol=1e-4)


def test_rasterize_takes_the_place_of_a_backend(mesh):
    clips, triangles, _ = mesh
    # An orthographic camera: clip coordinates are the vertices themselves.
    vertices = clips[..., :3] / np.abs(clips).max()
    matrices = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    framebuffer = tensorflow_graphics_backend.rasterize(
        vertices, triangles, matrices, SIZE[::-1], enable_cull_face=False
    )
    homogeneous = np.concatenate([vertices, np.ones_like(vertices[..., :1])], axis=-1)
    expected = rasterizer.rasterize(homogeneous, triangles, vertices, SIZE).triangle_ids
    upward = expected.numpy()[:, ::-1]
    assert framebuffer.triangle_id.shape == (2, 1, *SIZE, 1)
    np.testing.assert_array_equal(framebuffer.triangle_id[:, 0, ..., 0], np.maximum(upward, 0))
    np.testing.assert_array_equal(framebuffer.foreground_mask[:, 0, ..., 0], upward >= 0)


def test_rasterize_culls_like_theirs(mesh):
    clips, triangles, _ = mesh
    vertices = clips[..., :3] / np.abs(clips).max()
    matrices = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    front, back = (
        tensorflow_graphics_backend.rasterize(
            vertices, order, matrices, SIZE[::-1]
        ).foreground_mask.numpy()
        for order in (triangles, triangles[:, ::-1].copy())
    )
    assert front.any() != back.any()


def test_rasterize_exception_raised(mesh):
    clips, triangles, _ = mesh
    with pytest.raises(ValueError, match="`num_layers` must be 1"):
        tensorflow_graphics_backend.rasterize(
            clips[..., :3], triangles, np.eye(4)[None], SIZE, num_layers=2
        )
