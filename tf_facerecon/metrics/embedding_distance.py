"""Cosine similarity of identity embeddings, and outliers among the photographs of one person."""

import numpy as np

from tf_facerecon.core import checks

# Between the mean cosine distances that the shipped identity network gives for images of one
# person (0.21) and of two people (1.0), nearer to the latter: corrupted images of one person lie in
# between.
MAX_EMBEDDING_DISTANCE = 0.75


def cosine_similarities(vectors: np.ndarray) -> np.ndarray:
    """Cosine similarities `[N, N]` float64 of `vectors` `[N, D]`; 0 where a vector is zero."""
    unit = _unit(vectors)
    return unit @ unit.T


def paired_cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine similarity of each row of two arrays.

    Args:
        first: `[N, D]`, of any length.
        second: `[N, D]`.

    Returns:
        `[N]` float64; 0 where a vector is zero.

    Raises:
        ValueError: If a shape differs.
    """
    checks.check_shape("first", np.asarray(first), (None, None))
    checks.check_shape("second", np.asarray(second), np.shape(first))
    return np.sum(_unit(first) * _unit(second), axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors `[..., D]` of length 1, float64; a zero vector stays zero."""
    vectors = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def embedding_distances(embeddings: np.ndarray) -> np.ndarray:
    """Median cosine distance of each photograph's embedding to those of the others.

    The median is robust to a few images of other people: only those are far from most of the
    others. (Of an even number of others the lower median is taken: in a set of three with one
    image of another person, the remaining two still match each other.) In a set of two, both have
    the same distance.

    Args:
        embeddings: `[N, D]`, of any length but 0.

    Returns:
        `[N]` float64, 0 for the same direction, 1 for orthogonal ones; NaN for a single photograph,
        which has nothing to be compared with.

    Raises:
        ValueError: If the shape differs, or an embedding is zero or not finite.
    """
    embeddings = np.asarray(embeddings, np.float64)
    checks.check_shape("embeddings", embeddings, (None, None))
    if not (np.isfinite(embeddings).all() and embeddings.any(axis=1).all()):
        raise ValueError("`embeddings` must be finite and not zero.")
    count = len(embeddings)
    if count < 2:
        return np.full(count, np.nan)
    distances = 1.0 - cosine_similarities(embeddings)
    others = ~np.eye(count, dtype=bool)
    sorted_distances = np.sort(distances[others].reshape(count, -1), axis=1)
    return sorted_distances[:, (count - 2) // 2]
