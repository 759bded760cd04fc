import itertools
import json
import os
import threading
import time

import numpy as np
import pytest
import skimage.data

from tests.datasets.made_up_photos import FACE, MadeUpDetector, landmarks_of, write_photos
from tf_facerecon.datasets import photo_preparation
from tf_facerecon.datasets.photo_preparation import prepare_photos
from tf_facerecon.io import image_files
from tf_facerecon.photos import face_alignment
from tf_facerecon.photos.skin_probability import SkinModel

# Another face than FACE: a mere shift would leave the points of the crop as they are.
OTHER_FACE = FACE + [[6, 0], [0, -3], [3, 2], [0, 0], [-4, 1]]


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    write_photos(folder, ["b.png", "a.jpg", "deep/er/C.JPEG", "a.png"])
    return folder


def prepare(folder, **arguments):
    detector = MadeUpDetector()
    prepared = prepare_photos(folder, detector=detector, progress=False, **arguments)
    return prepared, detector.calls


def test_prepare_photos_passes_over_earlier_preparations(photos):
    """Crops are no photographs, whoever made them: of a folder inside, or of this one before."""
    prepare(photos / "deep")
    prepare(photos)
    prepared, _ = prepare(photos, prepared_folder=photos.parent / "elsewhere")
    assert prepared.names == ("a.jpg", "a.png", "b.png", "deep/er/C.JPEG")


def test_prepare_photos_makes_missing_crops_again(photos):
    prepared, _ = prepare(photos)
    (prepared.folder / "crops" / "a.png.png").unlink()
    again, calls = prepare(photos)
    assert again.names == prepared.names and calls == 1
    assert again.load("a.png")["image"].shape == (224, 224, 3)


def test_prepare_photos_with_detector(photos):
    prepared, calls = prepare(photos)
    assert prepared.names == ("a.jpg", "a.png", "b.png", "deep/er/C.JPEG")
    assert calls == 4 and not prepared.skipped
    assert prepared.folder == photos / "tf_facerecon_prepared"
    image = image_files.read_image(photos / "b.png")
    aligned = face_alignment.align_face(image, FACE)
    sample = prepared.load("b.png")
    np.testing.assert_array_equal(sample["image"], aligned.image)
    np.testing.assert_allclose(sample["five_points"], aligned.transform.to_crop(FACE), rtol=1e-6)
    skin = SkinModel.default().probability(aligned.image)
    np.testing.assert_allclose(sample["skin"][..., 0] / 255, skin, atol=0.5 / 255 + 1e-6)
    assert not sample["landmark_weights"].any() and not sample["landmarks"].any()


@pytest.mark.parametrize("y_up", [False, True])
def test_prepare_photos_with_landmarks(photos, y_up):
    landmarks = landmarks_of(FACE)
    written = np.column_stack([landmarks[:, 0], 179 - landmarks[:, 1]]) if y_up else landmarks
    (photos / "deep/er/landmarks").mkdir()
    np.savetxt(photos / "deep/er/landmarks/C.txt", written)
    prepared, calls = prepare(photos, landmarks_y_up=y_up)
    assert calls == 3
    sample = prepared.load("deep/er/C.JPEG")
    transform = face_alignment.fit_crop_transform(FACE, 160, 180)
    np.testing.assert_allclose(sample["landmarks"], transform.to_crop(landmarks), rtol=1e-5)
    np.testing.assert_allclose(sample["five_points"], transform.to_crop(FACE), rtol=1e-5)
    np.testing.assert_array_equal(sample["landmark_weights"], np.ones(68))
    image = image_files.read_image(photos / "deep/er/C.JPEG")
    np.testing.assert_array_equal(sample["image"], face_alignment.crop_image(image, transform))


def test_prepare_photos_with_detections(photos):
    (photos / "detections").mkdir()
    np.savetxt(photos / "detections/b.txt", OTHER_FACE, delimiter="\t")
    prepared, calls = prepare(photos)
    assert calls == 3
    transform = face_alignment.fit_crop_transform(OTHER_FACE, 160, 180)
    expected = transform.to_crop(OTHER_FACE)
    np.testing.assert_allclose(prepared.load("b.png")["five_points"], expected, rtol=1e-5)


def test_prepare_photos_skips_and_tells(photos):
    image_files.write_image(photos / "black.png", np.zeros((100, 100, 3), np.uint8))
    (photos / "text.jpg").write_text("hello", encoding="utf-8")
    (photos / "landmarks").mkdir()
    np.savetxt(photos / "landmarks/b.txt", FACE)
    (photos / "detections").mkdir()
    np.savetxt(photos / "detections/a.txt", FACE + 900)
    prepared, _ = prepare(photos)
    assert prepared.names == ("deep/er/C.JPEG",)
    assert prepared.skipped.keys() == {"a.jpg", "a.png", "b.png", "black.png", "text.jpg"}
    lines = (prepared.folder / "skipped.txt").read_text(encoding="utf-8").splitlines()
    reasons = dict(line.split("\t") for line in lines)
    assert "No face was found in" in reasons["black.png"] and "black.png" in reasons["black.png"]
    assert "is not an image" in reasons["text.jpg"]
    assert "must hold 68 rows" in reasons["b.png"] and "b.txt" in reasons["b.png"]
    assert "must lie in the photograph" in reasons["a.jpg"]


def test_prepare_photos_goes_on_where_it_stopped(photos, monkeypatch):
    whole, calls = prepare(photos, prepared_folder=photos.parent / "whole")
    real = photo_preparation._prepare_photo
    begun = itertools.count()

    def interrupted(path, *arguments):
        if next(begun) >= 2:
            raise KeyboardInterrupt
        return real(path, *arguments)

    monkeypatch.setattr(photo_preparation, "_prepare_photo", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(photos)
    monkeypatch.setattr(photo_preparation, "_prepare_photo", real)
    prepared, calls = prepare(photos)
    assert calls == 2 and prepared.names == whole.names
    for name in whole.names:
        first, second = whole.load(name), prepared.load(name)
        assert all(np.array_equal(first[key], second[key]) for key in first)
    files = [path.name for path in prepared.folder.rglob("*")]
    assert not [name for name in files if name.startswith(".part-")]


@pytest.mark.parametrize("workers", [1, 3])
def test_prepare_photos_is_the_same_with_any_number_of_threads(photos, monkeypatch, workers):
    write_photos(photos, [f"more/{i}.png" for i in range(20)])
    monkeypatch.setattr(photo_preparation.os, "cpu_count", lambda: workers)
    real = photo_preparation._prepare_photo
    threads, waiting = set(), threading.Barrier(workers, timeout=60)

    def recorded(path, *arguments):
        if threading.get_ident() not in threads:
            threads.add(threading.get_ident())
            waiting.wait()  # Until each of the threads has a photograph.
        return real(path, *arguments)

    monkeypatch.setattr(photo_preparation, "_prepare_photo", recorded)
    prepared, calls = prepare(photos)
    assert len(threads) == workers and calls == 24
    index = json.loads((prepared.folder / "index.json").read_text(encoding="utf-8"))
    assert list(index["photos"]) == list(prepared.names)
    image = image_files.read_image(photos / "more/7.png")
    expected = face_alignment.align_face(image, FACE).image
    np.testing.assert_array_equal(prepared.load("more/7.png")["image"], expected)


def test_prepare_photos_detects_one_face_at_a_time(photos, monkeypatch):
    """Detectors need not be safe for threads."""
    monkeypatch.setattr(photo_preparation.os, "cpu_count", lambda: 4)
    inside = threading.Semaphore(1)

    class Alone(MadeUpDetector):
        def detect(self, image):
            assert inside.acquire(blocking=False)
            time.sleep(0.02)
            inside.release()
            return super().detect(image)

    assert len(prepare_photos(photos, detector=Alone(), progress=False).names) == 4


def test_prepare_photos_does_again_what_changed(photos):
    prepare(photos)
    assert prepare(photos)[1] == 0
    write_photos(photos, ["b.png"], seed=9)
    assert prepare(photos)[1] == 1
    (photos / "detections").mkdir()
    np.savetxt(photos / "detections/b.txt", OTHER_FACE)
    prepared, calls = prepare(photos)
    assert calls == 0
    expected = face_alignment.fit_crop_transform(OTHER_FACE, 160, 180).to_crop(OTHER_FACE)
    np.testing.assert_allclose(prepared.load("b.png")["five_points"], expected, rtol=1e-5)
    (photos / "a.jpg").unlink()
    assert prepare(photos)[0].names == ("a.png", "b.png", "deep/er/C.JPEG")
    assert prepare(photos, landmarks_y_up=True)[1] == 2


def test_prepare_photos_passes_over_folders_of_other_packages(photos):
    write_photos(photos, ["mask/a.png", "vis/x.jpg", ".hidden/y.jpg", "._a.jpg"])
    assert prepare(photos)[0].names == ("a.jpg", "a.png", "b.png", "deep/er/C.JPEG")


def test_prepare_photos_finds_the_astronaut(tmp_path):
    image_files.write_image(tmp_path / "astronaut.png", skimage.data.astronaut())
    prepared = prepare_photos(tmp_path, progress=False)
    points = prepared.load("astronaut.png")["five_points"]
    # Where any frontal face comes to lie in the crop.
    expected = [[80, 82], [143, 82], [112, 120], [86, 151], [137, 151]]
    np.testing.assert_allclose(points, expected, atol=12)


def test_prepare_photos_exception_raised(tmp_path, photos):
    with pytest.raises(FileNotFoundError, match="No folder of photographs"):
        prepare(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no photographs"):
        prepare(tmp_path / "empty")
    with pytest.raises(ValueError, match="holds other files"):
        prepare(photos, prepared_folder=photos)
    prepared, _ = prepare(photos)
    (prepared.folder / "index.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"index\.json is damaged"):
        prepare(photos)


def test_prepare_photos_unwritable_folder_exception_raised(photos):
    (photos.parent / "file").write_text("x", encoding="utf-8")
    with pytest.raises(NotADirectoryError, match="Cannot write"):
        prepare(photos, prepared_folder=photos.parent / "file" / "prepared")
    assert sorted(os.listdir(photos)) == ["a.jpg", "a.png", "b.png", "deep"]


def test_prepare_photos_passes_over_prepared_folders_of_any_name(photos):
    prepare(photos, prepared_folder=photos / "ready")
    prepared, _ = prepare(photos, prepared_folder=photos.parent / "elsewhere")
    assert prepared.names == ("a.jpg", "a.png", "b.png", "deep/er/C.JPEG")


@pytest.mark.parametrize("error", [MemoryError("no memory"), PermissionError("no right")])
def test_prepare_photos_tries_again_what_was_no_fault_of_the_photograph(photos, error):
    class Broken(MadeUpDetector):
        def detect(self, image):
            raise error

    prepared = prepare_photos(photos, detector=Broken(), progress=False)
    assert not prepared.names and set(prepared.skipped.values()) == {str(error)}
    assert len(prepare(photos)[0].names) == 4


def test_prepare_photos_without_a_detector_stops_at_once(photos, monkeypatch):
    def missing():
        raise FileNotFoundError("No detector weights.")

    monkeypatch.setattr(photo_preparation.face_detection, "FaceDetector", missing)
    with pytest.raises(FileNotFoundError, match="No detector weights"):
        prepare_photos(photos, progress=False)
    assert not (photos / "tf_facerecon_prepared").exists()


def test_prepare_photos_refuses_points_of_the_wrong_way_up(photos):
    (photos / "landmarks").mkdir()
    landmarks = landmarks_of(FACE)
    np.savetxt(
        photos / "landmarks/b.txt", np.column_stack([landmarks[:, 0], 179 - landmarks[:, 1]])
    )
    (photos / "detections").mkdir()
    np.savetxt(photos / "detections/a.txt", FACE[[1, 0, 2, 4, 3]])
    prepared, _ = prepare(photos)
    assert prepared.names == ("deep/er/C.JPEG",)
    assert "landmarks/b.txt" in prepared.skipped["b.png"]
    assert "landmarks_y_up" in prepared.skipped["b.png"]
    for name in ("a.jpg", "a.png"):  # The option is about landmarks.
        assert "detections/a.txt: the points must stand in this order" in prepared.skipped[name]
        assert "landmarks_y_up" not in prepared.skipped[name]
    prepared, _ = prepare(photos, landmarks_y_up=True)
    assert prepared.names == ("b.png", "deep/er/C.JPEG")


def test_prepare_photos_with_awkward_names(photos):
    long_name = "n" * 240 + ".png"
    write_photos(photos, [])
    (photos / long_name).write_bytes((photos / "b.png").read_bytes())
    with open(os.fsencode(photos) + b"/M\xfcller.jpg", "wb") as file:
        file.write(b"no image")
    prepared, _ = prepare(photos)
    assert prepared.names == ("a.jpg", "a.png", "b.png", "deep/er/C.JPEG")
    assert "too long" in prepared.skipped[long_name]
    assert r"M\udcfcller.jpg" in (prepared.folder / "skipped.txt").read_text(encoding="utf-8")


def test_prepare_photos_goes_on_in_a_folder_with_hidden_files(photos):
    folder = photos.parent / "prepared"
    folder.mkdir()
    (folder / ".part-1234-index.json").write_text("{", encoding="utf-8")
    assert len(prepare(photos, prepared_folder=folder)[0].names) == 4


def test_prepare_photos_takes_photographs_beside_a_foreign_index(photos):
    (photos / "index.json").write_text('{"images": []}', encoding="utf-8")
    write_photos(photos / "crops", ["z.png"])
    prepared, _ = prepare(photos, prepared_folder=photos.parent / "elsewhere")
    assert prepared.names == ("a.jpg", "a.png", "b.png", "crops/z.png", "deep/er/C.JPEG")
