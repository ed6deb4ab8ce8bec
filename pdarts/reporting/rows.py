"""Results behind the rows of a table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from pdarts import paths
from pdarts.errors import InputError
from pdarts.reporting.result_files import Choice, Evaluation, Provenance, StageResult, TrainingEpoch, read, read_lines
from pdarts.reporting.table_files import ReleasedFiles, Runs, SearchFiles
from pdarts.space.genotype import Genotype

MIXABLE: dict[str, Callable[[Provenance], str | None]] = {
    "devices": lambda record: record.where,
    "commits": lambda record: record.commit and record.commit[:12],
    "versions of torch": lambda record: record.torch,
}
"""What the results behind a number should have in common, and where a record says it."""

Records = dict[tuple[str, str], tuple[Provenance, float]]
"""Provenance and seconds by step and file."""


@dataclass(frozen=True)
class Spent:
    """Wall time times processes, in seconds."""

    searches: list[float]
    validations: list[float]
    """With their tests."""
    trainings: list[float]

    @property
    def needed(self) -> int:
        """Searches that one network takes: all of which one was chosen, else one, if there is any."""
        return len(self.searches) if self.validations else min(len(self.searches), 1)

    @property
    def end_to_end(self) -> float:
        """From nothing to one tested network: the searches it takes, their validations, and one retraining."""
        searched = self.needed * fmean(self.searches) if self.searches else 0.0
        return searched + sum(self.validations) + fmean(self.trainings)


@dataclass(frozen=True)
class Row:
    """What the files behind one set of runs hold."""

    architecture: str
    tests: dict[str, Evaluation]
    """By file."""
    trainings: dict[str, list[TrainingEpoch]]
    """By file."""
    searches: tuple[tuple[StageResult, ...], ...]
    search_seeds: tuple[int, ...]
    """Seeds of `searches`."""
    declared: tuple[str, ...]
    """Files of all test results that there should be."""
    records: Records
    choice: Choice | None = None
    """Which search was retrained, if one was chosen."""
    validations: tuple[Evaluation, ...] = ()
    """What the choice was made by."""
    drawn: tuple[int, ...] = ()
    """Seeds of random cells."""
    released: ReleasedFiles | None = None
    """What others trained, if that is what this row is of."""
    column: str = ""
    """What the table calls the column that these runs stand in, if it has several."""

    @property
    def expected(self) -> int:
        """How many trainings there should be."""
        return len(self.declared)

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The test results, in order."""
        return tuple(self.tests.values())

    @property
    def genotypes(self) -> list[Genotype]:
        """The different genotypes that were trained, in order."""
        found = [Genotype.parse(evaluation.genotype, "genotype") for evaluation in self.evaluations]
        return list(dict.fromkeys(found))

    @property
    def training_provenances(self) -> list[Provenance]:
        """Where each training ran."""
        records = [evaluation.training_provenance for evaluation in self.evaluations]
        return [record for record in records if record is not None]

    @property
    def search_provenances(self) -> list[Provenance]:
        """Where each stage of each search ran."""
        return [stage.provenance for search in self.searches for stage in search]

    @property
    def spent(self) -> Spent:
        """What it cost."""
        tests = [test.seconds * test.provenance.processes for test in self.validations]
        validations = [test.training_time + seconds for test, seconds in zip(self.validations, tests, strict=True)]
        return Spent(
            [sum(stage.seconds * stage.provenance.processes for stage in search) for search in self.searches],
            validations,
            [test.training_time for test in self.evaluations if test.training_provenance],
        )

    @property
    def mixed(self) -> list[str]:
        """Which of `MIXABLE` differ between the results behind this row."""
        records = [record for record, _ in self.records.values()]
        return [what for what, key in MIXABLE.items() if len({key(record) for record in records}) > 1]


def merged(rows: Iterable[Row]) -> Records:
    """The records of all rows, each file once."""
    records: Records = {}
    for row in rows:
        records |= row.records
    return records


def read_released(architecture: str, column: str, files: ReleasedFiles) -> Row:
    """Read the test of weights that others trained, if it is there.

    Raises:
        InputError: if it is not what it should be.
    """
    tests = {}
    if Path(files.test).exists():
        tests[files.test] = read(Evaluation, Path(files.test), "test result", "pdarts.test")
    return Row(architecture, tests, {}, (), (), (files.test,), _records({}, tests), released=files, column=column)


def read_row(architecture: str, runs: Runs, partial: bool, column: str = "") -> Row:
    """Read the results of one set of runs.

    Args:
        architecture: what messages and statements call it.
        runs: where they lie.
        partial: leave out runs and searches whose files are not there, rather than raise.
        column: where they stand, in a table with columns.

    Raises:
        InputError: if a file is missing or not what it should be, or the tests are not of one and the same training.
    """
    pairs = list(zip(runs.files(paths.TEST), runs.files(paths.METRICS), strict=True))
    present = [pair for pair in pairs if not partial or _there(pair)]
    tests = {str(path): read(Evaluation, path, "test result", "pdarts.test") for path, _ in present}
    trainings = {
        str(path): read_lines(TrainingEpoch, path, "metrics file of a training", "pdarts.train") for _, path in present
    }
    _check_alike(architecture, tests)
    for (metrics, epochs), evaluation in zip(trainings.items(), tests.values(), strict=True):
        if len(epochs) != evaluation.epochs:
            raise InputError(
                f"{metrics} has {len(epochs)} epochs, but the tested weights were trained for {evaluation.epochs}; "
                "name the metrics of the same training"
            )
    searches = _searches(runs.search, partial) if runs.search else {}
    stages = {path: stage for search in searches.values() for path, stage in search.items()}
    choice = _choice(runs.search, partial) if runs.search else None
    validations = _validations(runs.search, partial) if runs.search else {}
    return Row(
        architecture=architecture,
        tests=tests,
        trainings=trainings,
        searches=tuple(tuple(search.values()) for search in searches.values()),
        search_seeds=tuple(searches),
        choice=choice,
        validations=tuple(validations.values()),
        drawn=runs.drawn,
        column=column,
        declared=tuple(str(path) for path, _ in pairs),
        records=_records(stages, tests | validations),
    )


def _searches(files: SearchFiles, partial: bool) -> dict[int, dict[str, StageResult]]:
    """Stages of each search by file, by the search's seed."""
    searches = {}
    for seed in files.seeds:
        stages = files.stage_files(seed)
        if not partial or _there(stages):
            searches[seed] = {str(path): read(StageResult, path, "stage file", "pdarts.search") for path in stages}
    return searches


def _choice(files: SearchFiles, partial: bool) -> Choice | None:
    if files.choice is None or (partial and not Path(files.choice).exists()):
        return None
    return read(Choice, Path(files.choice), "choice of a search", "pdarts.choose")


def _validations(files: SearchFiles, partial: bool) -> dict[str, Evaluation]:
    present = [path for path in files.validations if not partial or Path(path).exists()]
    return {path: read(Evaluation, Path(path), "test result", "pdarts.test") for path in present}


def _there(files: Iterable[Path]) -> bool:
    return all(path.exists() for path in files)


def _check_alike(architecture: str, tests: Mapping[str, Evaluation]) -> None:
    first = next(iter(tests), "")
    for path, evaluation in tests.items():
        Genotype.parse(evaluation.genotype, f"{path}: genotype")
        if evaluation.settings.recipe is None:
            raise InputError(f"{architecture}: {path} is of weights that others trained; give it a row of its own")
        if evaluation.settings.recipe.train_portion < 1:
            raise InputError(f"{architecture}: {path} was scored on training images that were held out; retrain on all")
        if evaluation.settings != tests[first].settings:
            raise InputError(
                f"{architecture}: {path} was trained with other settings than {first}; "
                "give each training a row of its own"
            )


def _records(stages: Mapping[str, StageResult], tests: Mapping[str, Evaluation]) -> Records:
    records: Records = {("search", path): (stage.provenance, stage.seconds) for path, stage in stages.items()}
    for path, evaluation in tests.items():
        if evaluation.training_provenance is not None and evaluation.training_seconds is not None:
            records["train", path] = evaluation.training_provenance, evaluation.training_seconds
        records["test", path] = evaluation.provenance, evaluation.seconds
    return records
