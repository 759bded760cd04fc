import io
import logging
import zipfile

import numpy as np
import pytest
from scipy import io as scipy_io

from tests.morphable_models.importers.basel import made_up_basel
from tf_facerecon.morphable_models.importers.basel import bfm09_files

FILES = {
    "01_MorphableModel.mat",
    "Exp_Pca.bin",
    "std_exp.txt",
    "BFM_exp_idx.mat",
    "BFM_front_idx.mat",
    "facemodel_info.mat",
}


def touch(folder, names):
    for name in names:
        (folder / name).write_bytes(b"")


def test_find_originals_preset(tmp_path):
    touch(tmp_path, FILES - {"01_MorphableModel.mat"})
    (tmp_path / "PublicMM1").mkdir()
    touch(tmp_path / "PublicMM1", ["01_MorphableModel.mat"])
    paths = bfm09_files.find_originals(tmp_path)
    assert set(paths) == FILES
    assert paths["01_MorphableModel.mat"].parent.name == "PublicMM1"
    assert paths["Exp_Pca.bin"] == tmp_path / "Exp_Pca.bin"
    assert bfm09_files.find_originals(paths["01_MorphableModel.mat"].parent.parent) == paths


def test_find_originals_exception_raised(tmp_path):
    touch(tmp_path, ["std_exp.txt"])
    with pytest.raises(FileNotFoundError) as raised:
        bfm09_files.find_originals(tmp_path)
    message = str(raised.value)
    assert "std_exp.txt" not in message
    for name in FILES - {"std_exp.txt"}:
        assert f"\n  {name}: " in message
    assert "https://faces.dmi.unibas.ch/bfm" in message
    assert "forbids redistribution" in message
    assert "https://github.com/Juyong/3DFace" in message
    assert "/Deep3DFaceReconstruction/master/BFM/BFM_front_idx.mat" in message


def test_find_originals_passes_over_bad_archives(tmp_path, caplog):
    """A broken download of anything else does not keep the model from being found."""
    touch(tmp_path, FILES - {"01_MorphableModel.mat"})
    (tmp_path / "a.zip").write_bytes(b"no archive")
    (tmp_path / "b.tgz").write_bytes(b"no archive")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("PublicMM1/01_MorphableModel.mat", b"")
    paths = bfm09_files.find_originals(tmp_path)
    assert paths["01_MorphableModel.mat"] == tmp_path / "c.zip"
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "a.zip' cannot be read" in caplog.text and "b.tgz' cannot be read" in caplog.text


def test_find_ready_preset(tmp_path):
    assert bfm09_files.find_preconverted(tmp_path) is None
    (tmp_path / "BFM").mkdir()
    touch(tmp_path / "BFM", ["BFM_model_front.mat", "other.mat"])
    ready = tmp_path / "BFM" / "BFM_model_front.mat"
    for source in (tmp_path, tmp_path / "BFM", ready):
        assert bfm09_files.find_preconverted(source) == ready
    assert bfm09_files.find_preconverted(tmp_path / "BFM" / "other.mat") is None


def test_open_file_checksums(tmp_path, caplog, monkeypatch):
    (tmp_path / "std_exp.txt").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with caplog.at_level(logging.INFO):
        with bfm09_files.open_file(tmp_path / "std_exp.txt", "std_exp.txt") as stream:
            assert stream.read() == b"abc"
    assert f"std_exp.txt: sha256 {digest}" in caplog.text
    assert "std_exp.txt is not the published file: its sha256 should be 4abc20f1cad2" in caplog.text
    caplog.clear()
    monkeypatch.setitem(bfm09_files.SHA256, "std_exp.txt", digest)
    with bfm09_files.open_file(tmp_path / "std_exp.txt", "std_exp.txt"):
        # Its sum is still reported at INFO, where the commands listen.
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_published_checksums():
    assert set(bfm09_files.SHA256) == FILES - {"01_MorphableModel.mat", "Exp_Pca.bin"}
    begins = {name: digest[:8] for name, digest in bfm09_files.SHA256.items()}
    assert (
        begins.items()
        >= {
            "BFM_exp_idx.mat": "62752a2c",
            "BFM_front_idx.mat": "7d285dd0",
            "facemodel_info.mat": "529398f7",
            "std_exp.txt": "4abc20f1",
        }.items()
    )
    assert all(len(bytes.fromhex(digest)) == 32 for digest in bfm09_files.SHA256.values())


def test_read_expression_modes_preset(tmp_path):
    path = tmp_path / "Exp_Pca.bin"
    mean, modes = np.full(6, 9, "<f4"), np.arange(12, dtype="<f4")
    # Little-endian 2, then the mean, then mode after mode.
    path.write_bytes(b"\x02\x00\x00\x00" + mean.tobytes() + modes.tobytes())
    with open(path, "rb") as stream:
        read = bfm09_files.read_expression_modes(stream, 2)
    np.testing.assert_array_equal(read, modes.reshape(2, 2, 3))
    assert read[1, 0, 2] == 8.0


def test_read_expression_modes_of_the_published_size(tmp_path):
    with open(tmp_path / "Exp_Pca.bin", "wb+") as stream:
        stream.write(b"\x4f\0\0\0")
        stream.truncate(51_086_404)  # A hole: it takes no space.
        stream.seek(0)
        assert bfm09_files.read_expression_modes(stream, 53_215).shape == (79, 53_215, 3)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x02", b"\2\0\0\0" + bytes(71), b"\0\0\0\2" + bytes(72), b"\xff" * 76, bytes(28)],
    ids=["empty", "header", "cut", "big-endian", "negative", "none"],
)
def test_read_expression_modes_exception_raised(tmp_path, content):
    (tmp_path / "Exp_Pca.bin").write_bytes(content)
    with open(tmp_path / "Exp_Pca.bin", "rb") as stream:
        with pytest.raises(ValueError, match="Exp_Pca.bin must hold a number of modes K"):
            bfm09_files.read_expression_modes(stream, 2)


def test_read_expression_scales_preset():
    read = bfm09_files.read_expression_scales(io.BytesIO(b"453980 47055.6 276.19"), 3)
    np.testing.assert_array_equal(read, [453980, 47055.6, 276.19])


@pytest.mark.parametrize("text", [b"1 2", b"1 2 nan", b"1 2 -3", b"1 2 x", b"\xff\xfe1", b""])
def test_read_expression_scales_exception_raised(text):
    with pytest.raises(ValueError, match="std_exp.txt must hold"):
        bfm09_files.read_expression_scales(io.BytesIO(text), 3)


def test_from_one_based_preset():
    got = bfm09_files.from_one_based(np.array([[1.0], [5.0]], np.float32), (None, 1), 5, "`idx`")
    assert got.dtype == np.int64
    np.testing.assert_array_equal(got, [[0], [4]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[0], [5]], "from 1 to 5. Received: 0 to 5"),
        ([[1], [6]], "from 1 to 5. Received: 1 to 6"),
        ([[1], [2.5]], "whole numbers from 1 to 5"),
        ([[1, 2]], r"shape \[any, 1\]. Received: \(1, 2\)"),
        ([1, 2], r"shape \[any, 1\]. Received: \(2,\)"),
    ],
)
def test_from_one_based_exception_raised(values, message):
    with pytest.raises(ValueError, match=message):
        bfm09_files.from_one_based(np.array(values), (None, 1), 5, "`idx`")


def written(arrays):
    stream = io.BytesIO()
    scipy_io.savemat(stream, arrays)
    return stream


def test_read_basel_preset():
    basel = made_up_basel.bfm09_truth().basel
    read = bfm09_files.read_basel(written(basel), with_triangles=True)
    np.testing.assert_array_equal(read["tl"], basel["tl"].astype(int) - 1)
    np.testing.assert_array_equal(read["shapeMU"].ravel(), basel["shapeMU"].ravel())
    assert read["texEV"].shape == (199,)
    assert "tl" not in bfm09_files.read_basel(written(basel), with_triangles=False)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("shapePC", lambda a: a[:-3], "`shapePC` of 01_MorphableModel.mat must have shape"),
        ("texPC", lambda a: a[:, :-1], "`texPC` of 01_MorphableModel.mat must have shape"),
        ("texMU", lambda a: a.T, "`texMU` of 01_MorphableModel.mat must have shape"),
        ("shapeMU", lambda a: a[:-1], "must hold x, y, z of vertices"),
        ("tl", lambda a: a * 2, "`tl` of 01_MorphableModel.mat must hold whole numbers"),
        ("tl", lambda a: a[:, :2], "`tl` of 01_MorphableModel.mat must have shape"),
    ],
)
def test_read_basel_exception_raised(name, change, message):
    basel = made_up_basel.bfm09_truth().basel
    with pytest.raises(ValueError, match=message):
        bfm09_files.read_basel(written({**basel, name: change(basel[name])}), with_triangles=True)
