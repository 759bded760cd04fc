import hashlib
import shutil
import socketserver
import threading

import pytest

from tf_facerecon.morphable_models.importers.ict import ict_checksums, ict_download, ict_shapes


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
    assert ict_shapes.read_shapes(folder, kit.layout).is_published


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


def test_no_response_exception_raised(server, tmp_path):
    (server / "FaceXModel" / "jawOpen.obj").unlink()
    with pytest.raises(
        ConnectionError, match="Cannot download .*jawOpen.obj.* without network access"
    ):
        ict_download.fetch_ict(tmp_path / "ict", address=server.parent.as_uri())


def test_endless_response_exception_raised(server, tmp_path, monkeypatch):
    monkeypatch.setattr(ict_download, "_MAX_BYTES", 100)
    with pytest.raises(ValueError, match="holds more than 100 bytes"):
        ict_download.fetch_ict(tmp_path / "ict", address=server.parent.as_uri())


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (b"nonsense\r\n\r\n", "nonsense"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", "ends after 4 of 99 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", "IncompleteRead"),
        (b"", "without response"),
    ],
    ids=["no HTTP", "cut", "cut chunk", "nothing"],
)
def test_broken_response_exception_raised(server, tmp_path, response, message):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1 << 16)
            self.request.sendall(response)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as broken:
        threading.Thread(target=broken.serve_forever, daemon=True).start()
        try:
            with pytest.raises(ConnectionError, match=f"Cannot download http.*{message}"):
                address = f"http://127.0.0.1:{broken.server_address[1]}"
                ict_download.fetch_ict(tmp_path / "ict", address=address)
        finally:
            broken.shutdown()
    assert not list((tmp_path / "ict").rglob("*.obj"))
