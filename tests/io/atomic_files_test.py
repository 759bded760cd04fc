import errno
import os
import pathlib

import pytest

from tf_facerecon.io import atomic_files


def test_atomic_path_renames_on_success(tmp_path):
    target = tmp_path / "new" / "folder" / "report.tar.gz"
    with atomic_files.atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.name.endswith("report.tar.gz")
        assert not target.exists()
        temporary.write_text("whole", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "whole"
    assert os.listdir(target.parent) == ["report.tar.gz"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_atomic_path_keeps_old_file_on_error(tmp_path, error):
    target = tmp_path / "report.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(error), atomic_files.atomic_path(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise error
    assert target.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["report.txt"]


def test_atomic_path_folder(tmp_path):
    with atomic_files.atomic_path(tmp_path / "model") as temporary:
        temporary.mkdir()
        (temporary / "part").write_text("x", encoding="utf-8")
    assert (tmp_path / "model" / "part").read_text(encoding="utf-8") == "x"
    with pytest.raises(RuntimeError), atomic_files.atomic_path(tmp_path / "other") as temporary:
        temporary.mkdir()
        (temporary / "part").write_text("x", encoding="utf-8")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["model"]


def test_atomic_path_nothing_written_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Nothing was written for .*a\.txt"):
        with atomic_files.atomic_path(tmp_path / "a.txt"):
            pass


def test_atomic_path_parent_is_file_exception_raised(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for target in (tmp_path / "file" / "a.txt", tmp_path / "file" / "deeper" / "a.txt"):
        with pytest.raises(NotADirectoryError, match=r"Cannot write to .*file"):
            with atomic_files.atomic_path(target):
                pass


def test_make_folder(tmp_path):
    assert atomic_files.make_folder(str(tmp_path / "new" / "deep")) == tmp_path / "new" / "deep"
    assert atomic_files.make_folder(tmp_path / "new" / "deep").is_dir()


def test_make_folder_exception_raised(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(NotADirectoryError, match="there is a file where a folder is needed"):
            atomic_files.make_folder(folder)


def test_make_folder_reports_the_error_of_the_file_system(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pathlib.Path, "mkdir", full)
    with pytest.raises(OSError, match="^Cannot write to .*new: No space left on device.$"):
        atomic_files.make_folder(tmp_path / "new")


def test_atomic_path_unwritable_folder_exception_raised(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # The superuser may write anywhere.
    with pytest.raises(PermissionError, match="not writable"):
        with atomic_files.atomic_path(tmp_path / "a.txt"):
            pass


def test_write_if_changed_leaves_equal_files_alone(tmp_path):
    target = tmp_path / "new" / "a.bin"
    assert atomic_files.write_if_changed(target, b"one")
    os.utime(target, (1, 1))
    assert not atomic_files.write_if_changed(target, b"one")
    assert target.stat().st_mtime == 1
    assert atomic_files.write_if_changed(target, b"two")
    assert target.read_bytes() == b"two" and os.listdir(target.parent) == ["a.bin"]
