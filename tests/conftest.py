"""Shared fixtures: seeds and data that only some machines hold."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20190320)


@pytest.fixture
def shared_data() -> pathlib.Path:
    """Recorded check values and original face-model files, beside a developer's checkout."""
    folder = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the developers' shared data folder beside the checkout")
    return folder
