import numpy as np
import pytest
import tensorflow as tf

from tests.jacobian import assert_jacobian_correct
from tests.rendering import rendering_scenes
from tf_facerecon.rendering import antialiasing, rasterizer

SIZE = (16, 16)
COMPILE = pytest.mark.parametrize("jit_compile", [False, True])


def render(clip_vertices, triangles, attributes, image_size=SIZE, **options):
    """The antialiased attributes `[B, H, W, C]`."""
    opposite = antialiasing.opposite_vertices(triangles)
    return rasterizer.rasterize(
        clip_vertices, triangles, attributes, image_size, antialias=opposite, **options
    ).attributes


def rectangle(left, top, right, bottom, image_size=SIZE, depth=0.0, w=2.0):
    """A rectangle between pixel coordinates (0 at the left and upper border), two triangles."""
    height, width = image_size
    corners = np.array([[left, top], [left, bottom], [right, bottom], [right, top]])
    x, y = 2 * corners[:, 0] / width - 1, 1 - 2 * corners[:, 1] / height
    clip = np.stack([x, y, np.full(4, depth), np.ones(4)], axis=-1) * w
    return clip, np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def test_opposite_vertices_preset():
    # Two triangles share the edge 0-2.
    opposite = antialiasing.opposite_vertices(np.array([[0, 1, 2], [0, 2, 3]]))
    np.testing.assert_array_equal(opposite, [[-1, -1, 3], [1, -1, -1]])


def test_opposite_vertices_of_a_closed_mesh_exist():
    tetrahedron = np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [0, 2, 3]])
    opposite = antialiasing.opposite_vertices(tetrahedron)
    for triangle, across in zip(tetrahedron, opposite, strict=True):
        # Of the edges 0-1, 1-2, 2-0, each of the others has the one vertex that is missing here.
        assert set(across) == set(range(4)) - set(triangle)


def test_opposite_vertices_edge_of_three_triangles_has_none():
    opposite = antialiasing.opposite_vertices(np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4]]))
    np.testing.assert_array_equal(opposite, np.full((3, 3), -1))


def test_opposite_vertices_without_triangles():
    assert antialiasing.opposite_vertices(np.zeros((0, 3), np.int32)).shape == (0, 3)


@COMPILE
@pytest.mark.parametrize("right", [9.6, 9.9, 10.1, 10.4])
def test_antialias_upright_outlines_are_exact(right, jit_compile):
    """The sum over the image is the area, and its derivative the length of the outline."""
    clip, triangles = rectangle(-4, -4, right, 20)
    clip = tf.constant(clip[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(clip)
        image = render(clip, triangles, tf.ones([1, 4, 1], tf.float64), jit_compile=jit_compile)
        area = tf.reduce_sum(image)
    np.testing.assert_allclose(area, 16 * right, rtol=1e-6)
    # Moving x / w by one moves the edge by 8 pixels; w is 2.
    to_x = tape.gradient(area, clip)[0, 2:, 0]
    np.testing.assert_allclose(tf.reduce_sum(to_x), 16 * 8 / 2, rtol=1e-6)


@pytest.mark.parametrize("top", [3.2, 3.8])
def test_antialias_level_outlines_are_exact(top):
    clip, triangles = rectangle(-4, top, 20, 20)
    image = render(clip[np.newaxis], triangles, np.ones((1, 4, 1)))
    np.testing.assert_allclose(tf.reduce_sum(image), 16 * (16 - top), rtol=1e-6)


def test_antialias_blends_with_what_lies_behind():
    near, triangles = rectangle(-4, -4, 8.25, 20)
    far, _ = rectangle(-4, -4, 20, 20, depth=0.5)
    clip = np.concatenate([near, far])[np.newaxis]
    values = np.repeat([3.0, 1.0], 4)[np.newaxis, :, np.newaxis]
    image = render(clip, np.concatenate([triangles, triangles + 4]), values)
    # The near one covers 8 columns and a quarter of the next.
    expected = np.repeat([3.0, 1.5, 1.0], [8, 1, 7])
    np.testing.assert_allclose(image[0, :, :, 0], np.tile(expected, (16, 1)), atol=1e-6)


def test_antialias_leaves_inner_edges_alone():
    clip, triangles = rendering_scenes.bumpy_sheet(6)
    clip = clip[np.newaxis] * [1.6, 1.6, 1, 1]  # Its border is out of the image.
    attributes = np.sin(clip)
    plain = rasterizer.rasterize(clip, triangles, attributes, SIZE).attributes
    blended = render(clip, triangles, attributes)
    changed = np.abs(blended - plain).max(axis=-1) > 1e-9
    assert not changed.any()


def test_antialias_slanted_outline_is_nearer_to_the_covered_area():
    corners = np.array([[1.3, 1.7], [3.1, 14.2], [13.6, 9.3]])
    clip = np.ones((1, 3, 4))
    clip[0, :, 0], clip[0, :, 1] = corners[:, 0] / 8 - 1, 1 - corners[:, 1] / 8
    clip[..., 2] = 0
    triangles, ones = np.array([[0, 1, 2]], np.int32), np.ones((1, 3, 1))
    fine = rasterizer.rasterize(clip, triangles, ones, (512, 512)).mask.numpy()
    truth = fine.reshape(16, 32, 16, 32).mean(axis=(1, 3))
    plain = rasterizer.rasterize(clip, triangles, ones, SIZE).mask.numpy()[0, ..., 0]
    blended = render(clip, triangles, ones).numpy()[0, ..., 0]
    assert np.abs(blended - truth).mean() < 0.25 * np.abs(plain - truth).mean()


@COMPILE
def test_antialias_jacobian_random(rng, jit_compile):
    """A triangle in perspective over a second one, away from where outlines meet centres."""
    points = np.array([[-2.1, -1.7, 4], [1.6, -1.2, 4.5], [0.3, 2.2, 5]])
    behind = np.array([[-4.3, -4.1, 9], [5.2, -4.4, 9.5], [0.4, 5.1, 8]])
    clip = rendering_scenes.project(np.concatenate([points, behind])).astype(np.float64)
    attributes = rng.uniform(-1, 1, (1, 6, 2))
    triangles = np.array([[0, 1, 2], [3, 4, 5]], np.int32)

    def image(clip_vertices, attributes):
        return render(clip_vertices, triangles, attributes, (6, 6), jit_compile=jit_compile)

    assert_jacobian_correct(image, clip[np.newaxis], attributes)


@pytest.mark.parametrize("scene", ["crossing_near_plane", "zero_w", "not_finite", "degenerate"])
def test_antialias_hard_scenes_stay_finite(scene):
    clip, triangles = rendering_scenes.SCENES[scene]()
    clip = tf.constant(clip[np.newaxis])
    attributes = tf.ones_like(clip[..., :2])
    with tf.GradientTape() as tape:
        tape.watch((clip, attributes))
        image = render(clip, triangles, attributes, (32, 64), jit_compile=False)
    gradients = tape.gradient(image, (clip, attributes))
    assert np.isfinite(image).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_antialias_batch_is_image_by_image():
    clip, triangles = rendering_scenes.bumpy_sheet(6)
    clips = np.stack([0.5 * clip, 0.7 * clip, 0.3 * clip]) * [1, 1, 2, 2]
    attributes = np.cos(clips[..., :3])
    together = render(clips, triangles, attributes)
    for index in range(3):
        alone = render(clips[index : index + 1], triangles, attributes[index : index + 1])
        np.testing.assert_allclose(together[index], alone[0], atol=1e-6)


@pytest.mark.parametrize(
    ("triangles", "message"),
    [
        (np.zeros((2, 4), int), "`triangles` must have shape"),
        (np.zeros((2, 3)), "`triangles` must hold integers"),
    ],
)
def test_opposite_vertices_exception_raised(triangles, message):
    with pytest.raises(ValueError, match=message):
        antialiasing.opposite_vertices(triangles)


def test_antialias_exception_raised():
    clip, triangles = rectangle(2, 2, 8, 8)
    with pytest.raises(ValueError, match="`opposite` must have shape"):
        rasterizer.rasterize(
            clip[np.newaxis], triangles, np.ones((1, 4, 1)), SIZE, antialias=np.zeros((1, 3), int)
        )
