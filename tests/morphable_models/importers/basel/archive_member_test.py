import io
import tarfile
import zipfile

import pytest

from tf_facerecon.morphable_models.importers.basel import archive_member

NAME = "wanted.mat"
CONTENT = bytes(range(256)) * 40


def write_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def write(folder, suffix, members):
    if suffix == ".zip":
        return write_zip(folder / "a.zip", members)
    return write_tar(folder / f"a{suffix}", members, "w" if suffix == ".tar" else "w:gz")


SUFFIXES = pytest.mark.parametrize("suffix", archive_member.ARCHIVE_SUFFIXES)


@SUFFIXES
def test_open_member_preset(tmp_path, suffix):
    path = write(tmp_path, suffix, [("PublicMM1/a.txt", b"no"), (f"PublicMM1/{NAME}", CONTENT)])
    with archive_member.open_member(path, NAME) as stream:
        assert stream.read() == CONTENT
        stream.seek(3)
        assert stream.read(2) == CONTENT[3:5]
    with archive_member.open_member(path, "other.mat") as stream:
        assert stream is None


@SUFFIXES
def test_open_member_ignores_paths_in_the_archive(tmp_path, suffix):
    folder = tmp_path / "inner"
    folder.mkdir()
    path = write(folder, suffix, [(f"../{NAME}", CONTENT), (f"/{NAME}", b"second")])
    with archive_member.open_member(path, NAME) as stream:
        assert stream.read() == CONTENT
    assert sorted(tmp_path.rglob("*")) == [folder, path]


def test_open_member_follows_no_links(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(NAME)
            info.type, info.linkname = kind, str(tmp_path / "secret")
            archive.addfile(info)
    with archive_member.open_member(path, NAME) as stream:
        assert stream is None
    link = zipfile.ZipInfo(NAME)
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, str(tmp_path / "secret"))
    with archive_member.open_member(tmp_path / "a.zip", NAME) as stream:
        assert stream is None


@SUFFIXES
def test_open_member_size_exception_raised(tmp_path, suffix, monkeypatch):
    path = write(tmp_path, suffix, [(NAME, CONTENT)])
    monkeypatch.setattr(archive_member, "MAX_MEMBER_BYTES", len(CONTENT) - 1)
    with pytest.raises(ValueError, match="wanted.mat in a.* is larger than"):
        with archive_member.open_member(path, NAME):
            pass


def test_open_member_bomb_exception_raised(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "a.tgz", [("zeros", bytes(1 << 20)), (NAME, CONTENT)], "w:gz")
    monkeypatch.setattr(archive_member, "MAX_ARCHIVE_BYTES", 1 << 19)
    with pytest.raises(ValueError, match="unpacks to more than is allowed"):
        with archive_member.open_member(path, NAME):
            pass
    many = write_tar(tmp_path / "b.tar", [(str(number), b"") for number in range(9)])
    monkeypatch.setattr(archive_member, "MAX_MEMBERS", 8)
    with pytest.raises(ValueError, match="holds more than 8 files"):
        with archive_member.open_member(many, NAME):
            pass


@SUFFIXES
@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_open_member_damaged_exception_raised(tmp_path, suffix, damage):
    path = write(tmp_path, suffix, [(NAME, CONTENT)])
    content = path.read_bytes()
    half = len(content) // (2 if suffix == ".zip" else 3)
    path.write_bytes({"cut": content[:half], "noise": b"noise" * 300, "empty": b""}[damage])
    with pytest.raises(ValueError, match="cannot be read"):
        with archive_member.open_member(path, NAME):
            pass


def test_open_member_encrypted_exception_raised(tmp_path):
    path = write_zip(tmp_path / "a.zip", [(NAME, CONTENT)])
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read"):
        with archive_member.open_member(path, NAME):
            pass


def test_open_member_damaged_lzma_exception_raised(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(NAME, CONTENT)
    content = bytearray(path.read_bytes())
    content[30 + len(NAME) + 9] = 0xFF  # Of the packed bytes, the first is always 0.
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read: [Cc]orrupt"):
        with archive_member.open_member(path, NAME):
            pass
