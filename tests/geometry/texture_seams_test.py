import numpy as np
import pytest

from tf_facerecon.geometry import texture_seams

TRIANGLES = np.array([[0, 1, 2], [2, 1, 3]])


def test_cut_seams_preset():
    # Corner 1 of the second triangle lies elsewhere in the texture than in the first.
    cut = texture_seams.cut_seams(TRIANGLES, np.array([[0, 1, 2], [2, 4, 3]]))
    np.testing.assert_array_equal(cut.vertices, [0, 1, 1, 2, 3])
    np.testing.assert_array_equal(cut.uv, [0, 1, 4, 2, 3])
    np.testing.assert_array_equal(cut.triangles, [[0, 1, 3], [3, 2, 4]])
    assert cut.triangles.dtype == np.int32


def test_cut_seams_without_seams_changes_nothing():
    cut = texture_seams.cut_seams(TRIANGLES)
    np.testing.assert_array_equal(cut.vertices, np.arange(4))
    np.testing.assert_array_equal(cut.uv, np.arange(4))
    np.testing.assert_array_equal(cut.triangles, TRIANGLES)


def test_cut_seams_random(rng):
    triangles, uv_triangles = rng.integers(0, 30, (50, 3)), rng.integers(0, 90, (50, 3))
    cut = texture_seams.cut_seams(triangles, uv_triangles)
    np.testing.assert_array_equal(cut.vertices[cut.triangles], triangles)
    np.testing.assert_array_equal(cut.uv[cut.triangles], uv_triangles)
    pairs = set(zip(cut.vertices.tolist(), cut.uv.tolist(), strict=True))
    assert len(pairs) == len(cut.vertices)


def test_cut_seams_exception_raised():
    with pytest.raises(ValueError, match="shape of `triangles`"):
        texture_seams.cut_seams(TRIANGLES, TRIANGLES[:1])
