import numpy as np
import pytest

from tf_facerecon.photos.point_files import read_points


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
