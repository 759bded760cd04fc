import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from tests.rendering import rendering_scenes, rendering_truth
from tf_facerecon.rendering import visibility

SIZE = (32, 64)  # Powers of two: pixel centres are exact.
COMPILE = pytest.mark.parametrize("jit_compile", [False, True])


def cover(clip_vertices, triangles, image_size=SIZE, jit_compile=False, **options):
    """Ids of one mesh, filled up to one size so that the tests share one compilation."""
    batch, triangles = filled_up(clip_vertices[np.newaxis], triangles)
    options["jit_compile"] = jit_compile
    return visibility.visible_triangles(batch, triangles, image_size, **options).numpy()[0]


def filled_up(batch, triangles):
    """Meshes `[B, V, 4]` and their triangles with degenerate triangles behind them."""
    vertices = np.zeros((len(batch), 1000, 4), np.float32)
    vertices[:, : batch.shape[1]] = batch
    padded = np.zeros((1200, 3), np.int32)
    padded[: len(triangles)] = triangles
    return vertices, padded


@COMPILE
@pytest.mark.parametrize("scene", rendering_scenes.SCENES)
def test_cover_pixels_scenes(scene, jit_compile):
    clip_vertices, triangles = rendering_scenes.SCENES[scene]()
    ids = cover(clip_vertices, triangles, jit_compile=jit_compile)
    rendering_truth.assert_covered(ids, clip_vertices, triangles, SIZE)


@COMPILE
@pytest.mark.parametrize("scene", ["few_large", "huge", "crossing_near_plane", "zero_w"])
def test_cover_pixels_scenes_of_several_strips(scene, jit_compile):
    size = (72, 150)  # Three strips of rows, the last not full.
    clip_vertices, triangles = rendering_scenes.SCENES[scene]()
    ids = cover(clip_vertices, triangles, size, jit_compile=jit_compile)
    # Centres are not exact here: they are snapped to 16 fractional bits.
    rendering_truth.assert_covered(ids, clip_vertices, triangles, size, tolerance=1e-4)


def test_cover_pixels_dynamic_triangles_exception_raised():
    cover_any = tf.function(
        lambda vertices, triangles: visibility.visible_triangles(vertices, triangles, SIZE),
        input_signature=[tf.TensorSpec((1, 3, 4)), tf.TensorSpec((None, 3), tf.int32)],
    )
    with pytest.raises(ValueError, match="`triangles` must have a static number of rows"):
        cover_any.get_concrete_function()


@pytest.mark.parametrize("size", [(64, 64), (150, 72)])
def test_cover_pixels_mesh_of_more_than_one_turn(size):
    """Triangles of one to three pixels, their boxes 1 x 1 to 2 x 2 and larger, in three turns."""
    clip_vertices, triangles = rendering_scenes.bumpy_sheet(54)
    ids = visibility.visible_triangles(clip_vertices[np.newaxis], triangles, size)[0].numpy()
    # Snapping moves edges by a thousandth of triangles as small as these.
    rendering_truth.assert_covered(ids, clip_vertices, triangles, size, tolerance=2e-3)
    assert len(triangles) > 5000


@pytest.mark.parametrize(
    ("scene", "covers"),
    [("behind_camera", False), ("off_screen", False), ("beyond_far", False), ("degenerate", False)]
    + [("sub_pixel", True), ("huge", True), ("crossing_near_plane", True), ("not_finite", True)],
)
def test_cover_pixels_scenes_show_what_their_name_says(scene, covers):
    assert (cover(*rendering_scenes.SCENES[scene]()) >= 0).any() == covers


@pytest.mark.parametrize("half_side", [1.0, 1e3])
@pytest.mark.parametrize("size", [(1, 1), (5, 9), (64, 64), (224, 224)])
def test_cover_pixels_full_screen_quad_has_no_hole(half_side, size):
    assert (cover(*rendering_scenes.quad(half_side), size) >= 0).all()


def test_cover_pixels_preset():
    # Corners in pixels (column, row from the top): (0, 0), (4, 0), (0, 4) of a 4 x 4 image.
    clip = np.array([[-1, 1, 0, 1], [1, 1, 0, 1], [-1, -1, 0, 1]], np.float32)
    ids = cover(clip, np.array([[0, 2, 1]]), (4, 4))
    # Centres on the long edge count as inside.
    np.testing.assert_array_equal(
        ids, [[0, 0, 0, 0], [0, 0, 0, -1], [0, 0, -1, -1], [0, -1, -1, -1]]
    )


def test_cover_pixels_row_zero_is_top():
    clip = np.array([[-1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]], np.float32)
    covered = cover(clip, np.array([[0, 1, 2]]), (8, 8)) >= 0
    assert covered[:4].any() and not covered[4:].any()


@pytest.mark.parametrize("nearer", [0, 1])
def test_cover_pixels_nearest_wins(nearer):
    clip, triangles = rendering_scenes.quad(1.0)
    clip = np.concatenate([clip, clip])
    clip[4 * nearer : 4 * nearer + 4, 2] = -0.5
    ids = cover(clip, np.concatenate([triangles, triangles + 4]))
    assert set(np.unique(ids)) == {2 * nearer, 2 * nearer + 1}


@COMPILE
def test_cover_pixels_lowest_index_wins_among_duplicates(jit_compile):
    clip, triangles = rendering_scenes.bumpy_sheet(10)
    duplicated = np.concatenate([triangles, triangles])
    ids = cover(clip, duplicated, jit_compile=jit_compile)
    np.testing.assert_array_equal(ids, cover(clip, triangles, jit_compile=jit_compile))


@pytest.mark.parametrize("depth", [-1.0, 1.0])
def test_cover_pixels_near_and_far_plane_belong_to_the_view(depth):
    clip, triangles = rendering_scenes.quad(1.0)
    clip[:, 2] = depth
    assert (cover(clip, triangles) >= 0).all()
    clip[:, 2] *= 1.001
    assert (cover(clip, triangles) == visibility.BACKGROUND).all()


def test_cover_pixels_both_windings_unless_culled():
    clip, triangles = rendering_scenes.quad(1.0)  # Counter-clockwise.
    flipped = triangles[:, ::-1]
    assert (cover(clip, flipped) >= 0).all()
    assert (cover(clip, triangles, cull_back_faces=True) >= 0).all()
    assert (cover(clip, flipped, cull_back_faces=True) < 0).all()


def test_cover_pixels_compiled_equals_graph_and_images_are_independent():
    clips = np.stack([rendering_scenes.soup(seed, 80, 0.8)[0] for seed in range(3)])
    clips, triangles = filled_up(clips, rendering_scenes.soup(0, 80, 0.8)[1])
    compiled = visibility.visible_triangles(clips, triangles, SIZE, jit_compile=True).numpy()
    graph = visibility.visible_triangles(clips, triangles, SIZE, jit_compile=False).numpy()
    np.testing.assert_array_equal(compiled, graph)
    for clip, ids in zip(clips, compiled, strict=True):
        np.testing.assert_array_equal(cover(clip, triangles), ids)


def test_cover_pixels_dynamic_batch():
    clip, triangles = rendering_scenes.bumpy_sheet(8)
    clip, triangles = filled_up(clip[np.newaxis], triangles)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 4])])
    def cover_batch(clip_vertices):
        return visibility.visible_triangles(clip_vertices, triangles, SIZE)

    one = cover_batch(clip).numpy()
    for batch_size in (0, 1, 3):
        ids = cover_batch(np.repeat(clip, batch_size, axis=0)).numpy()
        np.testing.assert_array_equal(ids, np.repeat(one, batch_size, axis=0))


def test_cover_pixels_inside_tf_data():
    clip, triangles = rendering_scenes.bumpy_sheet(8)
    clips, triangles = filled_up(np.repeat(clip[np.newaxis], 4, axis=0), triangles)
    for jit_compile in (False, True):
        dataset = tf.data.Dataset.from_tensor_slices(clips).batch(2)
        dataset = dataset.map(
            lambda clip, jit=jit_compile: visibility.visible_triangles(
                clip, triangles, SIZE, jit_compile=jit
            )
        )
        ids = np.concatenate(list(dataset.as_numpy_iterator()))
        np.testing.assert_array_equal(ids, np.repeat(cover(clips[0], triangles)[None], 4, axis=0))


def test_cover_pixels_without_triangles():
    clip = rendering_scenes.quad(1.0)[0][np.newaxis]
    ids = visibility.visible_triangles(clip, np.zeros((0, 3), np.int32), SIZE)
    assert (ids.numpy() == visibility.BACKGROUND).all()


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(
    corners=strategies.lists(
        strategies.tuples(*[strategies.integers(-8192, 8192)] * 2, strategies.integers(1, 16)),
        min_size=12,
        max_size=12,
    )
)
def test_cover_pixels_random(corners):
    corners = np.array(corners, np.float32) / 4096
    clip = np.stack([corners[:, 0], corners[:, 1], 0 * corners[:, 0], 256 * corners[:, 2]], axis=-1)
    clip[:, :2] *= clip[:, 3:]
    clip[:, 2] = 0.25 * clip[:, 3] * np.arange(12) / 12
    triangles = np.arange(12, dtype=np.int32).reshape(4, 3)
    ids = cover(clip, triangles, (16, 16))
    rendering_truth.assert_covered(ids, clip, triangles, (16, 16))


@hypothesis.settings(max_examples=15, deadline=None)
@hypothesis.given(seed=strategies.integers(0, 2**31), jitter=strategies.floats(0, 0.04))
def test_cover_pixels_neighbours_leave_no_gap(seed, jitter):
    """A triangulated plane covers every pixel, wherever its inner vertices lie."""
    side = 12
    across, down = np.meshgrid(*[np.linspace(-1.2, 1.2, side)] * 2)
    vertices = np.stack([across, -down, 0 * down, np.ones_like(down)], axis=-1)
    vertices[1:-1, 1:-1, :2] += np.random.default_rng(seed).uniform(-jitter, jitter, (10, 10, 2))
    triangles = rendering_scenes.bumpy_sheet(side)[1]
    assert (cover(vertices.reshape(-1, 4).astype(np.float32), triangles) >= 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((4, 4)), np.zeros((2, 3)), SIZE), "`clip_vertices` must have shape"),
        ((np.zeros((1, 4, 3)), np.zeros((2, 3)), SIZE), "`clip_vertices` must have shape"),
        ((np.zeros((1, 4, 4)), np.zeros((2, 4)), SIZE), "`triangles` must have shape"),
        ((np.zeros((1, 4, 4)), np.zeros((2, 3)), (0, 8)), "`image_size` must be positive"),
    ],
)
def test_cover_pixels_exception_raised(arguments, message):
    with pytest.raises(ValueError, match=message):
        visibility.visible_triangles(*arguments)


@pytest.mark.parametrize("name", ["few_large", "small", "huge", "sheet"])
def test_excluded_triangles_leave_the_next_ones(name):
    """Depth peeling: each layer is the nearest of what the layers before it leave."""
    size = (24, 40)
    clip, triangles = rendering_scenes.SCENES[name]()
    layers = []
    for _ in range(3):
        excluded = np.stack(layers, axis=1) if layers else None
        layers.append(cover(clip, triangles, size, excluded=excluded)[np.newaxis])
    depths = rendering_truth.cover_all(clip, triangles, size, tolerance=1e-6)
    order = np.sort(depths, axis=0)
    for index, ids in enumerate(layers):
        seen = ids[0] >= 0
        chosen = np.take_along_axis(depths, np.maximum(ids, 0), axis=0)[0]
        np.testing.assert_allclose(chosen[seen], order[index][seen], atol=1e-4)
        assert (seen == np.isfinite(order[index])).mean() > 0.99
        for earlier in layers[:index]:
            assert (ids[0][seen] != earlier[0][seen]).all()
    assert (layers[1] >= 0).any() or name == "sheet"
