"""The stranger is far from most, and the others do not mind him."""

import numpy as np
import pytest

from tf_facerecon.metrics import embedding_distance


def test_identity_distances_preset():
    same, stranger = [2.0, 0.0], [0.0, 0.5]
    found = embedding_distance.embedding_distances([same, same, stranger, same])
    np.testing.assert_allclose(found, [0.0, 0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(embedding_distance.embedding_distances([same, stranger]), [1.0, 1.0])
    three = embedding_distance.embedding_distances([same, stranger, same])
    np.testing.assert_allclose(three, [0.0, 1.0, 0.0], atol=1e-12)
    # Two pictures of one stranger among five.
    five = embedding_distance.embedding_distances([same, stranger, same, stranger, same])
    np.testing.assert_allclose(five, [0.0, 1.0, 0.0, 1.0, 0.0], atol=1e-12)
    assert np.isnan(embedding_distance.embedding_distances([same])).all()


def test_threshold_lies_between_one_and_two_people():
    assert 0.21 < embedding_distance.MAX_EMBEDDING_DISTANCE < 1.0


@pytest.mark.parametrize("bad", [[[0.0, 0.0], [1.0, 0.0]], [[np.nan, 0.0], [1.0, 0.0]], [1.0]])
def test_identity_distances_exception_raised(bad):
    with pytest.raises(ValueError, match="`embeddings` must"):
        embedding_distance.embedding_distances(bad)
