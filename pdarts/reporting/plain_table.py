"""Statistics of trainings alike, and a table that shows their accuracies one below the other."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev

from pdarts.reporting.grid import MIXED, NO_BREAK, NOT_RUN, NOTHING, Grid, Heading, days, duration, span, statistics
from pdarts.reporting.result_files import Provenance
from pdarts.reporting.rows import Row

HEADINGS = (
    Heading("Architecture"),
    Heading("Dataset"),
    Heading("Accuracy (%)", numeric=True, main=True),
    Heading("n", numeric=True),
    Heading("Parameters", numeric=True),
    Heading("Multiply-adds", numeric=True),
    Heading("Search", numeric=True),
    Heading("Training", numeric=True),
    Heading("Device"),
)

DAY = 86_400


@dataclass(frozen=True)
class Line:
    """What a row says; names and values of its columns are those of the CSV file. Times are in seconds."""

    architecture: str
    dataset: str | None
    top1_mean: float | None
    top1_std: float | None
    top5_mean: float | None
    n: int
    top1: tuple[float, ...]
    genotypes: int
    searches: int
    parameters: tuple[int, ...]
    multiply_adds: tuple[int, ...]
    search_seconds: float | None
    search_gpu_days: float | None
    chosen_seed: int | None
    validation_seconds: float | None
    validation_gpu_days: float | None
    training_seconds: float | None
    training_gpu_days: float | None
    end_to_end_device_days: float | None
    epochs: int | None
    devices: tuple[str, ...]


def line(row: Row) -> Line:
    """The statistics of a row.

    Accuracies are percent: mean over all trainings and sample standard deviation (n - 1), none of a single training.
    Sizes are exact, one for each training. A search takes as long as its stages together, a validation as long as its
    training and test; times are means, but end to end all searches and validations count.
    """
    tests, spent = row.evaluations, row.spent
    accuracies = tuple(test.top1 for test in tests)
    validating = [test.training_provenance or test.provenance for test in row.validations]
    return Line(
        architecture=row.architecture,
        dataset=tests[0].settings.dataset.name if tests else None,
        top1_mean=mean(accuracies),
        top1_std=deviation(accuracies),
        top5_mean=mean([test.top5 for test in tests]),
        n=len(tests),
        top1=accuracies,
        genotypes=len(row.genotypes),
        searches=len(row.searches),
        parameters=tuple(test.parameters for test in tests),
        multiply_adds=tuple(test.multiply_adds for test in tests),
        search_seconds=mean([sum(stage.seconds for stage in search) for search in row.searches]),
        search_gpu_days=_gpu_days(spent.searches, row.search_provenances),
        chosen_seed=row.choice.seed if row.choice else None,
        validation_seconds=mean([test.seconds + (test.training_seconds or 0) for test in row.validations]),
        validation_gpu_days=_gpu_days(spent.validations, validating),
        training_seconds=mean([test.training_seconds for test in tests if test.training_seconds is not None]),
        training_gpu_days=_gpu_days(spent.trainings, row.training_provenances),
        end_to_end_device_days=spent.end_to_end / DAY if spent.trainings else None,
        epochs=tests[0].settings.recipe.epochs if tests and tests[0].settings.recipe else None,
        devices=tuple(dict.fromkeys(p.where for p in (*row.search_provenances, *row.training_provenances))),
    )


def _gpu_days(seconds: Sequence[float], records: Iterable[Provenance]) -> float | None:
    """The mean in GPU-days, if all ran on GPUs."""
    return fmean(seconds) / DAY if seconds and all(record.on_gpu for record in records) else None


def grid(rows: Iterable[Row]) -> Grid:
    """A line for each row, with the mean accuracy of its trainings."""
    return Grid(HEADINGS, tuple(_cells(row, line(row)) for row in rows))


def records(rows: Iterable[Row]) -> list[dict[str, object]]:
    """The raw values of each row."""
    return [asdict(line(row)) for row in rows]


def _cells(row: Row, line: Line) -> tuple[str, ...]:
    accuracy = NOT_RUN if line.top1_mean is None else statistics(line.top1_mean, line.top1_std)
    return (
        line.architecture,
        line.dataset or NOTHING,
        marked(accuracy, row),
        count(row),
        span(line.parameters),
        span(line.multiply_adds),
        search_cost(line),
        _time(line.training_seconds, line.training_gpu_days),
        "; ".join(line.devices) or NOTHING,
    )


def marked(number: str, row: Row) -> str:
    """The number with a mark where the results behind it were not made alike."""
    return f"{number}{NO_BREAK}{MIXED}" if row.mixed else number


def count(row: Row) -> str:
    """How many trainings there are, and of how many where some are missing."""
    found = len(row.evaluations)
    return str(found) if found == row.expected else f"{found} of {row.expected}"


def mean(values: Sequence[float]) -> float | None:
    """The mean, if there is one."""
    return fmean(values) if values else None


def deviation(values: Sequence[float]) -> float | None:
    """The sample standard deviation (n - 1), if there is one."""
    return stdev(values) if len(values) > 1 else None


def search_cost(line: Line) -> str:
    """Of one search; where one of several was chosen, of all of them and their validations."""
    search = _time(line.search_seconds, line.search_gpu_days)
    if line.validation_seconds is None:
        return search
    return f"{line.searches} × ({search} + {_time(line.validation_seconds, line.validation_gpu_days)})"


def _time(seconds: float | None, gpu_days: float | None) -> str:
    if seconds is None:
        return NOTHING
    text = duration(seconds)
    return text if gpu_days is None else f"{text} ({days(gpu_days)}{NO_BREAK}GPU-days)"
