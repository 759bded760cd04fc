import pytest

from tf_facerecon.io.text_files import read_text

TEXT = "first\nzweite Zeile: ä\n\nlast"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_read_text_with_byte_order_marks_and_line_ends(tmp_path, encoding, line_end):
    (tmp_path / "a.txt").write_bytes(TEXT.replace("\n", line_end).encode(encoding))
    assert read_text(tmp_path / "a.txt") == TEXT


def test_read_text_exception_raised(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match=r"a\.txt is not a text file in UTF-8"):
        read_text(tmp_path / "a.txt")
    assert read_text(tmp_path / "a.txt", errors="replace") == "caf\ufffd"
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "b.txt")
