"""Statistics of trainings alike, and the columns of a table that lists them one below the other.

Accuracies are in percent, times in seconds unless a name says days, sizes exact. A search takes as long
as its stages together, a validation as long as its training and test, a random search as long as all its short
trainings and tests; their times and those of trainings are means.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from pdarts.errors import plural
from pdarts.reporting import differences
from pdarts.reporting.columns import TableColumn
from pdarts.reporting.differences import Contrast
from pdarts.reporting.grid import NO_BREAK, NOT_RUN, NOTHING, Heading, days, duration, marked, span
from pdarts.reporting.result_files import Provenance
from pdarts.reporting.rows import Row, differing
from pdarts.reporting.training_files import Evaluation

DAY = 86_400


@dataclass(frozen=True)
class Cost:
    """Mean cost of searches, of validations or of trainings; None where there are none."""

    seconds: float | None
    gpu_days: float | None
    """Time times devices, in days; None unless all of them ran on GPUs."""

    def __str__(self) -> str:
        if self.seconds is None:
            return NOTHING
        text = duration(self.seconds)
        return text if self.gpu_days is None else f"{text} ({gpu_days(self.gpu_days)})"


def gpu_days(number: float) -> str:
    """Write a number of GPU-days."""
    return f"{days(number)}{NO_BREAK}{plural(days(number), 'GPU-day')}"


def search_cost(row: Row) -> Cost:
    """Cost of a search."""
    seconds = [sum(stage.seconds for stage in search) for search in row.searches]
    seconds += [sum(map(_seconds, search.scores)) for search in row.random_searches]
    return Cost(mean(seconds), _gpu_days(row.spent.searches, row.search_provenances))


def validation_cost(row: Row) -> Cost:
    """Cost of a validation, by which one of several searches is chosen."""
    seconds = list(map(_seconds, row.validations))
    records = [test.training_provenance or test.provenance for test in row.validations]
    return Cost(mean(seconds), _gpu_days(row.spent.validations, records))


def _seconds(test: Evaluation) -> float:
    """Time of a training and its test."""
    return test.seconds + (test.training_seconds or 0)


def training_cost(row: Row) -> Cost:
    """Cost of a training."""
    seconds = [test.training_seconds for test in row.evaluations if test.training_seconds is not None]
    return Cost(mean(seconds), _gpu_days(row.spent.trainings, row.training_provenances))


def _gpu_days(seconds: Sequence[float], records: Iterable[Provenance]) -> float | None:
    return fmean(seconds) / DAY if seconds and all(record.on_gpu for record in records) else None


def mean(values: Sequence[float]) -> float | None:
    """The mean, or None of no values."""
    return fmean(values) if values else None


def deviation(values: Sequence[float]) -> float | None:
    """The sample standard deviation (n - 1), or None of fewer than two values."""
    return stdev(values) if len(values) > 1 else None


def averaged(values: Sequence[float]) -> str:
    """Write the mean and, of several values, the deviation, or that nothing has run."""
    if not values:
        return NOT_RUN
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def count(row: Row) -> str:
    """Write how many trainings have results, and of how many if some are missing."""
    found = len(row.evaluations)
    return str(found) if found == row.expected else f"{found}{NO_BREAK}of{NO_BREAK}{row.expected}"


def sizes(row: Row, name: str) -> tuple[int, ...]:
    """The `parameters` or `multiply_adds` of each trained network."""
    return tuple(getattr(test, name) for test in row.evaluations)


def errors(row: Row) -> tuple[float, ...]:
    """Test error of each training in percent."""
    return tuple(100 - test.top1 for test in row.evaluations)


def _accuracies(row: Row) -> tuple[float, ...]:
    return tuple(test.top1 for test in row.evaluations)


def _epochs(row: Row) -> int | None:
    recipe = row.evaluations[0].settings.recipe if row.evaluations else None
    return recipe.epochs if recipe else None


def _devices(row: Row) -> tuple[str, ...]:
    return tuple(dict.fromkeys(record.hardware for record in (*row.search_provenances, *row.training_provenances)))


def _search(row: Row) -> str:
    """Write the cost of a search; if one of several was chosen, that of all of them and of their validations."""
    search, validation = marked(str(search_cost(row)), bool(differing(row.search_provenances))), validation_cost(row)
    return search if validation.seconds is None else f"{len(row.searches)} × ({search} + {validation})"


PlainColumn = TableColumn[Row, Row]

BEFORE_DIFFERENCES = 4
"""Number of columns to the left of differences: up to the number of trainings."""

COLUMNS = (
    PlainColumn(Heading("Architecture"), lambda row: row.architecture, lambda row: {"architecture": row.architecture}),
    PlainColumn(Heading("Dataset"), lambda row: row.dataset or NOTHING, lambda row: {"dataset": row.dataset}),
    PlainColumn(
        Heading("Accuracy (%)", numeric=True, main=True),
        lambda row: marked(averaged(_accuracies(row)), bool(row.mixed)),
        lambda row: {
            "top1_mean": mean(_accuracies(row)),
            "top1_std": deviation(_accuracies(row)),
            "top5_mean": mean([test.top5 for test in row.evaluations]),
        },
    ),
    PlainColumn(
        Heading("n", numeric=True),
        count,
        lambda row: {
            "n": len(row.evaluations),
            "top1": _accuracies(row),
            "genotypes": len(row.genotypes),
            "searches": row.search_count,
        },
    ),
    PlainColumn(
        Heading("Parameters", numeric=True),
        lambda row: span(sizes(row, "parameters")),
        lambda row: {"parameters": sizes(row, "parameters")},
    ),
    PlainColumn(
        Heading("Multiply-adds", numeric=True),
        lambda row: span(sizes(row, "multiply_adds")),
        lambda row: {"multiply_adds": sizes(row, "multiply_adds")},
    ),
    PlainColumn(
        Heading("Search", numeric=True),
        _search,
        lambda row: {
            "search_seconds": search_cost(row).seconds,
            "search_gpu_days": search_cost(row).gpu_days,
            "chosen_seed": row.choice.seed if row.choice else None,
            "validation_seconds": validation_cost(row).seconds,
            "validation_gpu_days": validation_cost(row).gpu_days,
        },
    ),
    PlainColumn(
        Heading("Training", numeric=True),
        lambda row: marked(str(training_cost(row)), bool(differing(row.training_provenances))),
        lambda row: {
            "training_seconds": training_cost(row).seconds,
            "training_gpu_days": training_cost(row).gpu_days,
            "end_to_end_device_days": row.spent.end_to_end / DAY if row.spent.trainings else None,
            "epochs": _epochs(row),
        },
    ),
    PlainColumn(
        Heading("Device"),
        lambda row: "; ".join(_devices(row)) or NOTHING,
        lambda row: {"devices": _devices(row)},
    ),
)


def contrasts_of(rows: Sequence[Row], baselines: Sequence[Row]) -> dict[int, Contrast]:
    """Set the accuracies of each row beside the baseline's on the same dataset, by the id of the row.

    Args:
        rows: all rows.
        baselines: lines of the baseline; one counts that has the row's dataset and recipe.
    """
    found = {}
    for row in rows:
        alike = (other for other in baselines if other is row or other.training_settings == row.training_settings)
        baseline = max(alike, key=lambda other: other is row, default=None)
        if row.tests:
            found[id(row)] = Contrast(row, _accuracies(row), baseline, _accuracies(baseline) if baseline else ())
    return found


def columns(baseline: str | None, contrasts: Mapping[int, Contrast]) -> tuple[PlainColumn, ...]:
    """Make the columns of a table, with differences to a baseline if it has one.

    Args:
        baseline: architecture of the row that others are compared with, if any.
        contrasts: what `contrasts_of` finds of it.
    """

    def of_row(row: Row) -> Contrast | None:
        return contrasts.get(id(row))

    if baseline is None:
        return COLUMNS
    added: list[PlainColumn] = differences.columns(baseline, "", of_row, of_row)
    return (*COLUMNS[:BEFORE_DIFFERENCES], *added, *COLUMNS[BEFORE_DIFFERENCES:])
