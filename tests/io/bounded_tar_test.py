import bz2
import gzip
import io
import lzma
import tarfile

import pytest

from tf_facerecon.io import bounded_tar

FILES = [("folder/a", bytes(range(256)) * 40), ("empty", b""), ("b", b"x" * 512)]
UNPACK = {"w:gz": gzip.open, "w:bz2": bz2.open, "w:xz": lzma.open}


def write_tar(path, files, mode="w", **options):
    with tarfile.open(path, mode, **options) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def read(path, max_bytes=1 << 30, **limits):
    members = bounded_tar.members(path, max_bytes=max_bytes, **limits)
    return [(member.name, stream and stream.read()) for member, stream in members]


@pytest.mark.parametrize("mode", ["w", *UNPACK])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_members_preset(tmp_path, mode, form):
    """Whatever the archive is called."""
    files = [*FILES, ("long/" * 60 + "name", b"y" * 513)]
    assert read(write_tar(tmp_path / "archive", files, mode, format=form)) == files


def test_members_of_old_lzma(tmp_path):
    write_tar(tmp_path / "a.tar", FILES)
    packed = lzma.compress((tmp_path / "a.tar").read_bytes(), lzma.FORMAT_ALONE)
    (tmp_path / "a.tar.lzma").write_bytes(packed)
    assert read(tmp_path / "a.tar.lzma") == FILES


def test_members_that_are_no_files_have_no_bytes(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo("name")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert [content for _, content in read(tmp_path / "a.tar")] == [None] * 4


@pytest.mark.parametrize("kind", ["pax", "GNU long name", "GNU long link"])
@pytest.mark.parametrize("mode", ["w", *UNPACK])
def test_members_header_exception_raised(tmp_path, kind, mode):
    """A packed header of zeros is small; `tarfile` alone would read it whole."""
    types = {
        "pax": tarfile.XHDTYPE,
        "GNU long name": tarfile.GNUTYPE_LONGNAME,
        "GNU long link": tarfile.GNUTYPE_LONGLINK,
    }
    size = bounded_tar.MAX_READ_BYTES + 512
    with tarfile.open(tmp_path / "archive", mode) as archive:
        info = tarfile.TarInfo("name")
        info.type, info.size = types[kind], size
        archive.addfile(info, io.BytesIO(bytes(size)))
    with pytest.raises(ValueError, match=f"'archive' holds a header of {size} bytes; at most"):
        read(tmp_path / "archive")


@pytest.mark.parametrize("mode", ["w", *UNPACK])
def test_members_size_exception_raised(tmp_path, mode):
    path = write_tar(tmp_path / "archive", [("zeros", bytes(1 << 20)), ("b", b"b")], mode)
    whole = 512 + (1 << 20) + 512 + 512
    assert len(read(path, max_bytes=whole + 512)) == 2
    with pytest.raises(ValueError, match=f"unpacks to more than is allowed .{whole - 1} bytes"):
        read(path, max_bytes=whole - 1)
    # Skipped bytes count, too.
    with pytest.raises(ValueError, match="unpacks to more than is allowed"):
        for _ in bounded_tar.members(path, max_bytes=1 << 19):
            pass


def test_members_number_exception_raised(tmp_path):
    path = write_tar(tmp_path / "a.tar", [(str(number), b"") for number in range(9)])
    assert len(read(path, max_members=9)) == 9
    with pytest.raises(ValueError, match="'a.tar' holds more than 8 files"):
        read(path, max_members=8)


@pytest.mark.parametrize("mode", list(UNPACK))
def test_members_are_unpacked_once(tmp_path, monkeypatch, mode):
    """Nothing goes back in a packed stream: it would be unpacked from its beginning again."""
    unpack, backwards = UNPACK[mode], []

    def opened(path, how):
        stream = unpack(path, how)
        seek = stream.seek

        def watched(position, whence=0):
            if whence == 0:
                backwards.append(position < seek(0, 1))
            return seek(position, whence)

        stream.seek = watched
        return stream

    path = write_tar(tmp_path / "archive", [(str(k), bytes(8192 - 512)) for k in range(30)], mode)
    magic = next(m for m in bounded_tar._OPENERS if path.read_bytes().startswith(m))
    monkeypatch.setitem(bounded_tar._OPENERS, magic, opened)
    assert len(read(path)) == 30
    # Members that nobody reads are skipped.
    assert sum(1 for _ in bounded_tar.members(path, max_bytes=1 << 30)) == 30
    assert backwards and not any(backwards)


@pytest.mark.parametrize("mode", ["w", *UNPACK])
@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_members_damaged_exception_raised(tmp_path, mode, damage):
    path = write_tar(tmp_path / "archive", [("a", bytes(range(256)) * 99)], mode)
    content = path.read_bytes()
    noise = content[:20] + b"noise" * 300
    path.write_bytes({"cut": content[: len(content) // 3], "noise": noise, "empty": b""}[damage])
    with pytest.raises((tarfile.TarError, lzma.LZMAError, EOFError, OSError, gzip.zlib.error)):
        read(path)
