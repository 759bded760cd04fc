import h5py
import numpy as np
import pytest

from tf_facerecon.morphable_models.importers.basel import hdf5_files


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def test_read_array_preset(file):
    file["shape/model/mean"] = np.arange(6, dtype=np.float32)
    file.create_dataset("packed", data=np.eye(3), compression="gzip")
    read = hdf5_files.read_array(file, "shape/model/mean", "a.h5", (None,))
    np.testing.assert_array_equal(read, np.arange(6))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(hdf5_files.read_array(file, "packed", "a.h5", (3, 3)), np.eye(3))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "a.h5 lacks the data set `x`"),
        (np.zeros((4, 3)), r"`x` of a.h5 must hold numbers of shape \[any, 2\]. Received: float64"),
        (np.zeros(2), r"Received: float64, shape \(2,\)"),
        (np.zeros((0, 2)), r"shape \(0, 2\)"),
        (1.0, r"shape \(\)"),
        (np.array([["a", "b"]], h5py.string_dtype()), "must hold numbers"),
        (np.array([[1j, 2j]]), "must hold numbers"),
        (np.array([[np.nan, 2]]), "`x` of a.h5 must hold finite numbers"),
    ],
)
def test_read_array_exception_raised(file, value, message):
    if value is not None:
        file["x"] = value
    with pytest.raises(ValueError, match=message):
        hdf5_files.read_array(file, "x", "a.h5", (None, 2))


def test_read_array_group_and_size_exception_raised(file, monkeypatch):
    file.create_group("x")
    with pytest.raises(ValueError, match="lacks the data set"):
        hdf5_files.read_array(file, "x", "a.h5", (None,))
    # No room is taken for what only declares its size.
    file.create_dataset("huge", shape=(1 << 40,), dtype="f8", chunks=(1 << 10,))
    with pytest.raises(ValueError, match="must hold numbers of shape"):
        hdf5_files.read_array(file, "huge", "a.h5", (None,))


def test_read_array_of_other_files_exception_raised(file, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(16))
    with h5py.File(tmp_path / "b.h5", "w") as other:
        other["x"] = np.zeros(2)
    file["link"] = h5py.ExternalLink(str(tmp_path / "b.h5"), "x")
    file.create_dataset("raw", shape=(2,), dtype="f8", external=[(str(secret), 0, 16)])
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "b.h5"), "x", (2,))
    file.create_virtual_dataset("virtual", layout)
    for name in ("link", "raw", "virtual"):
        with pytest.raises(ValueError, match=f"`{name}` of a.h5 must not lie in another file"):
            hdf5_files.read_array(file, name, "a.h5", (2,))


def test_read_text_preset(file):
    text = '[{"id": "ü"}]'
    file["string"] = text
    file["array"] = [text]
    file["fixed"] = np.bytes_(text.encode())
    file["characters"] = np.frombuffer(text.encode() + b"\0", np.int8)
    for name in file:
        read = hdf5_files.read_text(file, name, "a.h5")
        assert (read if isinstance(read, str) else read.decode()) == text


def test_read_text_exception_raised(file, monkeypatch):
    monkeypatch.setattr(hdf5_files, "MAX_TEXT_BYTES", 5)
    file["x"] = np.bytes_(b"123456")
    with pytest.raises(ValueError, match="`x` of a.h5 is too large: 6 bytes"):
        hdf5_files.read_text(file, "x", "a.h5")
    with pytest.raises(ValueError, match="a.h5 lacks the data set `y`"):
        hdf5_files.read_text(file, "y", "a.h5")


def test_read_array_damaged_type_exception_raised(tmp_path):
    """A float type whose bytes in the file make no number of this machine's."""
    path = tmp_path / "b.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((3, 2), np.float32)
    content = path.read_bytes()
    # Class float, version 1, little-endian, sign in bit 31; then four bytes long.
    start = content.index(b"\x11\x20\x1f\x00\x04\x00\x00\x00")
    for position in range(start, start + 20):
        for value in (0x00, 0x1F, 0x7F, 0xFF):
            damaged = bytearray(content)
            damaged[position] = value
            path.write_bytes(damaged)
            with h5py.File(path) as file:
                try:
                    hdf5_files.read_array(file, "x", "b.h5", (3, 2))
                except ValueError as error:
                    assert "b.h5" in str(error)
                except (OSError, RuntimeError, KeyError):
                    pass
