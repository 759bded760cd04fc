import io
import pathlib
import tarfile
import zipfile

import pytest

from tf_facerecon.morphable_models.importers.ict import ict_source

FILES = {
    "generic_neutral_mesh.obj": b"neutral",
    "identity000.obj": b"first",
    "vertex_indices.json": b"{}",
}
INSIDE = {f"ICT-FaceKit-main/FaceXModel/{name}": content for name, content in FILES.items()}


def write_tar(path, members, mode="w:xz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_folder(path, members):
    for name, content in members.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return path


def test_folder_tar_and_zip_hold_the_same(tmp_path):
    other = {"README.md": b"-", "ICT-FaceKit-main/FaceXModel/._identity000.obj": b"resource fork"}
    members = {**INSIDE, **other}
    sources = [
        write_folder(tmp_path / "folder", members),
        tmp_path / "folder" / "ICT-FaceKit-main",
        tmp_path / "folder" / "ICT-FaceKit-main" / "FaceXModel",
        write_tar(tmp_path / "a.tar.xz", members),
        write_tar(tmp_path / "a.tar", members, "w"),
        write_zip(tmp_path / "a.zip", members),
    ]
    for source in sources:
        assert dict(ict_source.read_files(source)) == FILES


@pytest.mark.parametrize("lost", ["generic_neutral_mesh.obj", "vertex_indices.json"])
def test_missing_file_exception_raised(tmp_path, lost):
    left = {name: content for name, content in INSIDE.items() if not name.endswith(lost)}
    with pytest.raises(FileNotFoundError, match=f"lacks {lost}"):
        list(ict_source.read_files(write_zip(tmp_path / "a.zip", left)))


def test_missing_source_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist.*github.com/ICT-VGL/ICT-FaceKit"):
        list(ict_source.read_files(tmp_path / "none"))


@pytest.mark.parametrize("name", ["../identity001.obj", "/etc/identity001.obj", "a/../../x.obj"])
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_unsafe_member_exception_raised(tmp_path, name, write):
    path = write(tmp_path / "archive", {**INSIDE, name: b"-"})
    with pytest.raises(ValueError, match="unsafe member name"):
        list(ict_source.read_files(path))


def test_link_exception_raised(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("FaceXModel/identity000.obj")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(ValueError, match="not a regular file"):
        list(ict_source.read_files(path))


def test_same_file_twice_exception_raised(tmp_path):
    path = write_zip(tmp_path / "a.zip", {**INSIDE, "copy/identity000.obj": b"other"})
    with pytest.raises(ValueError, match="identity000.obj twice"):
        list(ict_source.read_files(path))


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_truncated_archive_exception_raised(tmp_path, write):
    path = write(tmp_path / "archive", {**INSIDE, "FaceXModel/jawOpen.obj": bytes(range(256)) * 99})
    content = pathlib.Path(path).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ValueError, match="not a readable tar or zip archive"):
        list(ict_source.read_files(path))


def test_no_archive_exception_raised(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(b"this is no archive" * 100)
    with pytest.raises(ValueError, match="not a readable tar or zip archive"):
        list(ict_source.read_files(path))


@pytest.mark.parametrize("write", [write_tar, write_zip, write_folder])
def test_huge_file_exception_raised(tmp_path, monkeypatch, write):
    monkeypatch.setattr(ict_source, "MAX_FILE_BYTES", 10)
    path = write(tmp_path / "archive", {**INSIDE, "FaceXModel/jawOpen.obj": bytes(11)})
    source = path / "FaceXModel" if write is write_folder else path
    with pytest.raises(ValueError, match="11 bytes or more; expected at most 10"):
        list(ict_source.read_files(source))


def test_huge_archive_exception_raised(tmp_path, monkeypatch):
    monkeypatch.setattr(ict_source, "MAX_TOTAL_BYTES", 12)
    with pytest.raises(ValueError, match="unpacks to more than is allowed .12 bytes"):
        list(ict_source.read_files(write_tar(tmp_path / "a.tar", INSIDE)))
    with pytest.raises(ValueError, match="expected at most 12"):
        list(ict_source.read_files(write_zip(tmp_path / "a.zip", INSIDE)))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_huge_header_exception_raised(tmp_path, mode):
    """Nobody has seen its size when `tarfile` reads a header: it must not be read at all."""
    size = 8 * 2**20
    with tarfile.open(tmp_path / "a.tar", mode) as archive:
        member = tarfile.TarInfo("name")
        member.type, member.size = tarfile.XHDTYPE, size
        archive.addfile(member, io.BytesIO(bytes(size)))
    with pytest.raises(ValueError, match=f"holds a header of {size} bytes"):
        list(ict_source.read_files(tmp_path / "a.tar"))


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_many_members_exception_raised(tmp_path, monkeypatch, write):
    monkeypatch.setattr(ict_source, "MAX_MEMBERS", 20)
    members = {f"{number}.txt": b"" for number in range(18)}
    list(ict_source.read_files(write(tmp_path / "few", INSIDE)))
    with pytest.raises(ValueError, match="holds more than 20 files"):
        list(ict_source.read_files(write(tmp_path / "many", {**INSIDE, **members})))
