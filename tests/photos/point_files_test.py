import pathlib
import warnings

import numpy as np
import pytest

from tf_facerecon.photos.point_files import match_points, points_path, read_points


@pytest.mark.parametrize("count", (5, 68))
def test_read_points_preset(tmp_path, rng, count):
    points = rng.uniform(0, 300, (count, 2))
    np.savetxt(tmp_path / "a.txt", points)
    np.testing.assert_allclose(read_points(tmp_path / "a.txt", 5, 68), points)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("eye 3\n", "a.txt does not hold rows of numbers"),
        ("1 2\n3 4\n", r"must hold 5 or 68 rows of two .* shape \[2, 2\], 4 of them finite"),
        ("1 2 3\n" * 5, r"shape \[5, 3\]"),
        ("1 nan\n" * 5, "5 of them finite"),
    ],
)
def test_read_points_exception_raised(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_points(tmp_path / "a.txt", 5, 68)


def test_read_points_missing_file_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="a.txt"):
        read_points(tmp_path / "a.txt", 5)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_read_points_saved_on_windows(tmp_path, rng, encoding):
    points = rng.uniform(0, 300, (5, 2))
    rows = "".join(f"{x!r}\t{y!r}\r\n" for x, y in points.tolist())
    (tmp_path / "a.txt").write_bytes(f"# column row\r\n{rows}\r\n".encode(encoding))
    np.testing.assert_array_equal(read_points(tmp_path / "a.txt", 5), points)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_read_points_of_300w_counts_from_one(tmp_path, rng, line_end):
    points = rng.uniform(1, 300, (68, 2))
    rows = [f"{x!r} {y!r}" for x, y in points.tolist()]
    text = line_end.join(["version: 1", "n_points:  68", "{", *rows, "}", ""])
    (tmp_path / "a.pts").write_bytes(text.encode())
    np.testing.assert_array_equal(read_points(tmp_path / "a.pts", 5, 68), points - 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n" * 5, "a.pts is not a .pts file"),
        ("version: 1\nn_points: 5\n{\n1 2\n}\n", "as many rows as `n_points`"),
        ("version: 1\nn_points: 1\n{\n1 2\n}\n", "5 or 68 rows"),
        ("version: 1\nn_points: 0\n{\n}\n", "an empty file"),
    ],
)
def test_read_pts_exception_raised(tmp_path, text, message):
    (tmp_path / "a.pts").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_points(tmp_path / "a.pts", 5, 68)


@pytest.mark.parametrize("text", ["", "\n", "# column row\n"])
def test_read_points_of_an_empty_file_states_the_order(tmp_path, text):
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"a\.txt .*nose tip, mouth corner.* an empty file"):
            read_points(tmp_path / "a.txt", 5, 68)


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def test_points_path_prefers_the_whole_name(tmp_path):
    photo = pathlib.Path("photos/me.jpg")
    assert points_path(photo, tmp_path) == tmp_path / "me.txt"
    for name in ("me.pts", "me.txt", "me.jpg.pts", "me.jpg.txt"):
        touch(tmp_path, name)
        assert points_path(photo, tmp_path) == tmp_path / name


def test_match_points_preset(tmp_path):
    touch(tmp_path, "000007.pts", "a.jpg.txt", "a.TXT", "spare.txt", "._b.txt", "b.jpg", "b.md")
    photos = [pathlib.Path(p) for p in ("x/000007.jpg", "x/a.jpg", "x/a.png", "x/b.jpg")]
    matched, unused = match_points(photos, tmp_path)
    assert {photo.name: path.name for photo, path in matched.items()} == {
        "000007.jpg": "000007.pts",
        "a.jpg": "a.jpg.txt",
        "a.png": "a.TXT",
    }
    assert unused == [tmp_path / "spare.txt"]


@pytest.mark.parametrize(
    ("photos", "files", "message"),
    [
        (["x/a.jpg", "y/a.jpg"], ["a.txt"], r"a\.txt fits several .* x.a\.jpg and y.a\.jpg"),
        (["x/a.jpg", "x/a.png"], ["a.txt"], r"whole name of one, a\.jpg\.txt"),
        (["x/a.jpg", "y/a.jpg"], ["a.jpg.txt"], "in separate runs"),
        (["x/a.jpg"], ["a.txt", "a.pts"], r"a\.pts and .*a\.txt both fit x.a\.jpg"),
    ],
)
def test_match_points_exception_raised(tmp_path, photos, files, message):
    touch(tmp_path, *files)
    with pytest.raises(ValueError, match=message):
        match_points([pathlib.Path(photo) for photo in photos], tmp_path)
