"""Text files with the landmarks of a face in a photograph: one line `column row` per point."""

import pathlib

import numpy as np


def points_path(photo: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Path of the landmark file of `photo` in a `folder` of such files."""
    return folder / f"{photo.stem}.txt"


def read_points(path: pathlib.Path, *counts: int) -> np.ndarray:
    """Reads points from a text file.

    Args:
        path: The file.
        *counts: Allowed numbers of rows.

    Returns:
        float64 `[count, 2]`, finite.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not hold that many rows of two finite numbers.
    """
    try:
        points = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path} does not hold rows of numbers: {error}.") from error
    if points.shape not in [(count, 2) for count in counts] or not np.isfinite(points).all():
        raise ValueError(
            f"{path} must hold {' or '.join(map(str, counts))} rows of two finite numbers. "
            f"Received: shape {list(points.shape)}, {np.isfinite(points).sum()} of them finite."
        )
    return points
