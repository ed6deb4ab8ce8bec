"""Compares results of this workflow, row by row, with figures that the paper and other people print."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pdarts.reporting.measures import ERRORS
from pdarts.reporting.paper import Independent, PaperFigures, PaperRow, paper
from pdarts.reporting.plain_table import mean
from pdarts.reporting.rows import Row
from pdarts.reporting.table_files import MeasuredColumn, ReleasedFiles, RowFiles, Runs, TableFiles

RowOf = Callable[[str, str, Runs | ReleasedFiles], Row]
"""Reads the results behind a row, given its architecture, the heading of a column, and the files."""


@dataclass(frozen=True)
class Result:
    """The results of a row in one column of the settings, such as CIFAR-10."""

    column: MeasuredColumn
    retrained: Row | None
    """Trainings of one genotype; or weights that others trained."""
    searched: Row | None
    """Trainings of the genotypes of several searches, once each."""
    printed: float | None
    """The paper's error in percent."""
    unverified: bool
    """Whether the paper's figures of this row are unverified although those of the table are not."""
    decimals: int
    """Number of decimals that the paper prints."""
    others: tuple[Independent, ...]
    """Errors that independent people measured."""

    def errors(self, row: Row | None) -> tuple[float, ...]:
        """Test error of each training of `row` in percent."""
        return tuple(map(ERRORS[self.column.measure].of, row.evaluations)) if row else ()

    @property
    def shown(self) -> Row | None:
        """The trainings that represent the row in figures: those of one genotype, or else those of several."""
        return self.retrained or self.searched

    @property
    def compared(self) -> Row | None:
        """At least two trainings to compare with other rows: of several searches or draws, else of one genotype."""
        return next((row for row in (self.searched, self.retrained) if row and len(row.tests) > 1), None)

    @property
    def error(self) -> float | None:
        """Mean test error of the trainings of one genotype, in percent."""
        return mean(self.errors(self.retrained))

    @property
    def difference(self) -> float | None:
        """Difference between that mean and the paper's error, in percent."""
        return None if self.error is None or self.printed is None else self.error - self.printed


@dataclass(frozen=True)
class Comparison:
    """A row of a table of the paper."""

    architecture: str
    printed: PaperRow | None
    results: tuple[Result, ...]

    @property
    def rows(self) -> list[Row]:
        """The sets of runs behind the row, each once."""
        found = [row for result in self.results for row in (result.retrained, result.searched) if row]
        return list({id(row): row for row in found}.values())

    @property
    def figures(self) -> PaperRow:
        """The paper's figures, empty if the paper has none."""
        return self.printed or PaperRow(architecture="")

    @property
    def quoted(self) -> bool:
        """Whether the row only quotes, so that nothing is run for it."""
        return not self.rows

    @property
    def shown(self) -> list[Row]:
        """The trainings that represent the row and have results, column by column and each once."""
        found = [result.shown for result in self.results if result.shown and result.shown.tests]
        return list({id(row): row for row in found}.values())


def compare(table: TableFiles, row_of: RowOf) -> list[Comparison]:
    """Compare the runs of each row with the paper's figures.

    Args:
        table: a table with columns.
        row_of: reads the runs of a row.

    Raises:
        InputError: if the paper has no row that the table quotes.
    """
    figures = paper().tables[table.paper] if table.paper else None
    comparisons = []
    for files in table.rows:
        printed = figures.row(files.paper) if figures and files.paper else None
        results = [_result(files, name, column, figures, row_of) for name, column in table.columns.items()]
        comparisons.append(Comparison(files.architecture, printed, tuple(results)))
    return comparisons


def _result(files: RowFiles, name: str, column: MeasuredColumn, figures: PaperFigures | None, row_of: RowOf) -> Result:
    def read(runs: Mapping[str, Runs | ReleasedFiles]) -> Row | None:
        return row_of(files.architecture, column.heading, runs[name]) if name in runs else None

    if files.released:
        theirs = figures.released if figures and name in files.released else None
        printed, unverified = theirs.error(column.measure) if theirs else None, False
    else:
        row = figures.row(files.paper) if figures and files.paper else PaperRow(architecture="")
        printed, unverified = row.error(name), row.unverified
    return Result(
        column=column,
        retrained=read(files.released if name in files.released else files.runs),
        searched=read(files.searches),
        printed=printed,
        unverified=unverified,
        decimals=figures.decimals if figures else 2,
        others=tuple(paper().others(files.independent.get(name), name)),
    )


def search_devices(comparisons: Sequence[Comparison]) -> list[str]:
    """Devices of the searches whose cost the table shows, each once."""
    rows = [result.shown for comparison in comparisons for result in comparison.results if result.shown]
    return list(dict.fromkeys(record.hardware for row in rows for record in row.search_provenances))
