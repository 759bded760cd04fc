import io
import logging
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
from scipy import io as scipy_io

from tests.morphable_models.importers.basel import made_up_basel
from tf_facerecon.morphable_models import model_checks
from tf_facerecon.morphable_models.importers.basel import bfm09
from tf_facerecon.morphable_models.morphable_model import MorphableModel

BASEL = "01_MorphableModel.mat"


@pytest.fixture(scope="module")
def truth():
    return made_up_basel.bfm09_truth()


@pytest.fixture
def folder(tmp_path, truth):
    made_up_basel.write_bfm09(tmp_path, truth)
    return tmp_path


def reference(truth, *, full=False):
    """The conversion of the released code, step by step in float64, flat as it is there."""
    basel = {name: array.astype(np.float64) for name, array in truth.basel.items()}
    id_base = basel["shapePC"] * basel["shapeEV"].reshape(1, 199) / 1e5
    id_base = id_base[:, :80]
    ex_base = truth.expression_modes.astype(np.float64).T * truth.expression_scales / 1e5
    ex_base = ex_base[:, :64]
    tex_base = (basel["texPC"] * basel["texEV"].reshape(1, 199))[:, :80]
    index_exp = np.arange(len(truth.in_basel)) if full else truth.front
    index_shape = truth.in_basel[index_exp]
    mean = basel["shapeMU"].reshape(-1, 3) / 1e5
    centre = mean[truth.in_basel[truth.front]].mean(axis=0)
    return {
        "mean_shape": mean[index_shape] - centre,
        "identity_basis": id_base.reshape(-1, 3, 80)[index_shape],
        "expression_basis": ex_base.reshape(-1, 3, 64)[index_exp],
        "mean_albedo": basel["texMU"].reshape(-1, 3)[index_shape] / 255,
        "albedo_basis": tex_base.reshape(-1, 3, 80)[index_shape] / 255,
        "identity_scales": basel["shapeEV"][:80, 0] / 1e5,
        "expression_scales": truth.expression_scales[:64] / 1e5,
        "texture_scales": basel["texEV"][:80, 0] / 255,
    }


def assert_fields_equal(fields, expected):
    for name, array in expected.items():
        assert fields[name].dtype == np.float32, name
        np.testing.assert_allclose(fields[name], array, rtol=2e-7, atol=1e-7, err_msg=name)


def assert_front(fields, truth):
    np.testing.assert_array_equal(fields["triangles"], truth.triangles)
    np.testing.assert_array_equal(fields["landmarks"], truth.landmarks)
    np.testing.assert_array_equal(fields["face_region"], truth.info["frontmask2"][0])
    np.testing.assert_array_equal(fields["skin_region"], truth.info["skinmask"][0])


def test_bfm09_fields_preset(folder, truth):
    fields = bfm09.bfm09_fields(folder)
    assert_fields_equal(fields, reference(truth))
    assert_front(fields, truth)
    np.testing.assert_allclose(fields["mean_shape"].mean(axis=0), 0, atol=1e-6)
    assert fields["name"] == "bfm09"
    assert fields["units"] == "dm"
    assert fields["redistributable"] is False
    assert "may be redistributed" in fields["licence"]
    model = MorphableModel(**fields)
    assert model.identity_basis.shape == (len(truth.front), 3, 80)
    assert model.expression_basis.shape[2] == 64
    assert set(model.regions) == {"eyes", "lips", "small_face", "skin"}
    assert set(fields) <= {field for field in vars(model)}
    assert model_checks.NUM_LANDMARKS == len(model.landmarks)


def test_bfm09_fields_full(folder, truth):
    fields = bfm09.bfm09_fields(folder, full=True)
    assert_fields_equal(fields, reference(truth, full=True))
    front = bfm09.bfm09_fields(folder)
    assert fields["name"] == "bfm09-full"
    # The same coefficients and pose give the same front face.
    for name in ("mean_shape", "identity_basis", "expression_basis", "albedo_basis"):
        np.testing.assert_array_equal(fields[name][truth.front], front[name])
    np.testing.assert_array_equal(fields["landmarks"], truth.front[truth.landmarks])
    normals = np.cross(
        *np.moveaxis(np.diff(fields["mean_shape"][fields["triangles"]], axis=1), 1, 0)
    )
    assert (normals[:, 2] > 0).all()
    front_triangles = {tuple(truth.front[triangle]) for triangle in truth.triangles}
    turned = {tuple(np.roll(t, k)) for t in fields["triangles"] for k in range(3)}
    assert front_triangles <= turned
    MorphableModel(**fields)


@pytest.mark.parametrize("kind", ["tgz", "zip", "file", "archive path", "subfolder"])
def test_bfm09_fields_locations_of_the_basel_file(folder, truth, kind):
    expected = bfm09.bfm09_fields(folder)
    path = folder / BASEL
    source = folder
    if kind in ("tgz", "archive path"):
        with tarfile.open(folder / "BaselFaceModel.tgz", "w:gz") as archive:
            archive.add(path, f"PublicMM1/{BASEL}")
    if kind == "zip":
        with zipfile.ZipFile(folder / "a.zip", "w") as archive:
            archive.write(path, f"PublicMM1/{BASEL}")
    if kind == "archive path":
        source = folder / "BaselFaceModel.tgz"
    if kind == "file":
        source = path
    elif kind == "subfolder":
        (folder / "PublicMM1").mkdir()
        path.rename(folder / "PublicMM1" / BASEL)
    else:
        path.unlink()
    fields = bfm09.bfm09_fields(source)
    for name, value in expected.items():
        np.testing.assert_equal(fields[name], value)


def ready_arrays(truth):
    """`BFM_model_front.mat` as the released code writes it."""
    fields = reference(truth)
    mean = truth.basel["shapeMU"].reshape(-1, 3).astype(np.float64)[truth.in_basel[truth.front]]
    size = mean.size
    return {
        "meanshape": (mean / 1e5).astype(np.float32).reshape(1, size),
        "meantex": (255 * fields["mean_albedo"]).astype(np.float32).reshape(1, size),
        "idBase": fields["identity_basis"].astype(np.float32).reshape(size, 80),
        "exBase": fields["expression_basis"].reshape(size, 64),
        "texBase": (255 * fields["albedo_basis"]).astype(np.float32).reshape(size, 80),
        **{name: array for name, array in truth.info.items() if name != "frontmask2"},
    }


def test_bfm09_fields_ready_file(tmp_path, truth):
    path = tmp_path / "BFM_model_front.mat"
    scipy_io.savemat(path, ready_arrays(truth))
    expected = {k: v for k, v in reference(truth).items() if not k.endswith("_scales")}
    (tmp_path / "holiday.zip").write_bytes(b"a broken download of something else")
    for source in (path, tmp_path):
        fields = bfm09.bfm09_fields(source)
        for name, array in expected.items():
            np.testing.assert_allclose(fields[name], array, rtol=1e-6, atol=1e-6, err_msg=name)
        assert_front(fields, truth)
        MorphableModel(**fields)
    with pytest.raises(ValueError, match="holds only the 35,709 vertices"):
        bfm09.bfm09_fields(path, full=True)
    with pytest.raises(FileNotFoundError, match=BASEL):
        bfm09.bfm09_fields(tmp_path, full=True)
    # Where all originals are, they tell more.
    made_up_basel.write_bfm09(tmp_path, truth)
    assert "identity_scales" not in bfm09.bfm09_fields(path)
    assert "identity_scales" in bfm09.bfm09_fields(tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("idBase", lambda a: a[:, :79], r"`idBase` of BFM_model_front.mat must have shape \["),
        ("exBase", lambda a: a[3:], r"`exBase` of BFM_model_front.mat must have shape \["),
        ("meantex", lambda a: a[:, 3:], "`meanshape` and `meantex` of BFM_model_front.mat"),
        ("tri", lambda a: a + 1, "`tri` of BFM_model_front.mat must hold whole numbers"),
        ("meanshape", lambda a: a * np.nan, "`meanshape` of BFM_model_front.mat must hold finite"),
        ("texBase", None, "BFM_model_front.mat lacks the variables texBase"),
    ],
)
def test_bfm09_fields_preconverted_file_exception_raised(tmp_path, truth, name, change, message):
    arrays = ready_arrays(truth)
    array = arrays.pop(name)
    if change:
        arrays[name] = change(array)
    scipy_io.savemat(tmp_path / "BFM_model_front.mat", arrays)
    with pytest.raises(ValueError, match=message):
        bfm09.bfm09_fields(tmp_path)


def test_bfm09_fields_logs_checksums(folder, caplog):
    with caplog.at_level(logging.INFO):
        bfm09.bfm09_fields(folder)
    lines = [record.getMessage() for record in caplog.records]
    assert sum(": sha256 " in line for line in lines) == 6
    # The made-up lists are not the published ones; the licensed files have no published sum.
    warned = [r.getMessage().split()[0] for r in caplog.records if r.levelno == logging.WARNING]
    expected = ["BFM_exp_idx.mat", "BFM_front_idx.mat", "facemodel_info.mat", "std_exp.txt"]
    assert sorted(warned) == expected


@pytest.mark.parametrize("name", ["01_MorphableModel.mat", "Exp_Pca.bin", "facemodel_info.mat"])
def test_bfm09_fields_missing_file_exception_raised(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"lacks:\n  {name}: "):
        bfm09.bfm09_fields(folder)


def rewrite_mat(path, **changes):
    arrays = {k: v for k, v in scipy_io.loadmat(path).items() if not k.startswith("__")}
    scipy_io.savemat(path, {**arrays, **changes})


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "name",
    [BASEL, "Exp_Pca.bin", "BFM_exp_idx.mat", "BFM_front_idx.mat", "facemodel_info.mat"],
)
@pytest.mark.parametrize("damage", ["cut", "pickle", "empty"])
def test_bfm09_fields_damaged_file_exception_raised(folder, name, damage):
    if damage == "cut":
        cut(folder / name)
    else:
        (folder / name).write_bytes(pickle.dumps({"a": [1] * 99}) if damage == "pickle" else b"")
    with pytest.raises(ValueError, match=name):
        bfm09.bfm09_fields(folder)


@pytest.mark.parametrize(
    ("name", "variable", "value", "message"),
    [
        ("BFM_exp_idx.mat", "trimIndex", [[1], [9999]], "`trimIndex` of BFM_exp_idx.mat must hold"),
        ("BFM_exp_idx.mat", "trimIndex", [[2], [1]], "must be strictly increasing"),
        ("BFM_exp_idx.mat", "trimIndex", [[0], [1]], "whole numbers from 1"),
        ("BFM_front_idx.mat", "idx", [[1, 2]], "`idx` of BFM_front_idx.mat must have shape"),
        ("BFM_front_idx.mat", "idx", [[1], [2]], "`tri` of facemodel_info.mat must hold whole"),
    ],
)
def test_bfm09_fields_wrong_lists_exception_raised(folder, name, variable, value, message):
    rewrite_mat(folder / name, **{variable: np.array(value, np.float32)})
    with pytest.raises(ValueError, match=message):
        bfm09.bfm09_fields(folder)


def test_bfm09_fields_other_topology_exception_raised(folder, truth):
    """A list of other length than the expressions were made for."""
    shorter = (truth.in_basel[:-1] + 1).astype(np.uint16)[:, None]
    kept = truth.front[truth.front < len(shorter)]
    scipy_io.savemat(folder / "BFM_exp_idx.mat", {"trimIndex": shorter})
    if len(kept) == len(truth.front):
        with pytest.raises(ValueError, match="Exp_Pca.bin must hold"):
            bfm09.bfm09_fields(folder)
    else:
        with pytest.raises(ValueError, match="`idx` of BFM_front_idx.mat"):
            bfm09.bfm09_fields(folder)


def test_bfm09_fields_values_exception_raised(folder, truth):
    modes = np.fromfile(folder / "Exp_Pca.bin", "<f4")
    modes[1 + 3 * len(truth.in_basel) + 3 * truth.front[5]] = np.inf
    modes.tofile(folder / "Exp_Pca.bin")
    with pytest.raises(ValueError, match="Exp_Pca.bin must hold finite numbers"):
        bfm09.bfm09_fields(folder)
    rewrite_mat(folder / BASEL, texEV=-truth.basel["texEV"])
    with pytest.raises(ValueError, match="Exp_Pca.bin|`texEV` of 01_MorphableModel.mat"):
        bfm09.bfm09_fields(folder)


def test_bfm09_fields_too_few_modes_exception_raised(folder, truth):
    rewrite_mat(
        folder / BASEL, shapePC=truth.basel["shapePC"][:, :79], shapeEV=truth.basel["shapeEV"][:79]
    )
    with pytest.raises(ValueError, match="`shapeEV` of 01_MorphableModel.mat must have at least"):
        bfm09.bfm09_fields(folder)


def test_bfm09_fields_source_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder or file"):
        bfm09.bfm09_fields(tmp_path / "none")
    for name, message in (("model2019_bfm.h5", "build bfm17 or bfm19"), ("a.npz", "`source` must")):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(ValueError, match=message):
            bfm09.bfm09_fields(tmp_path / name)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("other.mat"), io.BytesIO())
    with pytest.raises(FileNotFoundError, match="needs files that"):
        bfm09.bfm09_fields(tmp_path / "a.tar")
