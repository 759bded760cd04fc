"""Vertices that stand for the whole face, for networks that learn to find them in pictures."""

import numpy as np

from tf_facerecon.morphable_models.morphable_model import MorphableModel


def sample_vertices(face_model: MorphableModel, count: int) -> np.ndarray:
    """The 68 landmarks, then vertices of the face that are as far from all before as possible.

    Greedy farthest-point sampling on the mean shape inside `face_region`; the same model gives the
    same vertices, and a smaller `count` a beginning of a larger one's.

    Args:
        face_model: The 3DMM.
        count: How many vertices.

    Returns:
        Vertex indices, int32 `[count]`, all different where the landmarks are.

    Raises:
        ValueError: If `count` is not positive or greater than the face has vertices.
    """
    shape = face_model.mean_shape.astype(np.float64)
    candidates = np.flatnonzero(face_model.face_region > 0.5)
    chosen = list(face_model.landmarks)
    limit = len(chosen) + len(np.setdiff1d(candidates, chosen))
    if not 1 <= count <= limit:
        raise ValueError(
            f"`count` must be between 1 and {limit}, what the face model "
            f"{face_model.name!r} offers. Received: {count}."
        )
    points = shape[candidates]
    distance = np.full(len(candidates), np.inf)
    for vertex in chosen:
        distance = np.minimum(distance, np.linalg.norm(points - shape[vertex], axis=-1))
    while len(chosen) < count:
        farthest = int(np.argmax(distance))
        chosen.append(candidates[farthest])
        distance = np.minimum(distance, np.linalg.norm(points - points[farthest], axis=-1))
    return np.array(chosen[:count], np.int32)
