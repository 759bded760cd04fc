import numpy as np
import pytest

from tf_facerecon.datasets import prepared_photos

ENTRIES = {"a.jpg": {"files": [[1, 2], None, None]}, "b.jpg": {"files": [], "skipped": "no\nface"}}


def test_write_crop_load_round_trip(tmp_path, rng):
    labels = {
        "image": rng.integers(0, 256, (224, 224, 3), dtype=np.uint8),
        "skin": rng.integers(0, 256, (224, 224, 1), dtype=np.uint8),
        "landmarks": rng.normal(size=(68, 2)).astype(np.float32),
    }
    prepared_photos.write_crop(tmp_path, "deep/a.jpg", labels)
    loaded = prepared_photos.PreparedPhotos(tmp_path, ("deep/a.jpg",), {}).load("deep/a.jpg")
    assert loaded.keys() == labels.keys()
    for key, value in labels.items():
        assert loaded[key].dtype == value.dtype
        np.testing.assert_array_equal(loaded[key], value)


def test_load_missing_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.jpg"):
        prepared_photos.PreparedPhotos(tmp_path, ("a.jpg",), {}).load("a.jpg")


def test_index_round_trip(tmp_path):
    assert prepared_photos.read_index(tmp_path, {"y_up": True}) == {}
    prepared_photos.write_index(tmp_path, {"y_up": True}, ENTRIES)
    assert prepared_photos.read_index(tmp_path, {"y_up": True}) == ENTRIES
    assert prepared_photos.read_index(tmp_path, {"y_up": False}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 1}',
        '{"format": 1, "settings": {}, "photos": ["a.jpg"]}',
        '{"format": 1, "settings": {}, "photos": {"a.jpg": "done"}}',
    ],
)
def test_read_index_exception_raised(tmp_path, text):
    (tmp_path / "index.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"index\.json is damaged"):
        prepared_photos.read_index(tmp_path, {})


def test_read_index_other_files_exception_raised(tmp_path):
    (tmp_path / "thesis.pdf").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="holds other files"):
        prepared_photos.read_index(tmp_path, {})


def test_finish_names_and_skipped(tmp_path):
    prepared = prepared_photos.write_skipped(tmp_path, ENTRIES)
    assert prepared.names == ("a.jpg",)
    assert prepared.skipped == {"b.jpg": "no\nface"}
    assert (tmp_path / "skipped.txt").read_text(encoding="utf-8") == "b.jpg\tno face\n"


def test_load_names_a_damaged_file(tmp_path):
    (tmp_path / "crops").mkdir()
    (tmp_path / "crops" / "a.png.npz").write_bytes(b"PK half")
    prepared = prepared_photos.PreparedPhotos(tmp_path, ("a.png",), {})
    with pytest.raises(ValueError, match=r"a\.png\.npz is damaged"):
        prepared.load("a.png")
    with pytest.raises(FileNotFoundError, match=r"b\.png\.npz"):
        prepared.load("b.png")
