"""Results behind the rows of a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from pdarts import paths
from pdarts.errors import InputError, counted
from pdarts.reporting.result_files import Provenance, read, read_lines
from pdarts.reporting.search_files import StageResult
from pdarts.reporting.table_files import RandomSearchFiles, ReleasedFiles, Runs, SearchFiles
from pdarts.reporting.training_files import Choice, EvaluatedSettings, Evaluation, TrainingEpoch
from pdarts.space.genotype import Genotype
from pdarts.space.operations import SKIP

MIXABLE: dict[str, Callable[[Provenance], str | None]] = {
    "devices": lambda record: record.hardware,
    "commits": lambda record: record.commit and record.commit[:12],
    "versions of torch": lambda record: record.torch,
}
"""Properties that all results behind a number should have in common, each read from a result's provenance."""

Records = dict[tuple[str, str], tuple[Provenance, float]]
"""Provenance and seconds by step and file."""


def differing(records: Sequence[Provenance]) -> list[str]:
    """Find the keys of `MIXABLE` in which results differ."""
    return [what for what, key in MIXABLE.items() if len(set(map(key, records))) > 1]


@dataclass(frozen=True)
class Spent:
    """Time times devices, in seconds, of each search, validation and training."""

    searches: list[float]
    """Stages of a search; of a random search all its short trainings, and their tests."""
    validations: list[float]
    """Short trainings that a search was chosen by, and their tests."""
    trainings: list[float]

    @property
    def needed(self) -> int:
        """Number of searches that one network needs: all if one of them was chosen, else one if there is any."""
        return len(self.searches) if self.validations else min(len(self.searches), 1)

    @property
    def end_to_end(self) -> float:
        """Cost of one tested network: the searches that it needs, their validations, and one retraining."""
        searched = self.needed * fmean(self.searches) if self.searches else 0.0
        return searched + sum(self.validations) + fmean(self.trainings)


@dataclass(frozen=True)
class RandomSearch:
    """The results of a random search with one seed."""

    seed: int
    choice: Choice
    tests: dict[str, Evaluation]
    """Test of each draw's short training by file."""

    @property
    def scores(self) -> tuple[Evaluation, ...]:
        """The tests, in order of the draws."""
        return tuple(self.tests.values())


@dataclass(frozen=True)
class Row:
    """The results of one set of runs."""

    architecture: str
    dataset: str | None
    """Declared name of the dataset that was trained and tested on; None for a row without runs."""
    tests: dict[str, Evaluation]
    """Test results by file."""
    trainings: dict[str, list[TrainingEpoch]]
    """Metrics by file."""
    searches: tuple[tuple[StageResult, ...], ...]
    search_seeds: tuple[int, ...]
    """Seeds of the searches, random ones or others."""
    declared: tuple[str, ...]
    """Files of all test results, also of those that are missing."""
    records: Records
    choice: Choice | None = None
    """The choice of the search that was retrained, if one was chosen."""
    validations: tuple[Evaluation, ...] = ()
    """Test results that the choice is based on."""
    independent: bool = False
    """Whether each training has a genotype of its own, from a search or draw of its own."""
    random_searches: tuple[RandomSearch, ...] = ()
    """The random searches that chose the genotypes, if these are random searches'."""
    drawn: tuple[int, ...] = ()
    """Seeds of random cells, if the cells are random."""
    released: ReleasedFiles | None = None
    """Weights that others trained, if the row shows their test."""
    column: str = ""
    """Heading of the column that these runs stand in, if the table has columns."""

    @property
    def place(self) -> str:
        """What tells the runs from others of their architecture: their column, or their dataset without columns."""
        return self.column or self.dataset or ""

    @property
    def expected(self) -> int:
        """Number of trainings, also of those whose results are missing."""
        return len(self.declared)

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The test results, in order."""
        return tuple(self.tests.values())

    @property
    def training_settings(self) -> EvaluatedSettings | None:
        """Dataset and recipe of the trainings; None of a row without results."""
        return self.evaluations[0].settings if self.tests else None

    @property
    def genotypes(self) -> list[Genotype]:
        """The different genotypes that were trained, in order."""
        found = [Genotype.parse(evaluation.genotype, "genotype") for evaluation in self.evaluations]
        return list(dict.fromkeys(found))

    @property
    def skips(self) -> list[int]:
        """Numbers of skip connections in the normal cell of each of these genotypes."""
        cells = [genotype.cell("normal") for genotype in self.genotypes]
        return [sum(edge.operation == SKIP for edge in cell.edges) for cell in cells]

    @property
    def provenances(self) -> list[Provenance]:
        """Provenance of all results behind this row."""
        return [record for record, _ in self.records.values()]

    @property
    def training_provenances(self) -> list[Provenance]:
        """Provenance of each training."""
        records = [evaluation.training_provenance for evaluation in self.evaluations]
        return [record for record in records if record is not None]

    @property
    def search_count(self) -> int:
        """Number of searches, random ones or others."""
        return len(self.searches) + len(self.random_searches)

    @property
    def search_provenances(self) -> list[Provenance]:
        """Provenance of each stage of each search, and of each short training of random searches."""
        stages = [stage.provenance for search in self.searches for stage in search]
        tests = [test for search in self.random_searches for test in search.scores]
        return stages + [test.training_provenance or test.provenance for test in tests]

    @property
    def spent(self) -> Spent:
        """Cost of the searches, validations and trainings."""
        searches = [sum(stage.seconds * stage.provenance.devices for stage in search) for search in self.searches]
        return Spent(
            searches + [sum(test.time for test in search.scores) for search in self.random_searches],
            [test.time for test in self.validations],
            [test.training_time for test in self.evaluations if test.training_provenance],
        )

    @property
    def mixed(self) -> list[str]:
        """Keys of `MIXABLE` in which the results behind this row differ; none before its first test."""
        return differing(self.provenances) if self.tests else []


def merged(rows: Iterable[Row]) -> Records:
    """Merge the records of all rows, each file once."""
    records: Records = {}
    for row in rows:
        records |= row.records
    return records


def read_released(architecture: str, column: str, files: ReleasedFiles) -> Row:
    """Read the test of weights that others trained, if it exists.

    Raises:
        InputError: if the file is not a test result.
    """
    tests = {}
    if Path(files.test).exists():
        tests[files.test] = read(Evaluation, Path(files.test), "test result", "pdarts.test")
    records = _records({}, tests)
    return Row(architecture, files.dataset, tests, {}, (), (), (files.test,), records, released=files, column=column)


def read_row(architecture: str, runs: Runs, partial: bool, column: str = "") -> Row:
    """Read the results of one set of runs.

    Args:
        architecture: name of the row.
        runs: the files to read.
        partial: leave out runs and searches whose files are missing.
        column: heading of the column that the runs stand in, in a table with columns.

    Raises:
        InputError: if a file is missing or another one, or if the tested trainings have different settings.
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
                f"{metrics} has {counted(len(epochs), 'epoch')}, but the tested weights were trained for "
                f"{evaluation.epochs}; name the metrics of the same training"
            )
    searches = _searches(runs.search, partial) if runs.search else {}
    stages = {path: stage for search in searches.values() for path, stage in search.items()}
    choice = _choice(runs.search, partial) if runs.search else None
    validations = _validations(runs.search, partial) if runs.search else {}
    random_searches = _random_searches(runs.random_search, partial) if runs.random_search else []
    drawn = {path: test for search in random_searches for path, test in search.tests.items()}
    return Row(
        architecture=architecture,
        dataset=runs.dataset,
        tests=tests,
        trainings=trainings,
        searches=tuple(tuple(search.values()) for search in searches.values()),
        search_seeds=(*searches, *(search.seed for search in random_searches)),
        choice=choice,
        validations=tuple(validations.values()),
        independent=runs.independent,
        random_searches=tuple(random_searches),
        drawn=runs.drawn,
        column=column,
        declared=tuple(str(path) for path, _ in pairs),
        records=_records(stages, tests | validations | drawn),
    )


def _searches(files: SearchFiles, partial: bool) -> dict[int, dict[str, StageResult]]:
    """Read the searches by seed, each as its stages by file."""
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


def _random_searches(files: RandomSearchFiles, partial: bool) -> list[RandomSearch]:
    """Read the random searches of which every file is there."""
    found = []
    for seed in files.seeds:
        choice, tests = files.choice(seed), files.tests(seed)
        if not partial or _there([choice, *tests]):
            scores = {str(path): read(Evaluation, path, "test result", "pdarts.test") for path in tests}
            found.append(RandomSearch(seed, read(Choice, choice, "choice of a draw", "pdarts.choose"), scores))
    return found


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
