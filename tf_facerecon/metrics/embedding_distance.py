"""Whether the photographs of a set show one person, by distances of identity embeddings."""

import numpy as np

from tf_facerecon.core import checks

# Between what the shipped identity network says of one person's pictures (mean distance 0.21) and
# of two people's (1.0), nearer to these: bad frames of one person lie between.
MAX_EMBEDDING_DISTANCE = 0.75


def embedding_distances(embeddings: np.ndarray) -> np.ndarray:
    """How unlike the others each photograph is: its median cosine distance to them.

    The median does not mind a few strangers among the photographs of a person: only the strangers
    are far from most others. (Of an even number of others the lower middle one is taken: in a set
    of three with one stranger, the other two still know one another.) In a set of two both are as
    far from one another.

    Args:
        embeddings: `[N, D]`, of any length but 0.

    Returns:
        `[N]` float64, 0 for the same direction, 1 for unrelated ones; NaN for a single photograph,
        which has nobody to be compared with.

    Raises:
        ValueError: If the shape differs, or an embedding is zero or not finite.
    """
    embeddings = np.asarray(embeddings, np.float64)
    checks.check_shape("embeddings", embeddings, (None, None))
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError("`embeddings` must be finite and not zero.")
    if len(embeddings) < 2:
        return np.full(len(embeddings), np.nan)
    unit = embeddings / lengths
    distances = 1.0 - unit @ unit.T
    others = ~np.eye(len(unit), dtype=bool)
    sorted_distances = np.sort(distances[others].reshape(len(unit), -1), axis=1)
    return sorted_distances[:, (len(unit) - 2) // 2]
