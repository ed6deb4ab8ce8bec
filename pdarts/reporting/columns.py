"""Makes the text and the CSV records of a table from its columns: a new column is one more `TableColumn`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pdarts.reporting.grid import NOTHING, Grid, Heading

Line = TypeVar("Line")
"""Holds the results that a line of the table shows."""
Entry = TypeVar("Entry")
"""Holds the results that a record of the CSV file lists."""


@dataclass(frozen=True)
class TableColumn(Generic[Line, Entry]):
    """A column of a table, and the raw values that it adds to the CSV file."""

    heading: Heading | None
    """Heading in the table; None for values that only the CSV file has."""
    cell: Callable[[Line], str] = lambda line: NOTHING
    """Makes the text of the column's cell in a line."""
    values: Callable[[Entry], dict[str, object]] = lambda entry: {}
    """Computes the raw values of an entry, by their names in the CSV file."""


def grid(columns: Sequence[TableColumn[Line, Entry]], lines: Iterable[Line]) -> Grid:
    """Make the text of a table that has these columns."""
    headings = tuple(column.heading for column in columns if column.heading)
    return Grid(headings, tuple(tuple(column.cell(line) for column in columns if column.heading) for line in lines))


def records(columns: Sequence[TableColumn[Line, Entry]], entries: Iterable[Entry]) -> list[dict[str, object]]:
    """Compute the raw values of each entry; a name that several columns give stands where it comes first."""
    return [{name: value for column in columns for name, value in column.values(entry).items()} for entry in entries]
