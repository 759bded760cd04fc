"""Versions of this package and of the libraries that decide its results."""

import importlib.metadata

import keras
import numpy as np
import tensorflow as tf


def package_versions() -> dict[str, str | None]:
    """Version of each package by name, for reproducible results; `None` if it is not installed.

    Read from the imported modules where possible, because distributions go by several names
    (`tensorflow`, `tensorflow-cpu`).
    """
    try:
        own = importlib.metadata.version("tf_facerecon")
    except importlib.metadata.PackageNotFoundError:  # Run from a source folder.
        own = None
    return {
        "tf_facerecon": own,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
