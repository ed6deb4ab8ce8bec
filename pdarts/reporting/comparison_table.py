"""The columns of a table of the paper: figures measured here beside those that the paper and other people print."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pdarts.reporting import differences, plain_table
from pdarts.reporting.columns import TableColumn, records
from pdarts.reporting.comparison import Comparison, Result, search_devices
from pdarts.reporting.differences import Contrast
from pdarts.reporting.grid import NO_BREAK, NOT_RUN, NOTHING, QUOTED, Heading, days, duration, marked, signed, span
from pdarts.reporting.paper import PaperRow
from pdarts.reporting.plain_table import (
    Cost,
    averaged,
    count,
    deviation,
    gpu_days,
    mean,
    search_cost,
    sizes,
    validation_cost,
)  # fmt: skip
from pdarts.reporting.rows import Row, differing

Values = dict[str, object]

Contrasts = Mapping[int, Contrast]
"""The errors that each result compares, by its id."""


@dataclass(frozen=True)
class Entry:
    """A record of the CSV file: trainings of one genotype, or of several searches, in one column of one row."""

    comparison: Comparison
    result: Result
    varies: str | None
    """`retraining` or `search`; None where no trainings are declared."""
    row: Row
    """The trainings, if any."""


ComparisonColumn = TableColumn[Comparison, Entry]


def entries(comparisons: Sequence[Comparison]) -> list[Entry]:
    """List the trainings of one genotype, and those of several searches if there are any, for each row and column."""

    def absent(architecture: str) -> Row:
        return Row(architecture, None, {}, {}, (), (), (), {})

    return [
        Entry(comparison, result, varies if row else None, row or absent(comparison.architecture))
        for comparison in comparisons
        for result in comparison.results
        for varies, row in (("retraining", result.retrained), ("search", result.searched))
        if row is not None or varies == "retraining"
    ]


def columns(
    comparisons: Sequence[Comparison], unverified: bool, baseline: str | None, contrasts: Contrasts
) -> list[ComparisonColumn]:
    """Make the columns of a table with these rows.

    Args:
        comparisons: the rows.
        unverified: whether the paper's figures are said to be so.
        baseline: architecture of the row that others are compared with, if any.
        contrasts: what `contrasts_of` finds of it.
    """
    paper = "paper, unverified" if unverified else "paper"
    several_devices = len(search_devices(comparisons)) > 1
    found = [ComparisonColumn(Heading("Architecture"), _architecture, lambda e: {"architecture": e.row.architecture})]
    for index, result in enumerate(comparisons[0].results):
        group = f"{result.column.heading} error (%)"
        found += _result_columns(index, group, paper)
        if baseline is not None:
            found += _difference_columns(index, group, baseline, contrasts)
    return [
        *found,
        ComparisonColumn(None, values=_measured_values),
        ComparisonColumn(Heading("here", True, "Parameters"), lambda each: _sizes(each, "parameters")),
        _quoted(Heading(f"{paper} (M)", True, "Parameters"), "paper_parameters_millions", lambda row: row.params),
        ComparisonColumn(Heading("here", True, "Multiply-adds"), lambda each: _sizes(each, "multiply_adds")),
        _quoted(Heading(f"{paper} (M)", True, "Multiply-adds"), "paper_multiply_adds_millions", lambda row: row.madds),
        ComparisonColumn(Heading("here", True, "Search cost"), lambda each: _search_cost(each, several_devices)),
        _quoted(Heading(f"{paper} (GPU-days)", True, "Search cost"), "paper_search_gpu_days", lambda row: row.cost),
        _quoted(Heading("Method"), "method", lambda row: row.method),
    ]


def _quoted(heading: Heading, name: str, figure: Callable[[PaperRow], int | float | str | None]) -> ComparisonColumn:
    """Make a column of a figure that the paper prints, by its name in the CSV file."""
    return ComparisonColumn(
        heading, lambda each: _plain(figure(each.figures)), lambda entry: {name: figure(entry.comparison.figures)}
    )


def _result_columns(index: int, group: str, paper: str) -> list[ComparisonColumn]:
    """Make the columns, under a common heading, of the result at this index of every row."""

    def of_result(cell: Callable[[Result], str]) -> Callable[[Comparison], str]:
        return lambda comparison: cell(comparison.results[index])

    here = of_result(lambda result: _errors(result, result.retrained))
    searches = of_result(lambda result: _errors(result, result.searched))
    return [
        ComparisonColumn(Heading("here (n)", True, group, main=True), here, _error_values),
        ComparisonColumn(Heading(f"{paper} (difference)", True, group), of_result(_printed), _printed_values),
        ComparisonColumn(Heading("searches (n)", True, group), searches),
        ComparisonColumn(Heading("others", True, group), of_result(_others), _others_values),
    ]


def contrasts_of(comparisons: Sequence[Comparison], baseline: str) -> Contrasts:
    """Set the errors of each row that has several beside those of the baseline in the same column."""
    (base,) = (comparison for comparison in comparisons if comparison.architecture == baseline)
    found = {}
    for comparison in comparisons:
        for result, theirs in zip(comparison.results, base.results, strict=True):
            row, other = result.compared, theirs.compared
            if row:
                found[id(result)] = Contrast(row, result.errors(row), other, theirs.errors(other) if other else ())
    return found


def _difference_columns(index: int, group: str, baseline: str, contrasts: Contrasts) -> list[ComparisonColumn]:
    """Make the columns that compare the result at this index of every row with the baseline's."""

    def of_entry(entry: Entry) -> Contrast | None:
        contrast = contrasts.get(id(entry.result))
        return contrast if contrast and contrast.row is entry.row else None

    return differences.columns(baseline, group, lambda each: contrasts.get(id(each.results[index])), of_entry)


def _architecture(comparison: Comparison) -> str:
    return comparison.architecture + (f"{NO_BREAK}{QUOTED}" if comparison.quoted else "")


def _errors(result: Result, row: Row | None) -> str:
    if row is None:
        return NOTHING
    errors = result.errors(row)
    return marked(f"{averaged(errors)} ({count(row)})", bool(row.mixed)) if errors else NOT_RUN


def _error_values(entry: Entry) -> Values:
    errors = entry.result.errors(entry.row)
    unmeasured = NOT_RUN if entry.varies else None if entry.result.printed is None else "quoted"
    return {
        "column": entry.result.column.heading,
        "measure": entry.result.column.measure,
        "origin": "here" if errors else unmeasured,
        "varies": entry.varies,
        "error_mean": mean(errors),
        "error_std": deviation(errors),
        "n": len(errors),
        "expected": entry.row.expected,
        "errors": errors,
    }


def _printed(result: Result) -> str:
    if result.printed is None:
        return NOTHING
    figure = f"{result.printed:.{result.decimals}f}" + (f"{NO_BREAK}unverified" if result.unverified else "")
    return figure if result.difference is None else f"{figure} ({signed(result.difference)})"


def _printed_values(entry: Entry) -> Values:
    difference = None if entry.varies == "search" else entry.result.difference
    return {"paper_error": entry.result.printed, "difference": difference}


def _others(result: Result) -> str:
    if not result.others:
        return NOTHING
    ranges = [entry.range for entry in result.others]
    lowest, highest = min(low for low, _ in ranges), max(high for _, high in ranges)
    return result.others[0].text.replace("n = ", "") if lowest == highest else f"{lowest:.2f}–{highest:.2f}"


def _others_values(entry: Entry) -> Values:
    return {"others_mean_errors": tuple(other.error for other in entry.result.others)}


def _measured_values(entry: Entry) -> Values:
    """Everything that a plain table's CSV file says of the trainings."""
    return {"mixed": tuple(entry.row.mixed), **records(plain_table.COLUMNS, [entry.row])[0]}


def _sizes(comparison: Comparison, name: str) -> str:
    return _joined([span(sizes(row, name)) for row in comparison.shown])


def _joined(texts: Sequence[str]) -> str:
    return " / ".join(dict.fromkeys(texts)) or NOTHING


def _plain(figure: int | float | str | None) -> str:
    if figure is None or isinstance(figure, str):
        return figure or NOTHING
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:,.1f}"


def _search_cost(comparison: Comparison, several_devices: bool) -> str:
    """Write what the searches behind the main columns, or without any behind the others, cost.

    Devices are named if there are several.

    It is the cost of one search, or if one of several was chosen, of all of them and of their validations.
    """
    texts = []
    for row in (result.shown for result in comparison.results if result.shown):
        if row.search_count:
            devices = "; ".join(dict.fromkeys(record.hardware for record in row.search_provenances))
            cost = marked(_cost_of_row(row), bool(differing(row.search_provenances)))
            texts.append(f"{cost} ({devices})" if several_devices else cost)
    return _joined(texts)


def _cost_of_row(row: Row) -> str:
    search, validation = search_cost(row), validation_cost(row)
    if search.gpu_days is not None and validation.gpu_days is not None:
        both = f"{days(search.gpu_days)} + {days(validation.gpu_days)} to choose"
        return f"{len(row.searches)} × ({both}) GPU-days"
    if validation.seconds is not None:
        return f"{len(row.searches)} × ({_cost(search)} + {_cost(validation)} to choose)"
    return _cost(search)


def _cost(cost: Cost) -> str:
    return duration(cost.seconds or 0) if cost.gpu_days is None else gpu_days(cost.gpu_days)
