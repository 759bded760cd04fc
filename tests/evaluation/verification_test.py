import numpy as np
import pytest

from tf_facerecon.evaluation import verification
from tf_facerecon.metrics import embedding_distance

PEOPLE = np.repeat(np.arange(6), 3)


def test_verification_scores_of_perfect_vectors():
    scores = verification.verification_scores(np.eye(6)[PEOPLE], PEOPLE)
    expected = {"accuracy": 1, "area_under_curve": 1, "same_cosine": 1, "different_cosine": 0}
    assert scores == pytest.approx(expected)


def test_verification_scores_of_random_vectors(rng):
    people = np.repeat(np.arange(60), 4)
    scores = verification.verification_scores(rng.normal(size=(240, 32)), people)
    assert scores["accuracy"] == pytest.approx(0.5, abs=0.05)
    assert scores["area_under_curve"] == pytest.approx(0.5, abs=0.05)


def test_verification_scores_area_is_the_share_of_ordered_pairs(rng):
    people = np.repeat(np.arange(4), 2)
    vectors = np.eye(4)[people] + rng.normal(scale=0.6, size=(8, 4))
    similarities = embedding_distance.cosine_similarities(vectors)
    same, different = [], []
    for i in range(8):
        for j in range(i):
            (same if people[i] == people[j] else different).append(similarities[i, j])
    ordered = np.mean([a > b for a in same for b in different])
    scores = verification.verification_scores(vectors, people)
    assert scores["area_under_curve"] == pytest.approx(ordered)
    assert scores["same_cosine"] == pytest.approx(np.mean(same))


def test_verification_scores_of_constant_vectors():
    """Ties count one half: answering "same person" for every pair earns nothing."""
    scores = verification.verification_scores(np.ones((18, 2)), PEOPLE)
    assert scores["area_under_curve"] == pytest.approx(0.5)
    assert scores["accuracy"] == pytest.approx(0.5)


@pytest.mark.parametrize("people", [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2, 3]])
def test_verification_scores_exception_raised(people):
    with pytest.raises(ValueError, match="at least four people"):
        verification.verification_scores(np.ones((len(people), 2)), people)
