import numpy as np
import pytest

from tests import toy_face
from tf_facerecon.morphable_models import vertex_sampling
from tf_facerecon.morphable_models.morphable_model import MorphableModel


@pytest.fixture(scope="module")
def face_model():
    return MorphableModel.from_preset("procedural-4000")


def test_spread_vertices_preset(face_model):
    chosen = vertex_sampling.sample_vertices(face_model, 160)
    assert chosen.dtype == np.int32
    np.testing.assert_array_equal(chosen[:68], face_model.landmarks)
    assert len(set(chosen[68:])) == 92
    assert np.all(face_model.face_region[chosen[68:]] > 0.5)


def test_spread_vertices_each_is_the_farthest_from_those_before(face_model):
    chosen = vertex_sampling.sample_vertices(face_model, 90)
    shape = face_model.mean_shape.astype(np.float64)
    candidates = shape[face_model.face_region > 0.5]
    for number in (68, 75, 89):
        before = shape[chosen[:number]]
        gaps = np.linalg.norm(candidates[:, None] - before[None], axis=-1).min(axis=1)
        own = np.linalg.norm(before - shape[chosen[number]], axis=-1).min()
        np.testing.assert_allclose(own, gaps.max(), rtol=1e-12)


def test_spread_vertices_begin_alike(face_model):
    few = vertex_sampling.sample_vertices(face_model, 80)
    many = vertex_sampling.sample_vertices(face_model, 100)
    np.testing.assert_array_equal(few, many[:80])
    np.testing.assert_array_equal(
        vertex_sampling.sample_vertices(face_model, 5), face_model.landmarks[:5]
    )


@pytest.mark.parametrize("count", [0, -1, 10**6])
def test_spread_vertices_exception_raised(count):
    with pytest.raises(ValueError, match="`count` must be between 1 and"):
        vertex_sampling.sample_vertices(toy_face.build_toy_face_model(), count)


def test_spread_vertices_takes_all_a_face_offers():
    face_model = toy_face.build_toy_face_model()
    offered = len(set(np.flatnonzero(face_model.face_region > 0.5)) - set(face_model.landmarks))
    chosen = vertex_sampling.sample_vertices(face_model, 68 + offered)
    assert len(set(chosen[68:])) == offered
