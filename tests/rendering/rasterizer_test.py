import pathlib
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

from tests.jacobian import assert_jacobian_correct
from tests.rendering import rendering_scenes, rendering_truth
from tf_facerecon.rendering import rasterizer

SIZE = (32, 64)
COMPILE = pytest.mark.parametrize("jit_compile", [False, True])
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "rendering_sheet.npz"


@pytest.fixture(scope="module")
def sheet():
    """Clip vertices `[2, V, 4]`, triangles, attributes `[2, V, 5]`; smooth, no depth ties."""
    clip, triangles = rendering_scenes.bumpy_sheet()
    clips = np.stack([clip, clip * [0.9, 1.1, 1, 1]]).astype(np.float32)
    values = np.stack([np.sin(3 * clips[..., 0]), clips[..., 1], np.cos(clips[..., 2])], axis=-1)
    attributes = np.concatenate([values, clips[..., 3:], np.ones_like(clips[..., 3:])], axis=-1)
    return clips, triangles, attributes.astype(np.float32)


def gradients(clip_vertices, triangles, attributes, weights, **options):
    """Gradients of a fixed weighting of the image to vertices and attributes."""
    clip_vertices, attributes = map(tf.convert_to_tensor, (clip_vertices, attributes))
    with tf.GradientTape() as tape:
        tape.watch((clip_vertices, attributes))
        images = rasterizer.rasterize(clip_vertices, triangles, attributes, SIZE, **options)
        loss = tf.reduce_sum(images.attributes * tf.cast(weights, attributes.dtype))
    return tape.gradient(loss, (clip_vertices, attributes))


@COMPILE
def test_rasterize_preset(jit_compile):
    # Pixels see the plane z = 0 without perspective: attributes are linear in the pixel.
    clip, triangles = rendering_scenes.quad(1.0)
    images = rasterizer.rasterize(
        clip[np.newaxis], triangles, clip[np.newaxis, :, :2], (4, 4), jit_compile=jit_compile
    )
    centres = np.array([-0.75, -0.25, 0.25, 0.75])
    np.testing.assert_allclose(images.attributes[0, :, :, 0], np.tile(centres, (4, 1)), atol=1e-6)
    np.testing.assert_allclose(
        images.attributes[0, :, :, 1], np.tile(-centres[:, np.newaxis], (1, 4)), atol=1e-6
    )
    np.testing.assert_array_equal(images.mask, np.ones((1, 4, 4, 1)))


def test_rasterize_is_perspective_correct_preset():
    # A wall from depth 1 (left, x / w = -1) to depth 3 (right): seen in the middle is depth
    # 2 / (1 + 1 / 3) = 1.5, since 1 / w is linear in the image and w is not.
    clip = np.array([[[-1, -1, 0, 1], [3, -3, 0, 3], [3, 3, 0, 3], [-1, 1, 0, 1]]], np.float32)
    images = rasterizer.rasterize(clip, [[0, 1, 2], [0, 2, 3]], clip[..., 3:], (3, 3))
    np.testing.assert_allclose(images.attributes[0, :, 1, 0], 1.5, atol=1e-5)


@COMPILE
def test_rasterize_barycentrics_are_those_of_the_truth(sheet, jit_compile):
    clips, triangles, attributes = sheet
    images = rasterizer.rasterize(clips, triangles, attributes, SIZE, jit_compile=jit_compile)
    for index, clip in enumerate(clips):
        ids = images.triangle_ids.numpy()[index]
        truth = rendering_truth.barycentrics(clip, triangles, ids)
        np.testing.assert_allclose(images.barycentrics[index], truth, atol=3e-5)
        corner_values = attributes[index][triangles[np.maximum(ids, 0)]]
        values = np.sum(truth[..., np.newaxis] * corner_values, axis=-2)
        np.testing.assert_allclose(images.attributes[index], values, atol=3e-5)


@COMPILE
def test_rasterize_no_triangles(sheet, jit_compile):
    clips, _, attributes = sheet
    nothing = np.zeros((0, 3), np.int32)
    images = rasterizer.rasterize(clips, nothing, attributes, SIZE, jit_compile=jit_compile)
    np.testing.assert_array_equal(images.triangle_ids, np.full((2, *SIZE), -1))
    for image, channels in ((images.mask, 1), (images.attributes, 5), (images.barycentrics, 3)):
        np.testing.assert_array_equal(image, np.zeros((2, *SIZE, channels), np.float32))
    for gradient in gradients(clips, nothing, attributes, 1.0, jit_compile=jit_compile):
        assert not np.any(gradient)


def test_rasterize_background_is_zero(sheet):
    clips, triangles, attributes = sheet
    images = rasterizer.rasterize(0.5 * clips + [0, 0, 0, 2], triangles, attributes, SIZE)
    background = images.triangle_ids.numpy() < 0
    assert background.any() and not background.all()
    np.testing.assert_array_equal(images.mask.numpy()[..., 0], ~background)
    assert not images.attributes.numpy()[background].any()
    assert not images.barycentrics.numpy()[background].any()
    np.testing.assert_allclose(images.barycentrics.numpy().sum(-1)[~background], 1, atol=1e-5)


def test_rasterize_jacobian_random(rng):
    """Two overlapping triangles in perspective, away from the edges of visibility."""
    points = np.array([[-2, -2, 4], [3, -2, 6], [0, 3, 5], [-3, 1, 7], [2, 2, 8], [0, -3, 9]])
    clip = rendering_scenes.project(points).astype(np.float64)[np.newaxis]
    attributes = rng.uniform(-1, 1, (1, 6, 2))
    triangles = np.array([[0, 1, 2], [3, 4, 5]])

    def images(clip_vertices, attributes):
        images = rasterizer.rasterize(clip_vertices, triangles, attributes, (4, 4))
        return tf.concat([images.attributes, images.barycentrics], axis=-1)

    assert_jacobian_correct(images, clip, attributes)


@COMPILE
def test_rasterize_float32_is_near_float64(sheet, rng, jit_compile):
    clips, triangles, attributes = sheet
    weights = rng.uniform(-1, 1, (2, *SIZE, 5))
    options = {"jit_compile": jit_compile}
    single = gradients(clips, triangles, attributes, weights, **options)
    double = gradients(
        clips.astype(np.float64), triangles, attributes.astype(np.float64), weights, **options
    )
    for value, truth in zip(single, double, strict=True):
        difference = np.abs(value.numpy() - truth.numpy())
        assert difference.max() <= 1e-3 * np.abs(truth.numpy()).max()
        assert np.linalg.norm(difference) <= 2e-4 * np.linalg.norm(truth.numpy())


def test_rasterize_nested_in_a_compiled_function(sheet, rng):
    clips, triangles, attributes = sheet
    weights = rng.uniform(-1, 1, (2, *SIZE, 5))

    def step(clip_vertices, attributes):
        return gradients(clip_vertices, triangles, attributes, weights)

    eager = step(clips, attributes)
    for jit_compile in (False, True):
        compiled = tf.function(step, jit_compile=jit_compile)(clips, attributes)
        for value, expected in zip(compiled, eager, strict=True):
            np.testing.assert_allclose(value, expected, atol=1e-4 * np.abs(expected).max())


@COMPILE
def test_rasterize_hidden_triangles_do_not_reach_a_gradient(sheet, jit_compile):
    """NaN vertices of triangles that are not drawn stay out of others' gradients."""
    clips, triangles, attributes = (np.array(array) for array in sheet)
    clips[:, ::50], attributes[:, ::50] = np.nan, np.nan
    weights = np.ones((2, *SIZE, 5))
    to_clip, to_attributes = gradients(
        clips, triangles, attributes, weights, jit_compile=jit_compile
    )
    assert np.isfinite(to_clip).all() and np.isfinite(to_attributes).all()
    assert np.abs(to_attributes).sum() > 0


def test_rasterize_attribute_gradient_sums_to_covered_pixels(sheet):
    clips, triangles, attributes = sheet
    _, to_attributes = gradients(clips, triangles, attributes, np.ones((2, *SIZE, 5)))
    covered = rasterizer.rasterize(clips, triangles, attributes, SIZE).mask.numpy().sum((1, 2, 3))
    sums = to_attributes.numpy().sum(axis=1)
    np.testing.assert_allclose(sums, np.tile(covered[:, np.newaxis], (1, 5)), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 17])
def test_rasterize_any_number_of_channels(sheet, channels):
    clips, triangles, attributes = sheet
    wide = np.tile(attributes[..., :1], (1, 1, channels))
    images = rasterizer.rasterize(clips, triangles, wide, SIZE, jit_compile=False)
    one = rasterizer.rasterize(clips, triangles, attributes[..., :1], SIZE, jit_compile=False)
    expected = np.tile(one.attributes, (1, 1, 1, channels))
    np.testing.assert_allclose(images.attributes, expected, atol=1e-6)


def test_rasterize_dynamic_batch(sheet):
    clips, triangles, attributes = sheet

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, 4]), tf.TensorSpec([None, None, 5])],
    )
    def render(clip_vertices, attributes):
        return rasterizer.rasterize(clip_vertices, triangles, attributes, SIZE)

    both = render(clips, attributes)
    assert both.attributes.shape == (2, *SIZE, 5)
    one = render(clips[1:], attributes[1:])
    np.testing.assert_allclose(one.attributes[0], both.attributes[1], atol=1e-6)


def test_rasterize_saved_model_needs_only_tensorflow(sheet, tmp_path):
    clips, triangles, attributes = sheet

    class Renderer(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec([None, None, 4]), tf.TensorSpec([None, None, 5])]
        )
        def render(self, clip_vertices, attributes):
            images = rasterizer.rasterize(clip_vertices, triangles, attributes, SIZE)
            return images._asdict()

    renderer = Renderer()
    tf.saved_model.save(renderer, str(tmp_path / "renderer"))
    to_clip, to_attributes = gradients(clips, triangles, attributes, np.ones((2, *SIZE, 5)))
    images = rasterizer.rasterize(clips, triangles, attributes, SIZE)
    np.savez(
        tmp_path / "expected.npz",
        clips=clips,
        values=attributes,
        image=images.attributes,
        to_clip=to_clip,
        to_attributes=to_attributes,
    )
    script = textwrap.dedent(
        """
        import sys
        import numpy as np
        import tensorflow as tf

        expected = np.load("expected.npz")
        clips, values = tf.constant(expected["clips"]), tf.constant(expected["values"])
        render = tf.saved_model.load("renderer").render
        with tf.GradientTape() as tape:
            tape.watch((clips, values))
            image = render(clips, values)["attributes"]
        to_clip, to_attributes = tape.gradient(image, (clips, values))
        np.testing.assert_allclose(image, expected["image"], atol=1e-5)
        np.testing.assert_allclose(to_clip, expected["to_clip"], atol=1e-3)
        np.testing.assert_allclose(to_attributes, expected["to_attributes"], atol=1e-3)
        render(clips[:1], values[:1])
        assert "tf_facerecon" not in sys.modules
        """
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=300)


def test_rasterize_golden_image(sheet):
    clips, triangles, attributes = sheet
    image = rasterizer.rasterize(clips, triangles, attributes, SIZE).attributes.numpy()
    golden = np.load(GOLDEN)["image"]
    wrong = np.abs(image - golden).max(axis=-1) > 1e-3
    assert wrong.mean() <= 1e-3


def test_interpolate_takes_given_triangles(sheet):
    clips, triangles, attributes = sheet
    images = rasterizer.rasterize(clips, triangles, attributes, SIZE)
    again = rasterizer.interpolate(images.triangle_ids, clips, triangles, attributes)
    np.testing.assert_array_equal(images.attributes, again.attributes)


def test_rasterize_exception_raised(sheet):
    clips, triangles, attributes = sheet
    with pytest.raises(ValueError, match="`attributes` must have shape"):
        rasterizer.rasterize(clips, triangles, attributes[0], SIZE)
    with pytest.raises(ValueError, match="`attributes` must have shape"):
        rasterizer.rasterize(clips, triangles, attributes[:, :-1], SIZE)
