"""Tables of means with confidence intervals: Markdown, JSON and a plot."""

import dataclasses
import os
from collections.abc import Mapping

import numpy as np

from tf_facerecon.evaluation import bootstrap
from tf_facerecon.evaluation.bootstrap import Interval
from tf_facerecon.io import atomic_files


@dataclasses.dataclass(frozen=True)
class ResultTable:
    """Means over people, one row per method and one column per metric.

    Attributes:
        title: What the table shows.
        columns: Intervals by column and row; all columns have the same rows, in the same order.
    """

    title: str
    columns: Mapping[str, Mapping[str, Interval]]

    @classmethod
    def from_values(
        cls, title: str, values: Mapping[str, Mapping[str, np.ndarray]]
    ) -> "ResultTable":
        """Means and confidence intervals of one value per person, by column and row.

        Raises:
            ValueError: If the columns differ in their rows, or an array is not `[P]`.
        """
        rows = {tuple(column) for column in values.values()}
        if len(rows) != 1:
            raise ValueError(f"All columns must have the same rows. Received: {sorted(rows)}.")
        return cls(
            title,
            {
                name: {row: bootstrap.mean_interval(numbers) for row, numbers in column.items()}
                for name, column in values.items()
            },
        )

    @property
    def rows(self) -> list[str]:
        """Names of the rows."""
        return list(next(iter(self.columns.values())))

    def markdown(self) -> str:
        """A Markdown table of means and intervals, ending in a line break."""
        lines = [f"**{self.title}**", "", "| | " + " | ".join(self.columns) + " |"]
        lines.append("|---" * (len(self.columns) + 1) + "|")
        for row in self.rows:
            cells = [_cell(column[row]) for column in self.columns.values()]
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def as_dict(self) -> dict:
        """`{column: {row: {value, low, high}}}` for JSON."""
        return {
            name: {row: dataclasses.asdict(interval) for row, interval in column.items()}
            for name, column in self.columns.items()
        }


def plot_tables(path: str | os.PathLike, tables: list[ResultTable], column: str, unit: str) -> None:
    """Plots one column of several tables side by side, as points with error bars.

    Args:
        path: Image file to write; its suffix determines the format.
        tables: At least one; panels from left to right.
        column: Name of the column to plot.
        unit: Label of the axis.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If a table lacks the column.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError("Plots need matplotlib: python -m pip install matplotlib.") from error
    for table in tables:
        if column not in table.columns:
            raise ValueError(f"Table {table.title!r} has no column {column!r}.")
    figure = matplotlib.figure.Figure(figsize=(1.0 + 3.2 * len(tables), 3.2), layout="constrained")
    panels = figure.subplots(1, len(tables), sharex=True, squeeze=False)[0]
    for panel, table in zip(panels, tables, strict=True):
        positions = np.arange(len(table.rows))[::-1]
        intervals = list(table.columns[column].values())
        values = np.array([interval.value for interval in intervals])
        below = values - [interval.low for interval in intervals]
        above = [interval.high for interval in intervals] - values
        panel.errorbar(values, positions, xerr=[below, above], fmt="o", color="#0072b2", capsize=3)
        panel.set_yticks(positions, table.rows)
        panel.set_ylim(-0.5, len(positions) - 0.5)
        panel.set_title(table.title, fontsize=9)
        panel.set_xlabel(unit)
        panel.grid(axis="x", alpha=0.3)
    with atomic_files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=160)


def _cell(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
