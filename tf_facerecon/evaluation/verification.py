"""Face verification: do two images show the same person, by cosine similarity of embeddings?"""

import numpy as np

from tf_facerecon.metrics.embedding_distance import cosine_similarities


def verification_scores(vectors: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Verification accuracy and ROC AUC over all pairs of images.

    The accuracy is balanced (mean of the true positive and the true negative rate) and two-fold
    cross-validated: the threshold is chosen on one half of the people and tested on the other.

    Args:
        vectors: One embedding `[N, D]` per image.
        people: `[N]`, label of the person in each image.

    Returns:
        `accuracy`, balanced, mean over the two folds; `area_under_curve` of the ROC over all pairs;
        `same_cosine` and `different_cosine`, mean similarity of the pairs of one person and of two.

    Raises:
        ValueError: If there are fewer than four people or one of them has only one image.
    """
    from sklearn import metrics

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
    labels = np.arange(len(same) + len(different)) < len(same)
    return {
        "accuracy": float(np.mean(accuracies)),
        "area_under_curve": float(metrics.roc_auc_score(labels, np.concatenate([same, different]))),
        "same_cosine": float(same.mean()),
        "different_cosine": float(different.mean()),
    }


def _pairs(similarities, people) -> tuple[np.ndarray, np.ndarray]:
    """Sorted similarities of the pairs of one person, and of the pairs of two people."""
    first, second = np.triu_indices(len(people), k=1)
    is_same = people[first] == people[second]
    values = similarities[first, second]
    return np.sort(values[is_same]), np.sort(values[~is_same])


def _balanced_accuracy(same, different, threshold) -> float:
    true_positives = 1 - np.searchsorted(same, threshold) / len(same)
    true_negatives = np.searchsorted(different, threshold) / len(different)
    return float(true_positives + true_negatives) / 2


def _best_threshold(same, different) -> float:
    true_positives = 1 - np.arange(len(same)) / len(same)
    true_negatives = np.searchsorted(different, same) / len(different)
    return float(same[np.argmax(true_positives + true_negatives)])
