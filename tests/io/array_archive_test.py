import io
import struct
import zipfile

import numpy as np
import pytest

from tf_facerecon.io import array_archive

ARRAYS = {
    "floats": np.arange(12.0, dtype=np.float32).reshape(3, 4),
    "number": np.array(7),
    "text": np.array("Köln"),
    "nothing": np.zeros((0, 3), np.int32),
    "truth": np.array([True, False]),
}


def header(shape, descr="<f4", fortran=False):
    text = str({"descr": descr, "fortran_order": fortran, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def write_zip(path, content, name="a.npy", **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(name, content)
    return path


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("compress", [False, True])
def test_write_read_archive_exact(tmp_path, compress, mapped):
    path = tmp_path / "arrays.npz"
    array_archive.write_archive(path, ARRAYS, compress=compress)
    arrays = array_archive.read_archive(path, mapped=mapped)
    assert list(arrays) == list(ARRAYS)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert array.dtype == ARRAYS[name].dtype and not array.flags.writeable
    with np.load(path, allow_pickle=False) as archive:
        for name in ARRAYS:
            np.testing.assert_array_equal(archive[name], ARRAYS[name])


def test_write_archive_aligns(tmp_path):
    path = tmp_path / "arrays.npz"
    array_archive.write_archive(path, ARRAYS)
    content = path.read_bytes()
    assert content.index(ARRAYS["floats"].tobytes()) % 64 == 0
    floats = array_archive.read_archive(path, mapped=True)["floats"]
    assert floats.ctypes.data % 64 == 0


@pytest.mark.parametrize("mapped", [False, True])
def test_read_archive_of_numpy(tmp_path, mapped):
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.savez(tmp_path / "arrays.npz", columns=columns, big=np.arange(3, dtype=">i2"))
    arrays = array_archive.read_archive(tmp_path / "arrays.npz", mapped=mapped)
    np.testing.assert_array_equal(arrays["columns"], columns)
    np.testing.assert_array_equal(arrays["big"], [0, 1, 2])


def pickled():
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickled(), "nothing is unpickled"),
        (header((10**15,)) + bytes(8), "declares 4000000000000000 bytes .* holds 8"),
        (header((3,)) + bytes(8), "declares 12 bytes"),
        (header((1,)) + bytes(8), "declares 4 bytes"),
        (header((-1, -2)) + bytes(8), "impossible shape"),
        (header((10**9,), "<U0"), "not numbers or text"),
        (header((1,), "<c8") + bytes(8), "not numbers or text"),
        (header((1,), "V8") + bytes(8), "not numbers or text"),
        (header((2,), "(2,)<f4") + bytes(16), "."),
        (b"\x93NUMPY\x03\x00" + header((1,))[8:] + bytes(4), "version"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "."),
        # Where NumPy gives up, and hands the header to Python's tokenizer.
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': ('<f4\n", "."),
        (b"\x93NUMPY\x01\x00\x10\x00  {\n x\n  y\n}   \n", "."),
        (header("x" * 20_000), "."),
        (b"", "."),
        (b"no array at all", "."),
    ],
)
def test_read_archive_exception_raised(tmp_path, content, message, mapped):
    path = write_zip(tmp_path / "a.npz", content)
    with pytest.raises(ValueError, match=message):
        array_archive.read_archive(path, mapped=mapped)


def test_read_archive_odd_files_exception_raised(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="absent.npz"):
        array_archive.read_archive(tmp_path / "absent.npz")
    path = tmp_path / "a.npz"
    for content in (b"", b"PK\x03\x04", bytes(100)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="."):
            array_archive.read_archive(path, mapped=True)
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning):
        for _ in range(2):
            archive.writestr("a.npy", header(()) + bytes(4))
    with pytest.raises(ValueError, match="same name"):
        array_archive.read_archive(path)
    array_archive.write_archive(path, {"zeros": np.zeros(10**6)}, compress=True)
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(array_archive, "MAX_BYTES", 10**6)
    with pytest.raises(ValueError, match="no more than 1000000 are read"):
        array_archive.read_archive(path)


@pytest.mark.parametrize("mapped", [False, True])
def test_read_archive_damaged_lzma_exception_raised(tmp_path, mapped):
    path = write_zip(tmp_path / "a.npz", header((2,)) + bytes(8), compression=zipfile.ZIP_LZMA)
    content = bytearray(path.read_bytes())
    content[30 + len("a.npy") + 9] = 0xFF  # Of the packed bytes, the first is always 0.
    path.write_bytes(content)
    with pytest.raises(ValueError, match="[Cc]orrupt"):
        array_archive.read_archive(path, mapped=mapped)
