"""Text files as people save them: with or without a byte-order mark, with any line ends."""

import codecs
import os
import pathlib

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: str | os.PathLike, errors: str = "strict") -> str:
    r"""Reads a text file that a user may have edited, on Windows for instance.

    The encoding is UTF-8, or what a byte-order mark at the beginning says (UTF-8 or UTF-16, which
    Windows' Notepad and PowerShell write); the mark is no part of the text. Line ends `\r\n` and
    `\r` become `\n`.

    Args:
        path: The file.
        errors: What to do with bytes that are no text, as for `bytes.decode`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no text; the message names the file.
    """
    content = pathlib.Path(path).read_bytes()
    encodings = (name for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark))
    try:
        text = content.decode(next(encodings, "utf-8"), errors)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8: {error}.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
