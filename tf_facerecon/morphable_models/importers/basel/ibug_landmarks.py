"""The 68 iBUG landmarks of Basel models that come with only some named landmarks.

Source: names as in the landmark lists of the Basel Face Models 2017 and 2019; the template of
`face_domain` comes from the mean face of the Basel Face Model 2009.
"""

import os
import pathlib
from collections.abc import Mapping

import numpy as np

from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.morphable_models.parameterization import face_domain

LANDMARK_FILE = "landmarks68.txt"

# Only names that denote exactly the iBUG point.
_IBUG_NUMBERS = {
    "center.chin.tip": 8,
    "center.nose.tip": 30,
    "center.nose.attachement_to_philtrum": 33,
    "right.eye.corner_outer": 36,
    "right.eye.corner_inner": 39,
    "left.eye.corner_inner": 42,
    "left.eye.corner_outer": 45,
    "right.lips.corner": 48,
    "right.lips.philtrum_ridge": 50,
    "center.lips.upper.outer": 51,
    "left.lips.philtrum_ridge": 52,
    "left.lips.corner": 54,
    "center.lips.lower.outer": 57,
    "center.lips.upper.inner": 62,
    "center.lips.lower.inner": 66,
}
_MIN_NAMED = 8
_MAX_DISTANCE = 0.1  # From a named landmark to the mesh, decimetres.
_MAX_SCALE = 1.5  # Mean faces have similar sizes; a larger ratio means another unit.
_MAX_FILE_BYTES = 1 << 16


def landmarks_from_names(
    vertices: np.ndarray, named_points: Mapping[str, np.ndarray], label: str
) -> np.ndarray:
    """The vertices nearest to the 68 landmarks, by warping a template to the named ones.

    The template is aligned with the named points by a similarity transform; the residuals are
    interpolated to the other points by radial basis functions. Named points are met exactly.

    Args:
        vertices: `[V, 3]` mean shape, decimetres.
        named_points: Landmark names of the Basel models to `[3]` points, in the frame of
            `vertices`.
        label: Name of the model in error messages.

    Returns:
        int32 `[68]` vertices.

    Raises:
        ValueError: If too few points are named, they do not lie on the mesh, or their size is not
            that of a face.
    """
    from scipy import interpolate, spatial

    numbers = {name: _IBUG_NUMBERS[name] for name in _IBUG_NUMBERS if name in named_points}
    if len(numbers) < _MIN_NAMED:
        missing = ", ".join(name for name in _IBUG_NUMBERS if name not in numbers)
        raise ValueError(
            f"{label} must name at least {_MIN_NAMED} of the points from which the 68 landmarks "
            f"are derived; it lacks {missing}. Alternatively put a file {LANDMARK_FILE!r} beside "
            "it: 68 lines in iBUG order, each a 0-based vertex index or a point x y z in "
            "millimetres."
        )
    points = np.array([named_points[name] for name in numbers])
    tree = spatial.KDTree(vertices)
    distances = tree.query(points)[0]
    if distances.max() > _MAX_DISTANCE:
        name = list(numbers)[int(distances.argmax())]
        raise ValueError(
            f"The landmark {name!r} of {label} must lie on the mean face. "
            f"Received: a point {100 * distances.max():.1f} mm away from it."
        )
    known = list(numbers.values())
    template = face_domain.landmark_template()
    similarity = similarity_alignment.similarity_transform(template[known], points)
    if not 1 / _MAX_SCALE < similarity[0] < _MAX_SCALE:
        raise ValueError(
            f"{label} must be in millimetres. Received: a face {similarity[0]:.3g} times as large "
            "as an average face."
        )
    aligned = similarity_alignment.apply_similarity(template, *similarity)
    residual = interpolate.RBFInterpolator(
        aligned[known], points - aligned[known], kernel="linear", degree=0
    )
    return tree.query(aligned + residual(aligned))[1].astype(np.int32)


def landmarks_from_file(path: str | os.PathLike, vertices: np.ndarray) -> np.ndarray:
    """Reads 68 user-defined landmarks: vertex indices, or points in millimetres.

    Args:
        path: Text file of 68 lines with one integer or three numbers each.
        vertices: `[V, 3]` mean shape, decimetres, in the frame of the points.

    Returns:
        int32 `[68]` vertices; for points the nearest ones.

    Raises:
        ValueError: If the file has other contents, or a vertex index is out of range.
    """
    from scipy import spatial

    path = pathlib.Path(path)
    with open(path, "rb") as file:
        rows = [line.split() for line in file.read(_MAX_FILE_BYTES).splitlines() if line.strip()]
    try:
        values = np.array([[float(word) for word in row] for row in rows])
    except ValueError as error:
        raise ValueError(f"{str(path)!r} must hold a table of numbers: {error}") from error
    if values.shape not in ((68, 1), (68, 3)) or not np.isfinite(values).all():
        raise ValueError(
            f"{str(path)!r} must hold 68 lines with one vertex index or three coordinates each. "
            f"Received: shape {values.shape}."
        )
    if values.shape[1] == 3:
        return spatial.KDTree(vertices).query(values / 100.0)[1].astype(np.int32)
    if (values != np.round(values)).any() or values.min() < 0 or values.max() >= len(vertices):
        raise ValueError(
            f"{str(path)!r} must hold vertex indices from 0 to {len(vertices) - 1}. "
            f"Received: {values.min():g} to {values.max():g}."
        )
    return values[:, 0].astype(np.int32)
