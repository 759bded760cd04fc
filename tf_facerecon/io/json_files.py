"""Writing JSON."""

import json
import os
from typing import Any

import numpy as np

from tf_facerecon.io import atomic_files


def write_json(path: str | os.PathLike, data: Any) -> None:
    """Writes plain data, in which NumPy arrays and numbers may stand; whole or not at all.

    Args:
        path: The file; missing parent folders are made.
        data: What JSON can hold.

    Raises:
        TypeError: If something in it has no form in JSON.
        ValueError: If a number is not finite.
        OSError: If the file cannot be written; see `atomic_files.atomic_path`.
    """
    text = json.dumps(data, indent=2, default=_plain, allow_nan=False)
    atomic_files.write_text(path, text + "\n")


def _plain(value):
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON.")
