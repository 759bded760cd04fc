import io
import tarfile

import numpy as np
import PIL.Image
import pytest

from tf_facerecon.io import photo_archive


def png(value: int) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(np.full((40, 50, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    for name, value in (("b/two.png", 2), ("a/one.PNG", 1)):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(png(value))
    (tmp_path / "photos" / "notes.txt").write_text("no photograph")
    return tmp_path / "photos"


def test_photo_files_of_a_folder_and_of_an_archive(folder, tmp_path):
    with tarfile.open(tmp_path / "photos.tar.gz", "w:gz") as archive:
        archive.add(folder, "set")
    in_folder = {str(path): content for path, content in photo_archive.photo_files(folder)}
    assert list(in_folder) == ["a/one.PNG", "b/two.png"]
    in_archive = {
        str(path): content
        for path, content in photo_archive.photo_files(tmp_path / "photos.tar.gz")
    }
    assert in_archive == {f"set/{name}": content for name, content in in_folder.items()}
    photo = photo_archive.decode_photo("one", in_folder["a/one.PNG"])
    assert photo.shape == (40, 50, 3) and (photo == 1).all()


def test_photo_archive_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder or archive"):
        list(photo_archive.photo_files(tmp_path / "absent"))
    (tmp_path / "text.tar").write_text("no archive" * 100)
    with pytest.raises(ValueError, match="not a readable tar archive"):
        list(photo_archive.photo_files(tmp_path / "text.tar"))
    with pytest.raises(ValueError, match="me.png is not a readable photograph"):
        photo_archive.decode_photo("me.png", png(1)[:50])
