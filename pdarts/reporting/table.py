"""The lines of a table: statistics of a row's results, and their form as Markdown, CSV and LaTeX."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from statistics import fmean, stdev

from pdarts.reporting.rows import Row

HEADINGS = (
    "Architecture",
    "Dataset",
    "Accuracy (%)",
    "n",
    "Parameters",
    "Multiply-adds",
    "Search",
    "Training",
    "Device",
)
NUMERIC = range(2, 8)
"""Columns that are set flush right."""

NOTHING, NO_BREAK = "–", "\N{NO-BREAK SPACE}"
DAY = 86_400


@dataclass(frozen=True)
class Line:
    """What a row says; names and values of its columns are those of the CSV file. Times are in seconds."""

    architecture: str
    dataset: str
    top1_mean: float
    top1_std: float | None
    top5_mean: float
    n: int
    top1: tuple[float, ...]
    genotypes: int
    searches: int
    parameters: tuple[int, ...]
    multiply_adds: tuple[int, ...]
    search_seconds: float | None
    search_gpu_days: float | None
    training_seconds: float
    training_gpu_days: float | None
    epochs: int
    devices: tuple[str, ...]


def line(row: Row) -> Line:
    """The statistics of a row.

    Accuracies are percent: mean over all trainings and sample standard deviation (n - 1), none of a single training.
    Sizes are exact, one for each training. A search takes as long as its stages together; times are means.
    """
    tests = row.evaluations
    accuracies = tuple(test.top1 for test in tests)
    gpu_trainings = [
        test.training_seconds * record.processes / DAY
        for test, record in zip(tests, row.training_provenances, strict=True)
        if record.on_gpu
    ]
    gpu_searches = [
        sum(stage.seconds * stage.provenance.processes for stage in search) / DAY
        for search in row.searches
        if all(stage.provenance.on_gpu for stage in search)
    ]
    return Line(
        architecture=row.architecture,
        dataset=tests[0].settings.dataset.name,
        top1_mean=fmean(accuracies),
        top1_std=stdev(accuracies) if len(accuracies) > 1 else None,
        top5_mean=fmean(test.top5 for test in tests),
        n=len(tests),
        top1=accuracies,
        genotypes=len(row.genotypes),
        searches=len(row.searches),
        parameters=tuple(test.parameters for test in tests),
        multiply_adds=tuple(test.multiply_adds for test in tests),
        search_seconds=_mean([sum(stage.seconds for stage in search) for search in row.searches]),
        search_gpu_days=_mean(gpu_searches) if len(gpu_searches) == len(row.searches) else None,
        training_seconds=fmean(test.training_seconds for test in tests),
        training_gpu_days=_mean(gpu_trainings) if len(gpu_trainings) == len(tests) else None,
        epochs=tests[0].settings.recipe.epochs,
        devices=tuple(dict.fromkeys(p.where for p in (*row.search_provenances, *row.training_provenances))),
    )


def cells(line: Line) -> tuple[str, ...]:
    """The line's text under each of `HEADINGS`."""
    accuracy = f"{line.top1_mean:.2f}" + (f" ± {line.top1_std:.2f}" if line.top1_std is not None else "")
    return (
        line.architecture,
        line.dataset,
        accuracy,
        str(line.n),
        _span(line.parameters),
        _span(line.multiply_adds),
        _time(line.search_seconds, line.search_gpu_days),
        _time(line.training_seconds, line.training_gpu_days),
        "; ".join(line.devices),
    )


def markdown(lines: Sequence[Line]) -> str:
    """A table whose columns line up in plain text too."""
    rows = [[escape_markdown(cell) for cell in row] for row in (HEADINGS, *map(cells, lines))]
    widths = [max(2, *(len(row[column]) for row in rows)) for column in range(len(HEADINGS))]
    align: list[Callable[[str, int], str]] = [
        str.rjust if column in NUMERIC else str.ljust for column in range(len(widths))
    ]
    rules = ["-" * (width - 1) + ":" if column in NUMERIC else "-" * width for column, width in enumerate(widths)]
    aligned = [[align[column](row[column], widths[column]) for column in range(len(widths))] for row in rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in (aligned[0], rules, *aligned[1:]))


def comma_separated(lines: Sequence[Line]) -> str:
    """CSV (RFC 4180): raw values in full precision, several of them joined by semicolons, empty where there is none."""
    names = [field.name for field in fields(Line)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for each in lines:
        values = [getattr(each, name) for name in names]
        writer.writerow([";".join(map(str, value)) if isinstance(value, tuple) else value for value in values])
    return text.getvalue()


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _span(values: Sequence[int]) -> str:
    lowest, highest = min(values), max(values)
    return f"{lowest:,}" if lowest == highest else f"{lowest:,}–{highest:,}"


def _time(seconds: float | None, gpu_days: float | None) -> str:
    if seconds is None:
        return NOTHING
    text = duration(seconds)
    return text if gpu_days is None else f"{text} ({gpu_days:.2g}{NO_BREAK}GPU-days)"


def duration(seconds: float) -> str:
    """Seconds below ten minutes, minutes below two hours, then hours."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*<>\[\]|])", r"\\\1", " ".join(text.split()))
