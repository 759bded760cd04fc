"""Cosine similarities; an image of another person is far from most, the others stay close."""

import numpy as np
import pytest

from tf_facerecon.metrics import embedding_distance


def test_cosine_similarities_preset():
    vectors = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [0.0, 0.0]])
    half = np.sqrt(0.5)
    expected = [[1, 0, half, 0], [0, 1, half, 0], [half, half, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(embedding_distance.cosine_similarities(vectors), expected)


def test_paired_cosines_preset():
    first = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [0.0, 0.0]])
    second = np.array([[-1.0, 0.0], [5.0, 0.0], [0.0, 4.0], [1.0, 0.0]])
    found = embedding_distance.paired_cosines(first, second)
    np.testing.assert_allclose(found, [-1, 0, np.sqrt(0.5), 0])
    with pytest.raises(ValueError, match="`second` must have shape"):
        embedding_distance.paired_cosines(first, second[:3])


def test_embedding_distances_preset():
    same, other = [2.0, 0.0], [0.0, 0.5]
    found = embedding_distance.embedding_distances([same, same, other, same])
    np.testing.assert_allclose(found, [0.0, 0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(embedding_distance.embedding_distances([same, other]), [1.0, 1.0])
    three = embedding_distance.embedding_distances([same, other, same])
    np.testing.assert_allclose(three, [0.0, 1.0, 0.0], atol=1e-12)
    # Two images of another person among five.
    five = embedding_distance.embedding_distances([same, other, same, other, same])
    np.testing.assert_allclose(five, [0.0, 1.0, 0.0, 1.0, 0.0], atol=1e-12)
    assert np.isnan(embedding_distance.embedding_distances([same])).all()


def test_threshold_lies_between_one_and_two_people():
    assert 0.21 < embedding_distance.MAX_EMBEDDING_DISTANCE < 1.0


@pytest.mark.parametrize("bad", [[[0.0, 0.0], [1.0, 0.0]], [[np.nan, 0.0], [1.0, 0.0]], [1.0]])
def test_embedding_distances_exception_raised(bad):
    with pytest.raises(ValueError, match="`embeddings` must"):
        embedding_distance.embedding_distances(bad)
