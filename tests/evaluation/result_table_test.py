"""Tables of means: Markdown, plain data, plot."""

import builtins
import json

import numpy as np
import PIL.Image
import pytest

from tf_facerecon.evaluation.result_table import ResultTable, plot_tables

VALUES = {
    "vertices": {"mean face": np.array([3.0, 3.0]), "mean": np.array([1.5, 1.5])},
    "now": {"mean face": np.array([1.25, 1.25]), "mean": np.array([1.0, 1.0])},
}


@pytest.fixture
def table():
    return ResultTable.from_values("clean sets", VALUES)


def test_markdown_preset(table):
    assert table.markdown() == (
        "**clean sets**\n\n"
        "| | vertices | now |\n"
        "|---|---|---|\n"
        "| mean face | 3.00 (3.00 to 3.00) | 1.25 (1.25 to 1.25) |\n"
        "| mean | 1.50 (1.50 to 1.50) | 1.00 (1.00 to 1.00) |\n"
    )


def test_as_dict_is_json(table):
    data = json.loads(json.dumps(table.as_dict()))
    assert data["now"]["mean"] == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_plot_tables_writes_an_image(table, tmp_path):
    pytest.importorskip("matplotlib")
    plot_tables(tmp_path / "plot.png", [table, table], "vertices", "mm")
    with PIL.Image.open(tmp_path / "plot.png") as image:
        assert min(image.size) > 300
    with pytest.raises(ValueError, match="has no column 'micc'"):
        plot_tables(tmp_path / "plot.png", [table], "micc", "mm")


def test_plot_tables_without_matplotlib(table, tmp_path, monkeypatch):
    actual = builtins.__import__

    def refuse(name, *arguments):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return actual(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        plot_tables(tmp_path / "plot.png", [table], "vertices", "mm")


def test_from_values_exception_raised():
    with pytest.raises(ValueError, match="All columns must have the same rows"):
        ResultTable.from_values("", {"a": {"x": np.ones(2)}, "b": {"y": np.ones(2)}})
