import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.rendering import rendering_scenes
from tf_facerecon.rendering import antialiasing, rasterizer, tensorflow_graphics_backend

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
    with pytest.raises(ValueError, match="`num_layers` must be positive"):
        tensorflow_graphics_backend.rasterize(
            clips[..., :3], triangles, np.eye(4)[None], SIZE, num_layers=0
        )


def test_rasterize_layers_have_barycentrics_and_no_gradient():
    # A small triangle before a large one, which is before another of its kind.
    corners = np.array([[-1, -1], [3, -1], [-1, 3]], np.float32)
    scales, depths = (0.3, 1.0, 1.0), (-0.5, 0.0, 0.5)
    vertices = np.concatenate(
        [
            np.concatenate([scale * corners, np.full((3, 1), depth)], axis=-1)
            for scale, depth in zip(scales, depths, strict=True)
        ]
    ).astype(np.float32)[np.newaxis]
    triangles = np.arange(9, dtype=np.int32).reshape(3, 3)
    vertices = tf.constant(vertices)
    with tf.GradientTape() as tape:
        tape.watch(vertices)
        framebuffer = tensorflow_graphics_backend.rasterize(
            vertices,
            triangles,
            np.eye(4, dtype=np.float32)[None],
            SIZE[::-1],
            num_layers=3,
            jit_compile=False,
        )
        total = tf.reduce_sum(framebuffer.barycentrics.value**2)
    assert tape.gradient(total, vertices) is None
    ids, mask = (
        x.numpy()[0, ..., 0] for x in (framebuffer.triangle_id, framebuffer.foreground_mask)
    )
    inside = ids[0] == 0  # Three layers where the small triangle is, two elsewhere.
    assert inside.any() and not inside.all()
    np.testing.assert_array_equal(ids[0], np.where(inside, 0, 1))
    np.testing.assert_array_equal(ids[1], np.where(inside, 1, 2))
    np.testing.assert_array_equal(mask, [mask[0], mask[1], inside])
    assert mask[:2].all() and (ids[2][inside] == 2).all()
    sums = framebuffer.barycentrics.value.numpy().sum(axis=-1)[0]
    np.testing.assert_allclose(sums, mask, atol=1e-5)


@pytest.mark.parametrize("with_antialiasing", [False, True])
def test_backends_render_equal_images_and_gradients(mesh, with_antialiasing):
    clips, triangles, attributes = map(tf.constant, mesh)
    clips = clips * np.array([0.7, 0.7, 1, 1], np.float32)  # All of its outline is in the image.
    antialias = antialiasing.opposite_vertices(triangles.numpy()) if with_antialiasing else None
    results = []
    for backend in rasterizer.BACKENDS:
        with tf.GradientTape() as tape:
            tape.watch((clips, attributes))
            images = rasterizer.rasterize(
                clips,
                triangles,
                attributes,
                SIZE,
                antialias=antialias,
                jit_compile=False,
                backend=backend,
            )
            loss = tf.reduce_sum(images.attributes**2) + tf.reduce_sum(images.barycentrics**3)
        gradients = map(tf.convert_to_tensor, tape.gradient(loss, (clips, attributes)))
        results.append((images, *gradients))
    (native, *native_gradients), (images, *gradients) = results
    assert 0.1 < native.mask.numpy().mean() < 1
    for expected, received in zip(native, images, strict=True):
        assert received.shape == expected.shape
        np.testing.assert_allclose(received, expected, atol=1e-4)
    for expected, received in zip(native_gradients, gradients, strict=True):
        np.testing.assert_allclose(received, expected, atol=2e-4 * np.abs(expected).max())


def test_backend_of_unknown_batch_size(mesh):
    clips, triangles, attributes = mesh

    @tf.function(input_signature=[tf.TensorSpec((None, *x.shape[1:])) for x in (clips, attributes)])
    def render(clips, attributes):
        images = rasterizer.rasterize(
            clips, triangles, attributes, SIZE, backend="tensorflow_graphics", jit_compile=False
        )
        assert images.attributes.shape.as_list() == [None, *SIZE, 3]
        return images.attributes

    expected = rasterizer.rasterize(clips, triangles, attributes, SIZE, jit_compile=False)
    np.testing.assert_allclose(render(clips, attributes), expected.attributes, atol=1e-4)
    np.testing.assert_allclose(
        render(clips[:1], attributes[:1]), expected.attributes[:1], atol=1e-4
    )


@pytest.mark.parametrize("known_size", [True, False], ids=["static", "unknown"])
@pytest.mark.parametrize("batch_size", [0, 1, 3])
@pytest.mark.parametrize("backend", rasterizer.BACKENDS)
def test_backends_render_every_batch_size(mesh, backend, batch_size, known_size):
    clips, triangles, attributes = mesh
    clips, attributes = (np.resize(x, (batch_size, *x.shape[1:])) for x in (clips, attributes))

    def render(clips, attributes):
        with tf.GradientTape() as tape:
            tape.watch((clips, attributes))
            images = rasterizer.rasterize(
                clips, triangles, attributes, SIZE, backend=backend, jit_compile=False
            )
            loss = tf.reduce_sum(images.attributes**2)
        gradients = tape.gradient(loss, (clips, attributes))
        return images, tuple(map(tf.convert_to_tensor, gradients))

    if not known_size:
        specs = [tf.TensorSpec((None, *x.shape[1:])) for x in (clips, attributes)]
        render = tf.function(render, input_signature=specs)
    images, gradients = render(tf.constant(clips), tf.constant(attributes))
    assert images.attributes.shape == (batch_size, *SIZE, 3)
    assert images.mask.shape == (batch_size, *SIZE, 1)
    assert images.barycentrics.shape == (batch_size, *SIZE, 3)
    assert [gradient.shape for gradient in gradients] == [clips.shape, attributes.shape]
    assert (tf.reduce_max(images.mask, axis=(1, 2, 3)).numpy() == 1).all()


def test_backend_that_cannot_be_imported_exception_raised(monkeypatch):
    for name in ("barycentrics", "interpolate"):
        monkeypatch.setitem(sys.modules, f"tensorflow_graphics.rendering.{name}", None)
    message = 'cannot be imported here.*The default backend, "native"'
    with pytest.raises(ImportError, match=message):
        rasterizer.check_backend("tensorflow_graphics")
    rasterizer.check_backend("native")
