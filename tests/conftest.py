"""Shared fixtures: seeds, data that only some machines hold, a small reconstructor."""

import dataclasses
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest

from tests import toy_reconstruction
from tf_facerecon.inference.face_reconstruction import FaceReconstruction


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


@pytest.fixture(scope="session")
def toy_reconstructor():
    return toy_reconstruction.build_toy_reconstructor()


@pytest.fixture(scope="session")
def mean_face(toy_reconstructor) -> FaceReconstruction:
    """The toy mean face in the toy photo, frontal."""
    return toy_reconstructor.reconstruct(toy_reconstruction.toy_photo(), source="toy.png")[0]


@pytest.fixture(scope="session")
def posed_face(toy_reconstructor, mean_face) -> FaceReconstruction:
    """The same photo with other coefficients: rotated, moved, with identity and expression."""
    decoder = toy_reconstructor.decoder
    groups = {k: np.zeros_like(v) for k, v in mean_face.coefficients.items()}
    groups["identity"] = np.linspace(-1, 1, 6, dtype=np.float32)
    groups["expression"] = np.linspace(1, -1, 4, dtype=np.float32)
    groups["rotation"] = np.array([0.1, 0.2, 0.3], np.float32)
    groups["translation"] = np.array([0.05, -0.1, 0.2], np.float32)
    vector = decoder.layout.merge(groups)
    decoded = {key: value.numpy()[0] for key, value in decoder(vector[None]).items()}
    model = decoder.face_model
    names = ("vertices", "normals", "albedo", "colours", "landmarks", "five_points", "image")
    return dataclasses.replace(
        mean_face,
        coefficients=groups,
        neutral_vertices=model.mean_shape + model.identity_basis @ groups["identity"],
        mask=decoded["mask"][..., 0],
        **{name: decoded[name] for name in names},
    )
