import numpy as np
import pytest

from tf_facerecon.geometry import rotations, similarity_alignment
from tf_facerecon.metrics import vertex_distance


@pytest.fixture
def pose(rng):
    rotation = rotations.rotation_matrix_from_euler(rng.uniform(-1, 1, 3)).numpy()
    return rotation, rng.normal(size=3)


def test_vertex_distance_mm_preset():
    predicted = np.zeros([2, 3])
    predicted[1] = [0.03, 0.04, 0.0]  # Decimetres: 5 mm.
    assert vertex_distance.vertex_distance_mm(
        predicted, np.zeros([2, 3]), align=None
    ) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("align", "scale", "vanishes"),
    [
        (None, 1.0, False),
        ("rigid", 1.0, True),
        ("rigid", 1.3, False),
        ("similarity", 1.0, True),
        ("similarity", 1.3, True),
    ],
)
def test_vertex_distance_mm_ignores_only_what_is_aligned(rng, pose, align, scale, vanishes):
    true = rng.normal(size=(50, 3))
    predicted = similarity_alignment.apply_similarity(true, scale, *pose)
    distance = vertex_distance.vertex_distance_mm(predicted, true, align=align)
    assert (distance < 1e-10) == vanishes


def test_vertex_distance_mm_of_noise_is_that_of_the_noise(rng, pose):
    true = rng.normal(size=(2000, 3))
    noise = rng.normal(scale=0.01, size=true.shape)
    predicted = similarity_alignment.apply_similarity(true + noise, 1.0, *pose)
    expected = 100 * np.linalg.norm(noise, axis=-1).mean()
    distance = vertex_distance.vertex_distance_mm(predicted, true)
    assert distance == pytest.approx(expected, rel=1e-2)
    assert isinstance(distance, float)


SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])


@pytest.mark.parametrize(
    ("predicted", "true", "align", "message"),
    [
        (SQUARE, SQUARE, "icp", "`align` must be"),
        (SQUARE, SQUARE[:3], None, "`true` must have shape"),
        (SQUARE[None], SQUARE[None], None, "`predicted` must have shape"),
        (SQUARE * np.nan, SQUARE, None, "`predicted` must hold at least one vertex and be finite"),
        (SQUARE[:0], SQUARE[:0], None, "at least one vertex"),
        (SQUARE, SQUARE + np.inf, "rigid", "`true` must hold at least one vertex and be finite"),
        (SQUARE * 0, SQUARE, "similarity", "do not lie on one line"),
    ],
)
def test_vertex_distance_mm_exception_raised(predicted, true, align, message):
    with pytest.raises(ValueError, match=message):
        vertex_distance.vertex_distance_mm(predicted, true, align=align)


def test_vertex_offsets_mm_preset():
    true = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    predicted = true + [[0.01, 0.0, -0.02], [0.0, 0.0, 0.0], [0.0, 0.03, 0.0]]
    offsets = vertex_distance.vertex_offsets_mm(predicted, true, align=None)
    np.testing.assert_allclose(offsets, [[1, 0, -2], [0, 0, 0], [0, 3, 0]], atol=1e-9)


def test_vertex_offsets_mm_are_in_the_frame_of_the_true_mesh(rng):
    """A mesh that lies turned is brought back first: an error in depth is one in depth."""
    true = rng.normal(size=(40, 3))
    deeper = true + [0.0, 0.0, 0.05] * np.sign(rng.normal(size=(40, 1)))
    quarter_turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = deeper @ quarter_turn.T + 3.0
    np.testing.assert_allclose(
        vertex_distance.vertex_offsets_mm(turned, true),
        vertex_distance.vertex_offsets_mm(deeper, true),
        atol=1e-9,
    )
