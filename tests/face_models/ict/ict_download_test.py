import hashlib
import shutil

import pytest

from tf_facerecon.face_models.ict import ict_checksums, ict_download, ict_shapes


@pytest.fixture
def server(kit, kit_folder, tmp_path, monkeypatch):
    """The made-up kit at a `file:` address, with its own checksums."""
    home = tmp_path / "server" / ict_checksums.COMMIT
    shutil.copytree(kit_folder, home)
    (home / "LICENSE").write_text("MIT")
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file()
    }
    monkeypatch.setattr(ict_checksums, "checksums", lambda: sums)
    return home


def test_fetched_files_are_the_published_ones(kit, server, tmp_path):
    folder = ict_download.fetch_ict(tmp_path / "new" / "ict", address=server.parent.as_uri())
    found = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
    expected = {path.relative_to(server): path.read_bytes() for path in server.rglob("*.*")}
    assert found == expected and (folder / "LICENSE").is_file()
    assert ict_shapes.read_shapes(folder, kit.layout).genuine


def test_files_that_are_there_are_not_fetched_again(server, tmp_path):
    folder, address = tmp_path / "ict", server.parent.as_uri()
    ict_download.fetch_ict(folder, address=address)
    damaged = folder / "FaceXModel" / "identity002.obj"
    damaged.write_text("half a file")
    for path in server.rglob("*.obj"):
        if path.name != damaged.name:
            path.unlink()
    ict_download.fetch_ict(folder, address=address)
    original = server / "FaceXModel" / damaged.name
    assert damaged.read_bytes() == original.read_bytes()


def test_wrong_content_exception_raised(server, tmp_path):
    (server / "FaceXModel" / "jawOpen.obj").write_text("<html>not found</html>")
    with pytest.raises(ValueError, match="jawOpen.obj has sha256 .* expected"):
        ict_download.fetch_ict(tmp_path / "ict", address=server.parent.as_uri())
    assert not (tmp_path / "ict" / "FaceXModel" / "jawOpen.obj").exists()


def test_no_answer_exception_raised(server, tmp_path):
    (server / "FaceXModel" / "jawOpen.obj").unlink()
    with pytest.raises(ConnectionError, match="Cannot fetch .*jawOpen.obj.* without network"):
        ict_download.fetch_ict(tmp_path / "ict", address=server.parent.as_uri())


def test_endless_answer_exception_raised(server, tmp_path, monkeypatch):
    monkeypatch.setattr(ict_download, "_MAX_BYTES", 100)
    with pytest.raises(ValueError, match="holds more than 100 bytes"):
        ict_download.fetch_ict(tmp_path / "ict", address=server.parent.as_uri())
