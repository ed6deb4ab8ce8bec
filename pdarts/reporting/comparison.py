"""A table of the paper, row by row: what was measured here beside what the paper and other people print."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pdarts.reporting.paper import Independent, PaperFigures, PaperRow, paper
from pdarts.reporting.plain_table import mean
from pdarts.reporting.result_files import Evaluation
from pdarts.reporting.rows import ReleasedFiles, Row, RowFiles, Runs, TableFiles
from pdarts.settings.tables import Column

Measure = Callable[[Evaluation], float]
RowOf = Callable[[str, str, Runs | ReleasedFiles], Row]
"""Reads what an architecture's row is made of."""

MEASURES: dict[str, Measure] = {
    "top1_error": lambda evaluation: 100 - evaluation.top1,
    "top5_error": lambda evaluation: 100 - evaluation.top5,
}
"""A test error in percent by its name in the settings."""


@dataclass(frozen=True)
class Result:
    """What a column says of a row."""

    column: Column
    retrained: Row | None
    """Trainings of one genotype; or weights that others trained."""
    searched: Row | None
    """Trainings of the genotypes of several searches, once each."""
    printed: float | None
    """The paper's error in percent."""
    unverified: bool
    """Whether that is said to be so of this row, not of the whole table."""
    decimals: int
    """How many the paper prints."""
    others: tuple[Independent, ...]
    """What independent people measured."""

    def errors(self, row: Row | None) -> tuple[float, ...]:
        """Test errors of `row`'s trainings in percent."""
        return tuple(map(MEASURES[self.column.measure], row.evaluations)) if row else ()

    @property
    def shown(self) -> Row | None:
        """The trainings that stand for the row in figures: of one genotype, or else of several."""
        return self.retrained or self.searched

    @property
    def error(self) -> float | None:
        """The mean over the trainings of one genotype, in percent."""
        return mean(self.errors(self.retrained))

    @property
    def difference(self) -> float | None:
        """The mean minus the paper's error, in percent."""
        return None if self.error is None or self.printed is None else self.error - self.printed


@dataclass(frozen=True)
class Comparison:
    """A row of a table of the paper."""

    architecture: str
    printed: PaperRow | None
    results: tuple[Result, ...]

    @property
    def rows(self) -> list[Row]:
        """The sets of runs behind it, each once."""
        found = [row for result in self.results for row in (result.retrained, result.searched) if row]
        return list({id(row): row for row in found}.values())

    @property
    def figures(self) -> PaperRow:
        """The paper's figures, empty if the paper has none."""
        return self.printed or PaperRow(architecture="")

    @property
    def quoted(self) -> bool:
        """Whether nothing of it is to be run here."""
        return not self.rows

    @property
    def shown(self) -> list[Row]:
        """The trainings that stand for the row, by column and each once, as far as they are there."""
        found = [result.shown for result in self.results if result.shown and result.shown.tests]
        return list({id(row): row for row in found}.values())


def compare(table: TableFiles, row_of: RowOf) -> list[Comparison]:
    """Put the runs of each row beside what the paper prints.

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


def _result(files: RowFiles, name: str, column: Column, figures: PaperFigures | None, row_of: RowOf) -> Result:
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
    """Where the searches behind the main columns ran."""
    rows = [result.retrained for comparison in comparisons for result in comparison.results if result.retrained]
    return list(dict.fromkeys(record.where for row in rows for record in row.search_provenances))
