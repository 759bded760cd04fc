"""JSON files with NumPy arrays and scalars, written atomically."""

import json
import os
from typing import Any

import numpy as np

from tf_facerecon.io import atomic_files


def write_json(path: str | os.PathLike, data: Any) -> None:
    """Writes JSON data, which may contain NumPy arrays and scalars; atomically.

    Args:
        path: The file; missing parent folders are created.
        data: JSON-serialisable data.

    Raises:
        TypeError: If a value is not JSON-serialisable.
        ValueError: If a number is not finite.
        OSError: If the file cannot be written; see `atomic_files.atomic_path`.
    """
    text = json.dumps(data, indent=2, default=_plain, allow_nan=False)
    atomic_files.write_text(path, text + "\n")


def _plain(value):
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON-serialisable.")
