"""Files that belong together."""

import pytest

from tf_facerecon.io import file_groups


def writer(*names):
    def write(folder):
        for name in names:
            (folder / name).write_text("new", encoding="utf-8")

    return write


def test_write_together_preset(tmp_path):
    folder = tmp_path / "new" / "folder"
    paths = file_groups.write_together(folder, "a", ["a.x", "a.y"], writer("a.x", "a.y"))
    assert paths == [folder / "a.x", folder / "a.y"] == sorted(folder.iterdir())


def test_write_together_keeps_what_was_there(tmp_path):
    (tmp_path / "a.x").write_text("old", encoding="utf-8")
    with pytest.raises(FileExistsError, match="exists already"):
        file_groups.write_together(tmp_path, "a", ["a.x"], writer("a.x"))
    with pytest.raises(FileExistsError, match="is an input photograph"):
        file_groups.write_together(
            tmp_path, "a", ["a.x"], writer("a.x"), overwrite=True, keep=[tmp_path / "a.x"]
        )
    assert (tmp_path / "a.x").read_text(encoding="utf-8") == "old"
    file_groups.write_together(tmp_path, "a", ["a.x"], writer("a.x"), overwrite=True)
    assert (tmp_path / "a.x").read_text(encoding="utf-8") == "new"


def test_write_together_all_or_none(tmp_path):
    def fail(folder):
        writer("a.x")(folder)
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        file_groups.write_together(tmp_path, "a", ["a.x", "a.y"], fail)
    assert not list(tmp_path.iterdir())


def test_write_together_exception_raised(tmp_path):
    for stem in ("", "../a", "a/b"):
        with pytest.raises(ValueError, match="`stem` must be a plain file name"):
            file_groups.write_together(tmp_path, stem, [], writer())


def test_write_together_keeps_what_came_meanwhile(tmp_path):
    def write(folder):
        (tmp_path / "a.x").write_text("another process", encoding="utf-8")
        writer("a.x")(folder)

    with pytest.raises(FileExistsError, match="exists already"):
        file_groups.write_together(tmp_path, "a", ["a.x"], write)
    assert (tmp_path / "a.x").read_text(encoding="utf-8") == "another process"
    assert [path.name for path in tmp_path.iterdir()] == ["a.x"]


def test_write_together_leaves_no_folder_of_its_own_behind(tmp_path):
    def fail(folder):
        raise RuntimeError("stopped")

    for folder in (tmp_path / "new", tmp_path):
        with pytest.raises(RuntimeError):
            file_groups.write_together(folder, "a", ["a.x"], fail)
    assert tmp_path.is_dir() and not list(tmp_path.iterdir())
