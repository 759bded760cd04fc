"""How well a vector tells whether two pictures show the same person."""

import numpy as np


def cosine_similarities(vectors: np.ndarray) -> np.ndarray:
    """Cosines `[N, N]` of `vectors` `[N, D]`; 0 where a vector vanishes."""
    vectors = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit @ unit.T


def verification_scores(vectors: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Same or different person? Over all pairs of pictures, both answers weighted alike.

    The threshold is chosen on one half of the people and tried on the other, and the other way
    round.

    Args:
        vectors: One vector `[N, D]` per picture.
        people: `[N]`, whom the picture shows.

    Returns:
        `accuracy`, mean of the shares of same and of different pairs answered rightly;
        `area_under_curve`, probability that a same pair is more alike than a different one;
        `same_cosine` and `different_cosine`, mean similarities.

    Raises:
        ValueError: If there are fewer than four people or one of them has only one picture.
    """
    people = np.asarray(people)
    names, counts = np.unique(people, return_counts=True)
    if len(names) < 4 or counts.min() < 2:
        raise ValueError(
            "`people` must name at least four people, each at least twice. "
            f"Received: {len(names)} people, the rarest {counts.min()} times."
        )
    similarities = cosine_similarities(vectors)
    halves = [np.isin(people, names[start::2]) for start in (0, 1)]
    pairs = [_pairs(similarities[half][:, half], people[half]) for half in halves]
    accuracies = [
        _balanced_accuracy(*pairs[1 - chosen], _best_threshold(*pairs[chosen])) for chosen in (0, 1)
    ]
    same, different = _pairs(similarities, people)
    return {
        "accuracy": float(np.mean(accuracies)),
        "area_under_curve": _area_under_curve(same, different),
        "same_cosine": float(same.mean()),
        "different_cosine": float(different.mean()),
    }


def _pairs(similarities, people) -> tuple[np.ndarray, np.ndarray]:
    """Sorted similarities of same and of different pairs."""
    first, second = np.triu_indices(len(people), k=1)
    is_same = people[first] == people[second]
    values = similarities[first, second]
    return np.sort(values[is_same]), np.sort(values[~is_same])


def _balanced_accuracy(same, different, threshold) -> float:
    hits = 1 - np.searchsorted(same, threshold) / len(same)
    rejections = np.searchsorted(different, threshold) / len(different)
    return float(hits + rejections) / 2


def _best_threshold(same, different) -> float:
    hits = 1 - np.arange(len(same)) / len(same)
    rejections = np.searchsorted(different, same) / len(different)
    return float(same[np.argmax(hits + rejections)])


def _area_under_curve(same, different) -> float:
    """Mann-Whitney statistic; ties count half."""
    below = np.searchsorted(different, same, side="left")
    not_above = np.searchsorted(different, same, side="right")
    return float((below + not_above).mean() / (2 * len(different)))
