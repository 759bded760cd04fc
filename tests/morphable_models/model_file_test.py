"""Files of face models that are damaged, forged or of another time."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tests.morphable_models.made_up_models import made_up_details, made_up_model
from tf_facerecon.io import array_archive
from tf_facerecon.morphable_models import model_file
from tf_facerecon.morphable_models.morphable_model import MorphableModel


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Bytes of a small model's files, whole and half."""
    folder = tmp_path_factory.mktemp("models")
    model = made_up_model(side=3, **made_up_details(side=3))
    model.save(folder / "full.npz")
    model.save(folder / "half.npz", half=True)
    return {half: (folder / f"{half}.npz").read_bytes() for half in ("full", "half")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def forge(path, members):
    """Replaces members of a file (`None`: leaves out); the checksum is right unless given."""
    stored = {**array_archive.read_archive(path), **members}
    stored = {name: value for name, value in stored.items() if value is not None}
    if "checksum" not in members:
        stored["checksum"] = np.array(model_file._checksum(stored))
    array_archive.write_archive(path, stored)


def test_same_model_same_bytes(files, tmp_path):
    made_up_model(side=3, **made_up_details(side=3)).save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == files["full"]


def test_numpy_reads_it(tmp_path):
    model = made_up_model()
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["mean_shape"], model.mean_shape)
        assert str(archive["name"]) == "made-up" and archive["format_version"] == 2


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("kind", ["full", "half"])
@hypothesis.settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(data=st.data())
def test_damage_is_noticed_random(files, folder, kind, mapped, data):
    """A file with any byte changed or any end missing is refused, or is still the same model."""
    content = bytearray(files[kind])
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:place]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path = folder / "model.npz"
    path.write_bytes(content)
    try:
        loaded = MorphableModel.load(path, mmap=mapped)
    except ValueError as error:
        assert "model.npz" in str(error)
    else:
        path.write_bytes(files[kind])
        assert loaded.fingerprint == MorphableModel.load(path).fingerprint


def test_load_exception_raised(tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(FileNotFoundError, match="model.npz"):
        MorphableModel.load(path)
    for content in (b"", b"not an archive"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a readable face model"):
            MorphableModel.load(path)
    np.savez(path, mean_shape=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="lacks .*triangles.*checksum"):
        MorphableModel.load(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"checksum": np.array("0" * 64)}, "model.npz' is damaged: its checksum is"),
        ({"uv": None}, "model.npz' lacks uv"),
        ({"format_version": np.array(1)}, "has format version 1; this package reads version 2"),
        ({"format_version": np.zeros((2, 2))}, "not a readable face model"),
        ({"triangles": np.full((8, 3), 9)}, r"model.npz': `triangles` .* must lie in \[0, 8\]"),
        ({"format_version": np.array(np.inf)}, "not a readable face model"),
        ({"format_version": np.array(np.nan)}, "not a readable face model"),
        ({"mean_shape": np.array("text")}, "model.npz': `mean_shape`"),
        ({"expression_names": np.array(3)}, "model.npz': `expression_names`"),
        ({"units": np.array("m")}, "model.npz': `units`"),
        ({"redistributable": np.zeros(3)}, "model.npz'"),
        ({"region_eyes": np.full(9, 2.0)}, r"model.npz': `regions\['eyes'\]`"),
        ({"identity_basis": np.ones((9, 3, 80), np.float16)}, "needs identity_basis_scale"),
        (
            {
                "identity_basis": np.ones((9, 3, 80), np.float16),
                "identity_basis_scale": np.full(80, np.inf),
            },
            "needs positive values in identity_basis_scale",
        ),
    ],
)
def test_load_forged_exception_raised(tmp_path, members, message):
    path = tmp_path / "model.npz"
    made_up_model(side=3).save(path)
    forge(path, members)
    with pytest.raises(ValueError, match=message):
        MorphableModel.load(path)


def test_checksum_covers_every_member(tmp_path):
    path = tmp_path / "model.npz"
    made_up_model(side=3, **made_up_details(side=3)).save(path, half=True)
    stored = array_archive.read_archive(path)
    for name, array in stored.items():
        other = np.array("other") if array.dtype.kind == "U" else 1 - array.astype(np.float32)
        if name not in ("checksum", "format_version"):
            array_archive.write_archive(path, {**stored, name: other})
            with pytest.raises(ValueError, match="is damaged: its checksum"):
                MorphableModel.load(path)


def test_quantize_basis_preset():
    basis = np.array([3.0, -0.75, 0.1, 0.0]).reshape(4, 1, 1) * [[[1.0, 2.0**-60, 0.0]]]
    basis = basis.astype(np.float32)
    half, scale = model_file.quantize_basis(basis)
    assert half.dtype == np.float16 and scale.dtype == np.float32
    # 3 = 0.75 * 2^2, and comes to lie between 2^14 and 2^15.
    np.testing.assert_array_equal(scale[:2], [2.0**-13, 2.0**-73])
    np.testing.assert_array_equal(half[:, 0, 0], half[:, 0, 1])
    np.testing.assert_array_equal(half[:2, 0, 0], [3 * 2.0**13, -0.75 * 2.0**13])
    restored = model_file.dequantize_basis(half, scale)
    np.testing.assert_array_equal(restored[[0, 1, 3]], basis[[0, 1, 3]])
    np.testing.assert_allclose(restored, basis, rtol=2**-11)


def test_quantize_basis_keeps_eleven_bits_random(rng):
    basis = (rng.normal(size=(50, 3, 7)) * 10.0 ** rng.uniform(-8, 3, 7)).astype(np.float32)
    basis *= 2.0 ** -rng.integers(0, 20, basis.shape)
    restored = model_file.dequantize_basis(*model_file.quantize_basis(basis))
    np.testing.assert_allclose(restored, basis, rtol=2**-11)


def test_quantization_error_mm_preset():
    # One third in eleven bits is off by 2^-13 / 3 (relative 2^-13 ... ): computed by hand below.
    third = np.float32(1 / 3)
    off = abs(np.float64(np.float16(third * 2**16 / 2)) / 2**15 - np.float64(third))
    basis = np.zeros((2, 3, 1), np.float32)
    basis[1, 0] = third
    fields = {"identity_basis": basis, "expression_basis": basis}
    assert model_file.quantization_error_mm(fields) == pytest.approx(2 * 3.0 * 100.0 * off)
    assert model_file.quantization_error_mm(fields, 1.0) == pytest.approx(2 * 100.0 * off)
