import io
import pickle

import h5py
import numpy as np
import pytest
from scipy import io as scipy_io

from tf_facerecon.morphable_models.importers.basel import matlab_files

ARRAYS = {
    "single": np.arange(6, dtype=np.float32).reshape(2, 3),
    "double": np.array([[0.1, -2.0]]),
    "index": np.array([[1], [65535]], np.uint16),
}


def written(arrays, **options):
    stream = io.BytesIO()
    scipy_io.savemat(stream, arrays, **options)
    return stream


@pytest.mark.parametrize("compressed", [False, True])
def test_read_arrays_preset(compressed):
    stream = written(ARRAYS, do_compression=compressed)
    read = matlab_files.read_arrays(stream, ["index", "single", "double"], "a.mat")
    for name, array in ARRAYS.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize("compressed", [False, True])
def test_read_arrays_random(compressed, rng):
    kinds = ["f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
    shapes = [(1, 1), (5, 1), (1, 3), (7, 4), (2, 3, 4), (300, 50)]
    arrays = {
        f"name_{'x' * number}": (100 * rng.random(shape)).astype(kind)
        for number, (kind, shape) in enumerate((k, s) for k in kinds for s in shapes)
        if number < 30 or shape != (300, 50)
    }
    arrays["name_"] = np.array([[True, False]])
    stream = written({"other": {"a": 1}, **arrays, "text": "abc"}, do_compression=compressed)
    read = matlab_files.read_arrays(stream, list(arrays)[:20], "a.mat")
    for name, array in read.items():
        np.testing.assert_array_equal(array, arrays[name])


def test_read_arrays_as_matlab_stores_them():
    """Whole doubles in bytes, small elements, and a machine with the other byte order."""
    for order in "<>":
        sub = [
            np.array([6, 8, 6, 0], f"{order}u4"),  # Flags: class double.
            np.array([5, 8, 2, 3], f"{order}u4"),  # Sizes.
            np.array([1 << 16 | 1], f"{order}u4"),  # Name in the tag: one byte of text.
            np.array([ord("a"), 0, 0, 0], "u1"),
            np.array([2, 6], f"{order}u4"),  # Six bytes, padded.
            np.array([1, 2, 3, 4, 5, 6, 0, 0], "u1"),
        ]
        body = b"".join(part.tobytes() for part in sub)
        header = b"MATLAB 5.0".ljust(124) + np.array([0x0100], f"{order}u2").tobytes()
        mark = b"IM" if order == "<" else b"MI"
        tag = np.array([14, len(body)], f"{order}u4").tobytes()
        read = matlab_files.read_arrays(io.BytesIO(header + mark + tag + body), ["a"], "a.mat")
        assert read["a"].dtype == np.float64
        np.testing.assert_array_equal(read["a"], [[1, 3, 5], [2, 4, 6]])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array(["a", 1], object), "a.mat .*`bad` must be an array of real numbers, not a cell"),
        ("text", "not text"),
        ({"field": 1.0}, "not a structure"),
        (np.zeros((0, 3)), r"`bad` has shape \(0, 3\)"),
        (np.array([[1.0, np.nan]]), "`bad` of a.mat must hold finite numbers"),
        (np.array([[1.0 + 2.0j]]), "not complex ones"),
    ],
)
def test_read_arrays_exception_raised(value, message):
    with pytest.raises(ValueError, match=message):
        matlab_files.read_arrays(written({"bad": value}), ["bad"], "a.mat")


def test_read_arrays_names_what_is_missing():
    with pytest.raises(ValueError, match="a.mat lacks the variables shapePC. Received: double, "):
        matlab_files.read_arrays(written(ARRAYS), ["shapePC", "double"], "a.mat")


def test_read_arrays_declared_size_exception_raised(monkeypatch):
    monkeypatch.setattr(matlab_files, "MAX_ELEMENTS", 5)
    with pytest.raises(ValueError, match=r"`single` has shape \(2, 3\)"):
        matlab_files.read_arrays(written(ARRAYS), ["single"], "a.mat")


def test_read_arrays_other_formats_exception_raised():
    hdf5 = io.BytesIO()
    with h5py.File(hdf5, "w") as file:
        file["single"] = 1.0
    numpy_file = io.BytesIO()
    np.save(numpy_file, np.array([{}], object), allow_pickle=True)
    for content in (pickle.dumps(ARRAYS), numpy_file.getvalue(), hdf5.getvalue(), b"", b"text"):
        with pytest.raises(ValueError, match="a.mat is not a readable MATLAB file"):
            matlab_files.read_arrays(io.BytesIO(content), ["single"], "a.mat")
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    with pytest.raises(ValueError, match="save it with -v7"):
        matlab_files.read_arrays(io.BytesIO(header), ["single"], "a.mat")


@pytest.mark.parametrize("compressed", [False, True])
def test_read_arrays_damaged_random(compressed, rng):
    content = written(ARRAYS, do_compression=compressed).getvalue()
    for _ in range(400):
        damaged = bytearray(content)
        if rng.random() < 0.3:
            damaged = damaged[: rng.integers(len(damaged))]
        else:
            for position in rng.integers(len(damaged), size=rng.integers(1, 4)):
                damaged[position] = rng.integers(256)
        try:
            matlab_files.read_arrays(io.BytesIO(bytes(damaged)), list(ARRAYS), "a.mat")
        except ValueError as error:
            assert "a.mat" in str(error)


@pytest.mark.parametrize("flags", [[6, 0], [6, 4, 6, 0]], ids=["none", "half"])
def test_read_arrays_without_flags_exception_raised(flags):
    body = np.array(flags, "<u4").tobytes() + bytes(8)
    header = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    tag = np.array([14, len(body)], "<u4").tobytes()
    with pytest.raises(ValueError, match="a.mat .*a matrix has no flags"):
        matlab_files.read_arrays(io.BytesIO(header + tag + body), ["a"], "a.mat")
