import json
import pickle

import numpy as np
import pytest

from tests.morphable_models.importers.basel import made_up_basel
from tf_facerecon.morphable_models.importers.basel import bfm17
from tf_facerecon.morphable_models.morphable_model import MorphableModel


@pytest.fixture(scope="module")
def truth():
    return made_up_basel.bfm17_truth()


def reference(truth):
    """The model in float64, in decimetres, flat as in the file."""
    truth = {k: v.astype(np.float64) for k, v in truth.items() if isinstance(v, np.ndarray)}
    mean = truth["shape/model/mean"].reshape(-1, 3)
    basis = {}
    for group, unit in (("shape", 100), ("expression", 100), ("color", 1)):
        scales = truth[f"{group}/model/pcaVariance"] ** 0.5
        flat = truth[f"{group}/model/pcaBasis"] @ np.diag(scales / unit)
        basis[group] = flat.reshape(-1, 3, len(scales)), scales / unit
    return {
        "mean_shape": (mean - mean.mean(axis=0)) / 100,
        "identity_basis": basis["shape"][0],
        "expression_basis": basis["expression"][0],
        "mean_albedo": truth["color/model/mean"].reshape(-1, 3),
        "albedo_basis": basis["color"][0],
        "identity_scales": basis["shape"][1],
        "expression_scales": basis["expression"][1],
        "texture_scales": basis["color"][1],
    }


@pytest.mark.parametrize("counts", [(19, 10, 19), (4, 7, 2)])
def test_bfm17_fields_preset(tmp_path, counts):
    truth = made_up_basel.bfm17_truth(1, counts)
    path = tmp_path / "model2017-1_face12_nomouth.h5"
    made_up_basel.write_bfm17(path, truth)
    fields = bfm17.bfm17_fields(path)
    for name, array in reference(truth).items():
        assert fields[name].dtype == np.float32
        np.testing.assert_allclose(fields[name], array, rtol=1e-6, atol=1e-7, err_msg=name)
    mesh = made_up_basel.made_up_mesh()
    np.testing.assert_array_equal(fields["triangles"], mesh.triangles)
    np.testing.assert_array_equal(fields["landmarks"], mesh.landmarks)
    assert fields["name"] == "bfm17-face12"
    assert fields["redistributable"] is False
    model = MorphableModel(**fields)
    sizes = [model.identity_basis, model.expression_basis, model.albedo_basis]
    assert tuple(basis.shape[2] for basis in sizes) == counts
    assert set(model.regions) == {"eyes", "lips", "small_face", "skin"}
    assert model.licence.startswith("Basel Face Model 2017 / 2019, University of Basel")


def test_bfm17_fields_leaves_the_mean_expression_out(tmp_path, truth):
    made_up_basel.write_bfm17(tmp_path / "a.h5", truth)
    without = {**truth, "expression/model/mean": 0 * truth["expression/model/mean"]}
    made_up_basel.write_bfm17(tmp_path / "b.h5", without)
    first, second = (bfm17.bfm17_fields(tmp_path / name) for name in ("a.h5", "b.h5"))
    np.testing.assert_equal(first, second)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("model2017-1_bfm_nomouth.h5", "bfm17"),
        ("model2019_bfm.h5", "bfm19"),
        ("model2019_fullHead.h5", "bfm19-full-head"),
        ("my_2019_copy.h5", "bfm19"),
    ],
)
def test_bfm17_fields_name(tmp_path, truth, file, name):
    made_up_basel.write_bfm17(tmp_path / file, truth)
    assert bfm17.bfm17_fields(tmp_path)["name"] == name
    assert bfm17.bfm17_fields(tmp_path / file, name="mine")["name"] == "mine"


def test_bfm17_fields_turns_clockwise_triangles(tmp_path, truth):
    cells = truth["shape/representer/cells"][::-1].astype(np.uint32)
    made_up_basel.write_bfm17(tmp_path / "a.h5", {**truth, "shape/representer/cells": cells})
    fields = bfm17.bfm17_fields(tmp_path)
    np.testing.assert_array_equal(fields["triangles"], made_up_basel.made_up_mesh().triangles)


def test_bfm17_fields_landmark_file(tmp_path, truth):
    without_metadata = {**truth, "metadata/landmarks/json": None}
    made_up_basel.write_bfm17(tmp_path / "a.h5", without_metadata)
    with pytest.raises(ValueError, match="a.h5 must name at least .* beside it: 68 lines"):
        bfm17.bfm17_fields(tmp_path)
    landmarks = made_up_basel.made_up_mesh().landmarks
    points = truth["shape/model/mean"].reshape(-1, 3)[landmarks]
    np.savetxt(tmp_path / "landmarks68.txt", points)
    np.testing.assert_array_equal(bfm17.bfm17_fields(tmp_path)["landmarks"], landmarks)
    # A file wins over names.
    made_up_basel.write_bfm17(tmp_path / "a.h5", truth)
    np.savetxt(tmp_path / "landmarks68.txt", landmarks[::-1], fmt="%d")
    np.testing.assert_array_equal(bfm17.bfm17_fields(tmp_path)["landmarks"], landmarks[::-1])


def test_bfm17_fields_landmark_text_forms(tmp_path, truth):
    text = truth["metadata/landmarks/json"]
    for form in (np.bytes_(text), [text], np.frombuffer(text.encode(), np.uint8)):
        made_up_basel.write_bfm17(tmp_path / "a.h5", {**truth, "metadata/landmarks/json": form})
        landmarks = bfm17.bfm17_fields(tmp_path)["landmarks"]
        np.testing.assert_array_equal(landmarks, made_up_basel.made_up_mesh().landmarks)


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("shape/model/mean", lambda a: a[:-1], "must have a mean of x, y, z per vertex"),
        ("shape/model/mean", lambda a: a[:-3], "`shape/model/pcaBasis` of a.h5 must hold numbers"),
        ("shape/model/mean", lambda a: changed(a, 7, np.nan), "must hold finite numbers"),
        ("shape/model/pcaBasis", lambda a: a.T, "`shape/model/pcaBasis` of a.h5 must hold numbers"),
        ("shape/model/pcaBasis", lambda a: 3 * a, "must have columns of length 1"),
        ("expression/model/pcaVariance", lambda a: -a, "no negative variances"),
        ("expression/model/pcaVariance", lambda a: a[1:], "`expression/model/pcaBasis` of a.h5"),
        ("expression/model/mean", lambda a: a[:-3], "`expression/model/mean` of a.h5 must hold"),
        ("color/model/mean", lambda a: 255 * a, "`color/model/mean` of a.h5 must be RGB from 0"),
        ("color/model/mean", lambda a: None, "a.h5 lacks the data set `color/model/mean`"),
        ("shape/representer/cells", lambda a: a + 1, "`shape/representer/cells` of a.h5 must hold"),
        ("shape/representer/cells", lambda a: a - 1, "must hold vertex numbers from 0"),
        ("shape/representer/cells", lambda a: a + 0.5, "must hold vertex numbers from 0"),
        ("shape/representer/cells", lambda a: a.T, "must hold numbers of shape"),
        ("metadata/landmarks/json", lambda a: "[", "must be a JSON list of points"),
        ("metadata/landmarks/json", lambda a: "{}", "a.h5 must name at least 8"),
        ("metadata/landmarks/json", lambda a: '{"a": 1}', "must be a JSON list of points"),
        (
            "metadata/landmarks/json",
            lambda a: f'[{{"id": "a", "coordinates": [1{"0" * 400}, 0, 0]}}]',
            "must be a JSON list of points",
        ),
        ("metadata/landmarks/json", lambda a: '[{"id": []}]', "must be a JSON list of points"),
        ("metadata/landmarks/json", lambda a: "[" * 99999, "must be a JSON list of points"),
        ("metadata/landmarks/json", lambda a: np.zeros(9), "must be a JSON list of points"),
    ],
)
def test_bfm17_fields_exception_raised(tmp_path, truth, name, change, message):
    made_up_basel.write_bfm17(tmp_path / "a.h5", {**truth, name: change(truth[name])})
    with pytest.raises(ValueError, match=message):
        bfm17.bfm17_fields(tmp_path)


@pytest.mark.parametrize("coordinates", [[1, 2], [1, 2, float("nan")], [[1, 2, 3]], [1e999, 0, 0]])
def test_bfm17_fields_coordinates_exception_raised(tmp_path, truth, coordinates):
    text = json.dumps([{"id": "center.nose.tip", "coordinates": coordinates}])
    made_up_basel.write_bfm17(tmp_path / "a.h5", {**truth, "metadata/landmarks/json": text})
    with pytest.raises(ValueError, match="must give three finite coordinates"):
        bfm17.bfm17_fields(tmp_path)


def test_bfm17_fields_model_of_2009_exception_raised(tmp_path, truth):
    shape_only = {name: value for name, value in truth.items() if name[:3] != "exp"}
    made_up_basel.write_bfm17(tmp_path / "model2009-publicmm1-bfm.h5", shape_only)
    with pytest.raises(ValueError, match="lacks the groups expression .* build bfm09 from"):
        bfm17.bfm17_fields(tmp_path)


def test_bfm17_fields_source_exception_raised(tmp_path, truth):
    with pytest.raises(FileNotFoundError, match="There is no file .*forbids redistribution"):
        bfm17.bfm17_fields(tmp_path)
    (tmp_path / "01_MorphableModel.mat").write_bytes(b"")
    with pytest.raises(ValueError, match="build bfm09"):
        bfm17.bfm17_fields(tmp_path / "01_MorphableModel.mat")
    for name in ("a.h5", "b.h5"):
        made_up_basel.write_bfm17(tmp_path / name, truth)
    with pytest.raises(ValueError, match="holds several models: give the path of one, a.h5, b.h5"):
        bfm17.bfm17_fields(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "pickle", "empty"])
def test_bfm17_fields_damaged_exception_raised(tmp_path, truth, damage):
    path = tmp_path / "a.h5"
    made_up_basel.write_bfm17(path, truth)
    content = path.read_bytes()
    content = {"cut": content[: len(content) // 2], "pickle": pickle.dumps([1]), "empty": b""}[
        damage
    ]
    path.write_bytes(content)
    with pytest.raises(ValueError, match="a.h5' is not a readable HDF5 file"):
        bfm17.bfm17_fields(path)
