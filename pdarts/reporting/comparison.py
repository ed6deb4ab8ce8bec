"""A table of the paper, row by row: what was measured here beside what the paper and other people print."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pdarts.reporting.grid import NO_BREAK, NOT_RUN, NOTHING, QUOTED, Grid, Heading, days, duration, span, statistics
from pdarts.reporting.paper import Independent, PaperFigures, PaperRow, paper
from pdarts.reporting.plain_table import count, deviation, line, marked, mean
from pdarts.reporting.result_files import Evaluation
from pdarts.reporting.rows import Row
from pdarts.reporting.table_files import MeasuredColumn, ReleasedFiles, RowFiles, Runs, TableFiles

MINUS = "\N{MINUS SIGN}"
GPU_DAYS = "GPU-days"

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

    column: MeasuredColumn
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


def grid(comparisons: Sequence[Comparison], unverified: bool) -> Grid:
    """The table's text; columns that tell nothing are left out."""
    source = "paper, unverified" if unverified else "paper"
    headings = [Heading("Architecture")]
    for result in comparisons[0].results:
        group = f"{result.column.heading} (%)"
        headings += [
            Heading("here (n)", True, group, main=True),
            Heading(f"{source} (difference)", True, group),
            Heading("searches (n)", True, group),
            Heading("others", True, group),
        ]
    for group, unit in (("Parameters", "M"), ("Multiply-adds", "M"), ("Search cost", "GPU-days")):
        headings += [Heading("here", True, group), Heading(f"{source} ({unit})", True, group)]
    headings.append(Heading("Method"))
    several = len(search_devices(comparisons)) > 1
    return Grid(tuple(headings), tuple(_cells(each, several) for each in comparisons)).without_empty_columns()


def _cells(comparison: Comparison, several_devices: bool) -> tuple[str, ...]:
    printed, rows = comparison.printed or PaperRow(architecture=""), comparison.shown
    cells = [comparison.architecture + (f"{NO_BREAK}{QUOTED}" if comparison.quoted else "")]
    for result in comparison.results:
        cells += [
            _measured(result, result.retrained),
            _printed(result),
            _measured(result, result.searched),
            _others(result.others),
        ]
    return (
        *cells,
        _by_column([span([test.parameters for test in row.evaluations]) for row in rows]),
        _plain(printed.params),
        _by_column([span([test.multiply_adds for test in row.evaluations]) for row in rows]),
        _plain(printed.madds),
        _search_cost(comparison, several_devices),
        _plain(printed.cost),
        printed.method or NOTHING,
    )


def _measured(result: Result, row: Row | None) -> str:
    if row is None:
        return NOTHING
    errors = result.errors(row)
    if not errors:
        return NOT_RUN
    return marked(f"{statistics(sum(errors) / len(errors), deviation(errors))} ({count(row)})", row)


def _printed(result: Result) -> str:
    if result.printed is None:
        return NOTHING
    figure = f"{result.printed:.{result.decimals}f}" + (f"{NO_BREAK}unverified" if result.unverified else "")
    return figure if result.difference is None else f"{figure} ({signed(result.difference)})"


def signed(number: float) -> str:
    """Two decimals, with a sign unless both are zero."""
    text = f"{abs(number):.2f}"
    return text if text == "0.00" else ("+" if number > 0 else MINUS) + text


def _others(entries: Sequence[Independent]) -> str:
    if not entries:
        return NOTHING
    ranges = [entry.range for entry in entries]
    lowest, highest = min(low for low, _ in ranges), max(high for _, high in ranges)
    return entries[0].text.replace("n = ", "") if lowest == highest else f"{lowest:.2f}–{highest:.2f}"


def _by_column(texts: Sequence[str]) -> str:
    return " / ".join(dict.fromkeys(texts)) or NOTHING


def _plain(number: int | float | None) -> str:
    if number is None:
        return NOTHING
    return f"{number:,}" if isinstance(number, int) else f"{number:,.1f}"


def search_devices(comparisons: Sequence[Comparison]) -> list[str]:
    """Where the searches behind the main columns ran."""
    rows = [result.retrained for comparison in comparisons for result in comparison.results if result.retrained]
    return list(dict.fromkeys(record.where for row in rows for record in row.search_provenances))


def _search_cost(comparison: Comparison, several_devices: bool) -> str:
    """Cost of the searches behind the main column: GPU-days, or wall time without GPUs; and where, if that differs.

    Of one search, the mean; where one was chosen, of all of them and of their validations.
    """
    texts = []
    for result in comparison.results:
        if result.retrained and result.retrained.searches:
            found = line(result.retrained)
            cost = _cost(found.search_seconds, found.search_gpu_days)
            if found.search_gpu_days is not None and found.validation_gpu_days is not None:
                shares = f"{days(found.search_gpu_days)} + {days(found.validation_gpu_days)} to choose"
                cost = f"{found.searches} × ({shares}) {GPU_DAYS}"
            elif found.validation_seconds is not None:
                validation = _cost(found.validation_seconds, found.validation_gpu_days)
                cost = f"{found.searches} × ({cost} + {validation} to choose)"
            devices = "; ".join(dict.fromkeys(record.where for record in result.retrained.search_provenances))
            texts.append(f"{cost} ({devices})" if several_devices else cost)
    return _by_column(texts)


def _cost(seconds: float | None, gpu_days: float | None) -> str:
    return duration(seconds or 0) if gpu_days is None else f"{days(gpu_days)}{NO_BREAK}{GPU_DAYS}"


def records(comparisons: Sequence[Comparison]) -> list[dict[str, object]]:
    """The raw values: for each row and column a record of one genotype's trainings, and one of several searches."""
    return [
        _record(comparison, result, varies, row)
        for comparison in comparisons
        for result in comparison.results
        for varies, row in (("retraining", result.retrained), ("search", result.searched))
        if row is not None or varies == "retraining"
    ]


def _record(comparison: Comparison, result: Result, varies: str, row: Row | None) -> dict[str, object]:
    printed, errors = comparison.printed or PaperRow(architecture=""), result.errors(row)
    empty = Row(comparison.architecture, {}, {}, (), (), (), {})
    measured = asdict(line(row or empty))
    return {
        "architecture": measured.pop("architecture"),
        "column": result.column.heading,
        "measure": result.column.measure,
        "origin": "here" if errors else NOT_RUN if row else "quoted" if result.printed is not None else None,
        "varies": varies if row else None,
        "error_mean": mean(errors),
        "error_std": deviation(errors),
        "n": measured.pop("n"),
        "expected": row.expected if row else 0,
        "errors": errors,
        "paper_error": result.printed,
        "difference": result.difference if varies == "retraining" else None,
        "others_mean_errors": tuple(entry.error for entry in result.others),
        "mixed": tuple(row.mixed) if row else (),
        **measured,
        "paper_parameters_millions": printed.params,
        "paper_multiply_adds_millions": printed.madds,
        "paper_search_gpu_days": printed.cost,
        "method": printed.method,
    }
