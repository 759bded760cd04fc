import numpy as np
import PIL.Image
import pytest

from tf_facerecon.datasets import labelled_photos


@pytest.fixture
def photos(tmp_path):
    for name in ("set/anna/1.png", "set/bert/1.png", "set/bert/2.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (60, 50)).save(path)
    return tmp_path / "set"


def test_labels_of_aflw2000(photos, tmp_path, rng):
    points = rng.random((2, 3, 68)).astype(np.float32)
    names = np.array(["anna/1.png", "bert/2.png"])
    np.savez(tmp_path / "labels.npz", names=names, points3d=points, yaw=np.array([-40.0, 5.0]))
    labels = labelled_photos.read_labels(tmp_path / "labels.npz")
    assert labels.yaw == {"anna/1.png": -40.0, "bert/2.png": 5.0}
    found = {
        name: (photo, row) for name, photo, row in labelled_photos.labelled_photos(photos, labels)
    }
    assert list(found) == names.tolist()  # The photograph without labels is left out.
    photo, row = found["bert/2.png"]
    assert photo.shape == (50, 60, 3)
    np.testing.assert_allclose(row[7], points[1, :2, 7])


def test_labels_of_a_face_mesh(tmp_path, rng):
    mesh = rng.random((1, 478, 3)).astype(np.float16)
    chosen = rng.permutation(478)[:68]
    np.savez(tmp_path / "l.npz", names=np.array(["a/1.jpg"]), landmarks478=mesh, map68=chosen)
    labels = labelled_photos.read_labels(tmp_path / "l.npz")
    expected = mesh[0, chosen[3], :2].astype(float) - 0.22
    np.testing.assert_allclose(labels.landmarks["a/1.jpg"][3], expected)
    assert labels.yaw == {}


def test_held_out_people_are_whole_people():
    # zlib.crc32(b"anna") is 559726263, 8 more than a multiple of 11.
    names = [f"person_{i}" for i in range(4000)]
    share = np.mean([labelled_photos.is_held_out(name) for name in names])
    assert abs(share - 1 / 11) < 0.02
    for person in names[:50]:
        assert labelled_photos.is_held_out(f"lfw/{person}/{person}_0002.jpg") == (
            labelled_photos.is_held_out(person)
        )
    assert not labelled_photos.is_held_out("anna") and labelled_photos.is_held_out("anna", every=1)


def test_labels_of_some_photographs():
    points = {name: np.full((68, 2), number) for number, name in enumerate(["a/1", "b/1", "a/2"])}
    labels = labelled_photos.Labels(points, {"a/1": 5.0, "a/2": -5.0})
    chosen = labels.select(iter(["a/2", "b/1"]))
    assert list(chosen.landmarks) == ["a/2", "b/1"] and chosen.yaw == {"a/2": -5.0}
    assert chosen.landmarks["b/1"] is points["b/1"]
    names = [f"person_{i}/1.jpg" for i in range(50)]
    held_out = labelled_photos.Labels(dict.fromkeys(names, points["a/1"]), {}).held_out()
    expected = [name for name in names if labelled_photos.is_held_out(name)]
    assert list(held_out.landmarks) == expected and 0 < len(expected) < 50


def test_photo_files_without_labels_have_no_landmarks(photos):
    labels = labelled_photos.Labels({"bert/1.png": np.ones((68, 2))}, {})
    found = list(labelled_photos.photo_files_and_landmarks(photos, labels))
    names = [name for name, _, _ in found]
    assert names == ["anna/1.png", "bert/1.png", "bert/2.png"]
    assert [landmarks is None for _, _, landmarks in found] == [True, False, True]
    assert found[1][1] == (photos / "bert/1.png").read_bytes()


def test_labelled_photos_exception_raised(photos, tmp_path, rng):
    with pytest.raises(FileNotFoundError, match="no file of labels"):
        labelled_photos.read_labels(tmp_path / "absent.npz")
    np.savez(tmp_path / "other.npz", names=np.array(["a"]), points=np.zeros((1, 5, 2)))
    with pytest.raises(ValueError, match=r"must hold `names` \[N\].*points.*\(1, 5, 2\)"):
        labelled_photos.read_labels(tmp_path / "other.npz")
    labels = labelled_photos.Labels({"carl/1.png": np.zeros((68, 2))}, {})
    with pytest.raises(FileNotFoundError, match="lacks 1 photographs .*carl/1.png"):
        list(labelled_photos.labelled_photos(photos, labels))
