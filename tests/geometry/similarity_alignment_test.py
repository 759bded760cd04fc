import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from tf_facerecon.geometry import rotations, similarity_alignment

SEEDS = strategies.integers(0, 2**32 - 1)


def random_pose(generator):
    angles = generator.uniform(-3, 3, 3)
    return rotations.rotation_matrix_from_euler(angles).numpy(), generator.normal(size=3)


def residual(source, target, *transform):
    moved = similarity_alignment.apply_similarity(source, *transform)
    return np.sum((moved - target) ** 2)


def test_similarity_transform_preset():
    source = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    target = 2 * source[:, [1, 2, 0]] + [1, 2, 3]  # A turn that permutes the axes.
    scale, rotation, translation = similarity_alignment.similarity_transform(source, target)
    assert scale == pytest.approx(2.0)
    np.testing.assert_allclose(rotation, np.eye(3)[[1, 2, 0]], atol=1e-12)
    np.testing.assert_allclose(translation, [1, 2, 3], atol=1e-12)


def test_similarity_transform_matches_the_reference_on_five_points():
    # Recorded from the reference implementation: points of a crop onto the template of ArcFace.
    points = [[73.0412, 88.4422], [130.7931, 86.0499], [85.0029, 122.2779]]
    points += [[75.7763, 149.5273], [134.8046, 145.0125]]
    template = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366]]
    template += [[41.5493, 92.3655], [70.7299, 92.2041]]
    matrix = [[0.58922752, -0.03058947, 0.78955238], [0.03058947, 0.58922752, -0.83780763]]
    scale, rotation, translation = similarity_alignment.similarity_transform(
        np.pad(points, [(0, 0), (0, 1)]), np.pad(template, [(0, 0), (0, 1)])
    )
    found = np.column_stack([scale * rotation[:2, :2], translation[:2]])
    np.testing.assert_allclose(found, matrix, atol=1e-4)


@hypothesis.given(SEEDS, strategies.floats(1e-3, 1e3), strategies.booleans())
@hypothesis.settings(deadline=None, max_examples=50)
def test_similarity_transform_random(seed, scale, with_scale):
    generator = np.random.default_rng(seed)
    scale = scale if with_scale else 1.0
    source = generator.normal(size=(7, 3))
    rotation, translation = random_pose(generator)
    target = similarity_alignment.apply_similarity(source, scale, rotation, translation)
    found = similarity_alignment.similarity_transform(source, target, with_scale=with_scale)
    assert found[0] == pytest.approx(scale)
    np.testing.assert_allclose(found[1], rotation, atol=1e-9)
    np.testing.assert_allclose(found[2], translation, atol=1e-9 * max(scale, 1))


def test_similarity_transform_of_a_plane_is_found(rng):
    source = rng.normal(size=(6, 3)) * [1, 1, 0]
    rotation, translation = random_pose(rng)
    target = similarity_alignment.apply_similarity(source, 3.0, rotation, translation)
    found = similarity_alignment.similarity_transform(source, target)
    np.testing.assert_allclose(found[1], rotation, atol=1e-12)


def test_similarity_transform_never_reflects(rng):
    source = rng.normal(size=(9, 3))
    _, rotation, _ = similarity_alignment.similarity_transform(source, source * [-1, 1, 1])
    assert np.linalg.det(rotation) == pytest.approx(1.0)


@pytest.mark.parametrize("mirror", [1, -1])
def test_similarity_transform_is_a_minimum(rng, mirror):
    source = rng.normal(size=(9, 3))
    target = mirror * source + rng.normal(scale=0.3, size=(9, 3))
    best = similarity_alignment.similarity_transform(source, target)
    least = residual(source, target, *best)
    for _ in range(20):
        nudge = rotations.rotation_matrix_from_euler(rng.normal(scale=1e-2, size=3)).numpy()
        other = (
            best[0] * np.exp(rng.normal(scale=1e-2)),
            nudge @ best[1],
            best[2] + rng.normal(scale=1e-2, size=3),
        )
        assert residual(source, target, *other) > least


def test_similarity_transform_of_float32_is_float64(rng):
    source = rng.normal(size=(5, 3)).astype(np.float32)
    scale, rotation, translation = similarity_alignment.similarity_transform(source, source)
    assert isinstance(scale, float)
    assert rotation.dtype == translation.dtype == np.float64


LINE = np.linspace(0, 1, 5)[:, None] * [1.0, 2.0, 3.0] + [4.0, 5.0, 6.0]
CORNERS = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (CORNERS[:, :2], CORNERS[:, :2], "`source` must have shape"),
        (CORNERS, CORNERS[:4], "`target` must have shape"),
        (CORNERS[:2], CORNERS[:2], "`source` must hold at least three points"),
        (np.zeros([0, 3]), np.zeros([0, 3]), "`source` must hold at least three points"),
        (np.ones([5, 3]), CORNERS, "`source` must hold at least three points"),
        (LINE, CORNERS, "`source` must hold at least three points that do not lie on one line"),
        (CORNERS, LINE, "`target` must hold at least three points that do not lie on one line"),
        (CORNERS * np.nan, CORNERS, "`source` must be finite"),
        (CORNERS, CORNERS + np.inf, "`target` must be finite"),
    ],
)
def test_similarity_transform_exception_raised(source, target, message):
    with pytest.raises(ValueError, match=message):
        similarity_alignment.similarity_transform(source, target)


def test_similarity_transform_refuses_sets_that_do_not_vary_together():
    x, y, zero = np.array([[1.0, 1, -1, -1], [1, -1, 1, -1], [0, 0, 0, 0]])
    source, target = np.stack([x, y, zero], axis=1), np.stack([x, x * y, zero], axis=1)
    with pytest.raises(ValueError, match="must vary together"):
        similarity_alignment.similarity_transform(source, target)


def test_apply_similarity_exception_raised():
    with pytest.raises(ValueError, match="`rotation` must have shape"):
        similarity_alignment.apply_similarity(CORNERS, 1.0, np.eye(4), np.zeros(3))
