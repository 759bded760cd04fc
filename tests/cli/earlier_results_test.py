import json
import os
import pathlib

import pytest

from tf_facerecon.cli.earlier_results import check_source


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"images": [{}, 1]}'])
def test_results_of_unknown_origin_are_taken_for_those_of_the_photograph(tmp_path, text):
    if text is not None:
        (tmp_path / "a.json").write_text(text, encoding="utf-8")
    check_source(tmp_path / "a.json", [pathlib.Path("a.jpg")])


def test_check_source_compares_files_not_spellings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo, summary = tmp_path / "a.jpg", tmp_path / "a.json"
    for source in ("a.jpg", "./a.jpg", os.fspath(photo)):
        summary.write_text(json.dumps({"source": source}), encoding="utf-8")
        check_source(summary, [photo])
    summary.write_text(json.dumps({"images": [{"source": "x/a.jpg"}]}), encoding="utf-8")
    check_source(summary, [photo, pathlib.Path("x/a.jpg")])
    with pytest.raises(FileExistsError, match="is of another photograph, x/a.jpg"):
        check_source(summary, [photo])
