"""The face model that ships with the package: `ict_london`."""

import importlib.resources

import numpy as np
import pytest

from tf_facerecon.morphable_models import morphable_model
from tf_facerecon.morphable_models.morphable_model import MorphableModel

# Networks are trained for this model alone: another file makes every shipped network useless.
FINGERPRINT = "80fa287dfedf080b2284a03f53ee16ac8530fc7224400fcf9bef7d67fb544171"


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return MorphableModel.from_preset("ict_london")


def test_is_the_one_that_networks_were_trained_for(model):
    assert morphable_model.DEFAULT == model.name == "ict_london"
    assert model.fingerprint == FINGERPRINT
    assert "ict_london" in morphable_model.shipped_face_models()


def test_sizes(model):
    modes = (model.identity_basis, model.expression_basis, model.albedo_basis)
    assert [basis.shape for basis in modes] == [(9984, 3, 80), (9984, 3, 53), (9984, 3, 80)]
    file = importlib.resources.files("tf_facerecon") / "face_models" / "ict_london.npz"
    assert len(file.read_bytes()) <= 8e6


def test_may_be_redistributed_and_names_its_sources(model):
    assert model.redistributable
    for words in ("MIT License", "CC BY 4.0", "Face Research Lab London Set", "Changes:"):
        assert words in model.licence


def test_has_what_other_face_models_have(model):
    assert len(model.expression_names) == 53 and "jawOpen" in model.expression_names
    np.testing.assert_array_equal(model.expression_range, [[0, 1]] * 53)
    assert {"small_face", "eyes", "lips", "teeth"} <= model.regions.keys()
    mirror = model.mirror_index
    np.testing.assert_array_equal(mirror[mirror], np.arange(9984))
    assert len(model.now_landmarks) == 7


def test_is_read_once_in_a_process(model):
    assert MorphableModel.from_preset("ict_london") is model
