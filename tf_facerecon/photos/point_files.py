"""Text files that say where a face is in its photograph: a row `column row` for each point."""

import pathlib

import numpy as np


def points_path(photo: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The file that holds the points of `photo` in a `folder` of such files."""
    return folder / f"{photo.stem}.txt"


def read_points(path: pathlib.Path, *counts: int) -> np.ndarray:
    """Reads points from a text file.

    Args:
        path: The file.
        *counts: How many rows it may have.

    Returns:
        float64 `[count, 2]`, finite.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds anything but so many rows of two finite numbers.
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
