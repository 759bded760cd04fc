"""Selection of dense landmarks: vertices spread over the face, for networks that predict them."""

import numpy as np

from tf_facerecon.morphable_models.morphable_model import MorphableModel


def sample_vertices(face_model: MorphableModel, count: int) -> np.ndarray:
    """The 68 landmarks, then further vertices of the face by farthest-point sampling.

    Greedy farthest-point sampling on the mean shape inside `face_region`, deterministic; the result
    for a smaller `count` is a prefix of that for a larger one.

    Args:
        face_model: The 3DMM.
        count: Number of vertices.

    Returns:
        Vertex indices, int32 `[count]`, unique if the landmarks are.

    Raises:
        ValueError: If `count` is not positive or exceeds the number of vertices of the face.
    """
    shape = face_model.mean_shape.astype(np.float64)
    candidates = np.flatnonzero(face_model.face_region > 0.5)
    chosen = list(face_model.landmarks)
    limit = len(chosen) + len(np.setdiff1d(candidates, chosen))
    if not 1 <= count <= limit:
        raise ValueError(
            f"`count` must be between 1 and {limit}, the number of vertices of the face of "
            f"{face_model.name!r}. Received: {count}."
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
