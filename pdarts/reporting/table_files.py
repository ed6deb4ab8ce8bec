"""Files that a table is made of: the value of `pdarts.report --table`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from pdarts import paths
from pdarts.settings.base import Settings
from pdarts.settings.random_searches import draws_of
from pdarts.settings.tables import Measure, PaperTable, distinct


class SearchFiles(Settings):
    """Stage files `FOLDER/seedN/stageK.json` and traces of searches alike but for their seed."""

    folder: str
    """Where the folders `seedN` lie."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    """The N of each search."""
    stages: Annotated[int, Field(ge=1)]
    """K goes from 1 to this."""
    choice: str | None
    """File that says whose genotype was retrained; null where it was not chosen."""
    validations: tuple[str, ...]
    """Tests of short retrainings that the choice was made by."""

    def stage_files(self, seed: int) -> list[Path]:
        """The stage files of one search, in order."""
        stages = range(1, self.stages + 1)
        return [_in(self.folder, paths.STAGE, paths.SEARCH, seed=seed, stage=stage) for stage in stages]

    def traces(self) -> dict[int, Path]:
        """The trace of each search by its seed."""
        return {seed: _in(self.folder, paths.TRACE, paths.SEARCH, seed=seed) for seed in self.seeds}


class RandomSearchFiles(Settings):
    """Random searches alike but for their seed: `FOLDER/seedN/choice.json`, and the tests of their short trainings."""

    folder: str
    """Where the folders `seedN` lie."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    """The N of each random search."""
    draws: Annotated[int, Field(ge=1)]
    """Random cells among which each one chooses."""
    training: str
    """Folder of the short trainings, the seeds of which are the numbers of the draws."""

    def choice(self, seed: int) -> Path:
        """The choice of one random search."""
        return _in(self.folder, paths.CHOICE_OF_DRAW, paths.RANDOM_SEARCH, seed=seed)

    def tests(self, seed: int) -> list[Path]:
        """The tests by which one random search chooses, in order."""
        numbers = draws_of(seed, self.draws)
        return [_in(self.training, paths.TEST, paths.TRAINING, seed=number) for number in numbers]


class Runs(Settings):
    """Trainings alike but for their seed, or for the search that their genotype comes from."""

    trainings: Annotated[dict[str, tuple[int, ...]], Field(min_length=1)]
    """Seeds by folder: `FOLDER/seedN/test.json` and `FOLDER/seedN/metrics.jsonl` are read."""
    dataset: str
    """Name of the dataset that they were trained and tested on."""
    search: SearchFiles | None
    """The searches of the genotypes; null for a cell that was not searched."""
    independent: bool = False
    """Whether each training has a genotype of its own, from a search or draw of its own."""
    random_search: RandomSearchFiles | None = None
    """The random searches of the genotypes; null for other cells."""
    drawn: tuple[int, ...]
    """Seeds of the draws of random cells; empty for others."""

    def files(self, template: str) -> list[Path]:
        """A file of each training; `template` is `METRICS` or `TEST` of `pdarts.paths`."""
        seeds = [(folder, seed) for folder, seeds in self.trainings.items() for seed in seeds]
        return [_in(folder, template, paths.TRAINING, seed=seed) for folder, seed in seeds]


class ReleasedFiles(Settings):
    """Weights that others trained, as tested here; a report does without."""

    test: str
    """Result of the test."""
    dataset: str
    """Name of the dataset that they are tested on."""
    file: str
    """Where the weights belong."""
    origin: str
    """Where to get them."""


class MeasuredColumn(Settings):
    """A test result that stands beside the paper's."""

    heading: Annotated[str, Field(min_length=1)]
    """Text over the column."""
    measure: Measure
    """Test error in percent."""


class RowFiles(Settings):
    """The files behind one row."""

    architecture: Annotated[str, Field(min_length=1)]
    """Name that the table shows."""
    runs: dict[str, Runs]
    """Trainings by column; a table without columns has a line for each."""
    searches: dict[str, Runs]
    """Trainings of genotypes of several searches, by column."""
    released: dict[str, ReleasedFiles]
    """Weights that others trained, by column."""
    paper: str | None
    """Architecture in the paper's table."""
    independent: dict[str, str]
    """Subject in `paper.yaml` by column."""
    cells: tuple[str, ...]
    """Drawings of the genotypes, as SVG."""
    curves: tuple[str, ...]
    """Curves of the searches and trainings, as SVG."""


class TableFiles(Settings):
    """The files behind a table."""

    title: Annotated[str, Field(min_length=1)]
    """Caption of the table."""
    paper: PaperTable | None
    """The paper's table that it repeats."""
    baseline: str | None = None
    """Architecture of the row that others are compared with."""
    columns: dict[str, MeasuredColumn]
    """Test results side by side."""
    rows: Annotated[tuple[RowFiles, ...], Field(min_length=1)]
    """The lines, in order."""

    @model_validator(mode="after")
    def _shows_runs(self) -> Self:
        distinct("heading", [(f"columns.{name}", column.heading) for name, column in self.columns.items()])
        for index, row in enumerate(self.rows):
            if not self.columns and not row.runs:
                raise ValueError(
                    f"rows[{index}].runs is empty; without columns a table has a line for each entry there"
                )
        return self

    def results(self) -> Iterator[str]:
        """All files behind the table; tests of weights that others trained only where these are there."""
        for row in self.rows:
            yield from (each.test for each in row.released.values() if Path(each.file).exists())
            for runs in (*row.runs.values(), *row.searches.values()):
                for pair in zip(runs.files(paths.TEST), runs.files(paths.METRICS), strict=True):
                    yield from map(str, pair)
                if search := runs.search:
                    yield from (str(path) for seed in search.seeds for path in search.stage_files(seed))
                    yield from map(str, search.traces().values())
                    yield from filter(None, [search.choice, *search.validations])
                if drawn := runs.random_search:
                    for seed in drawn.seeds:
                        yield from map(str, (drawn.choice(seed), *drawn.tests(seed)))
            yield from (*row.cells, *row.curves)


def _in(folder: str, template: str, parent: str, **wildcards: int) -> Path:
    """A file of `pdarts.paths` in a folder that stands for its folder `parent` there."""
    return Path(folder + template.removeprefix(parent).format(**wildcards))
