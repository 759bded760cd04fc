import numpy as np
import pytest

from tests.datasets.made_up_deep3d_data import (
    CROP_FACE,
    write_pytorch_data,
    write_tensorflow_data,
)
from tests.datasets.made_up_photos import FACE, landmarks_of
from tf_facerecon.datasets import deep3d_folders
from tf_facerecon.io import image_files
from tf_facerecon.photos import face_alignment


@pytest.mark.parametrize("binary", [True, False])
def test_load_an_aligned_crop(tmp_path, binary):
    write_tensorflow_data(tmp_path, ["b", "a"], binary=binary)
    files = deep3d_folders.find_tensorflow_files(tmp_path)
    assert [entry.image.name for entry in files] == ["a.png", "b.png"]
    if binary:  # The text is not looked at.
        (tmp_path / "lm" / "b.txt").unlink()
    sample = files[1].load()
    np.testing.assert_array_equal(sample["image"], image_files.read_image(tmp_path / "b.png"))
    np.testing.assert_array_equal(
        sample["skin"][..., 0], image_files.read_image(tmp_path / "mask" / "b.png")[..., 0]
    )
    np.testing.assert_allclose(sample["landmarks"], landmarks_of(CROP_FACE), atol=1e-4)
    np.testing.assert_allclose(sample["five_points"], CROP_FACE, atol=1e-4)
    assert sample["landmark_weights"].tolist() == [1.0] * 68


def test_load_a_photograph_aligns_it_and_its_mask(tmp_path):
    write_pytorch_data(tmp_path)
    entry = deep3d_folders.find_pytorch_files(tmp_path)[0]
    sample = entry.load()
    photo = image_files.read_image(tmp_path / "datasets" / "some" / "a.png")
    mask = image_files.read_image(tmp_path / "datasets" / "some" / "mask" / "a.png")[..., 0]
    aligned = face_alignment.align_face(photo, FACE, mask=mask)
    np.testing.assert_array_equal(sample["image"], aligned.image)
    np.testing.assert_array_equal(sample["skin"][..., 0], aligned.mask)
    expected = aligned.transform.to_crop(landmarks_of(FACE))
    np.testing.assert_allclose(sample["landmarks"], expected, atol=1e-4)
    np.testing.assert_allclose(sample["five_points"], aligned.transform.to_crop(FACE), atol=1e-4)
    quirky = entry.load(reference_quirks=True)
    expected = aligned.transform.to_reference_crop(landmarks_of(FACE))
    np.testing.assert_allclose(quirky["landmarks"], expected, atol=1e-4)
    assert 0.1 < np.abs(quirky["landmarks"] - sample["landmarks"]).max() < 2


def test_find_pytorch_files_replaces_the_folder_of_the_mask_alone(tmp_path):
    # Their code replaces "mask" wherever it stands in the path.
    names = {kind: tmp_path / "unmasked.mask" / kind for kind in (".", "mask", "landmarks")}
    for folder, name in zip(names.values(), ("mask.jpg", "mask.jpg", "mask.txt"), strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "list.txt").write_text("\n unmasked.mask\\mask\\mask.jpg \n", encoding="utf-8")
    (entry,) = deep3d_folders.find_pytorch_files(tmp_path, "list.txt")
    assert entry.image == tmp_path / "unmasked.mask" / "mask.jpg"
    assert entry.mask == tmp_path / "unmasked.mask" / "mask" / "mask.jpg"
    assert entry.landmarks == tmp_path / "unmasked.mask" / "landmarks" / "mask.txt"


def test_find_tensorflow_files_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder of aligned crops"):
        deep3d_folders.find_tensorflow_files(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"aligned crops \(\*.png\). Received: none"):
        deep3d_folders.find_tensorflow_files(tmp_path)
    write_tensorflow_data(tmp_path)
    (tmp_path / "lm_bin" / "b.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of the 9 files of 3 .*b\.bin"):
        deep3d_folders.find_tensorflow_files(tmp_path)


def test_find_pytorch_files_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no list of masks .*masks\.txt"):
        deep3d_folders.find_pytorch_files(tmp_path)
    write_pytorch_data(tmp_path)
    list_path = tmp_path / deep3d_folders.TRAINING_LIST
    (tmp_path / "datasets" / "some" / "mask" / "c.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of the 9 files .*c\.png"):
        deep3d_folders.find_pytorch_files(tmp_path)
    list_path.write_text("datasets/some/mask/a.png\ndatasets/some/b.png\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"masks\.txt, line 2: .*Received: 'datasets/some/b\.png'"):
        deep3d_folders.find_pytorch_files(tmp_path)
    list_path.write_text("\n\n", encoding="utf-8")
    with pytest.raises(ValueError, match="must name masks, one per line"):
        deep3d_folders.find_pytorch_files(tmp_path)


def test_load_exception_raised(tmp_path):
    write_tensorflow_data(tmp_path)
    first, second, third = deep3d_folders.find_tensorflow_files(tmp_path)
    first.landmarks.write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match=r"a\.bin must hold 136 .* Received: 100 bytes"):
        first.load()
    second.landmarks.write_bytes(np.full(136, np.nan).tobytes())
    with pytest.raises(ValueError, match=r"b\.bin must hold finite numbers"):
        second.load()
    image_files.write_image(third.mask, np.zeros((200, 224), np.uint8))
    with pytest.raises(ValueError, match=r"c\.png must have 224 x 224 pixels, as aligned crops"):
        third.load()


def test_load_of_landmarks_that_count_downwards_exception_raised(tmp_path):
    write_pytorch_data(tmp_path)
    entry = deep3d_folders.find_pytorch_files(tmp_path)[0]
    np.savetxt(entry.landmarks, landmarks_of(FACE))
    with pytest.raises(ValueError, match=r"a\.txt: the points .*y counts upwards"):
        entry.load()


def test_load_of_a_mask_of_another_size_exception_raised(tmp_path):
    write_pytorch_data(tmp_path)
    entry = deep3d_folders.find_pytorch_files(tmp_path)[0]
    image_files.write_image(entry.mask, np.zeros((160, 180), np.uint8))
    with pytest.raises(ValueError, match=r"must have 160 x 180 pixels, as .*a\.png. .* 180 x 160"):
        entry.load()
