"""A table's rows: which files they are made of, and what these hold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pdarts.errors import InputError
from pdarts.reporting.results import Evaluation, Provenance, StageResult, TrainingEpoch, read, read_lines
from pdarts.settings import Settings
from pdarts.space.genotype import Genotype


class RowFiles(Settings):
    """The files behind one row."""

    architecture: Annotated[str, Field(min_length=1)]
    """What the row is called."""
    tests: Annotated[tuple[str, ...], Field(min_length=1)]
    """The test result of each training."""
    metrics: tuple[str, ...]
    """The metrics of each training, in the order of `tests`."""
    searches: tuple[tuple[str, ...], ...]
    """The stage files of each search that the row's genotypes come from; none for a cell that was not searched."""
    cells: tuple[str, ...]
    """Drawings of the genotypes, as SVG."""
    curves: tuple[str, ...]
    """Curves of the searches and trainings, as SVG."""


class TableFiles(Settings):
    """The files behind a table."""

    title: Annotated[str, Field(min_length=1)]
    """Caption of the table."""
    rows: Annotated[tuple[RowFiles, ...], Field(min_length=1)]
    """The lines, in order."""


Records = dict[tuple[str, str], Provenance]
"""Provenance by step and file."""


@dataclass(frozen=True)
class Row:
    """What the files behind one row hold."""

    architecture: str
    evaluations: tuple[Evaluation, ...]
    trainings: tuple[list[TrainingEpoch], ...]
    searches: tuple[tuple[StageResult, ...], ...]
    records: Records

    @property
    def genotypes(self) -> list[Genotype]:
        """The different genotypes that were trained, in order."""
        found = [Genotype.parse(evaluation.genotype, "genotype") for evaluation in self.evaluations]
        return list(dict.fromkeys(found))

    @property
    def training_provenances(self) -> list[Provenance]:
        """Where each training ran."""
        return [evaluation.training_provenance for evaluation in self.evaluations]

    @property
    def search_provenances(self) -> list[Provenance]:
        """Where each stage of each search ran."""
        return [stage.provenance for search in self.searches for stage in search]


def read_row(files: RowFiles) -> Row:
    """Read the results of one row.

    Raises:
        InputError: if a file is missing or not what it should be, or the tests are not of one and the same training.
    """
    tests = [Path(path) for path in files.tests]
    if len(files.metrics) != len(tests):
        raise InputError(
            f"{files.architecture}: {len(files.metrics)} metrics files for {len(tests)} test results; name one for each"
        )
    evaluations = tuple(read(Evaluation, path, "test result", "pdarts.test") for path in tests)
    trainings = tuple(
        read_lines(TrainingEpoch, Path(path), "metrics file of a training", "pdarts.train") for path in files.metrics
    )
    for path, evaluation in zip(tests, evaluations, strict=True):
        Genotype.parse(evaluation.genotype, f"{path}: genotype")
        if evaluation.settings != evaluations[0].settings:
            raise InputError(
                f"{files.architecture}: {path} was trained with other settings than {tests[0]}; "
                "give each training a row of its own"
            )
    for metrics, evaluation, epochs in zip(files.metrics, evaluations, trainings, strict=True):
        if len(epochs) != evaluation.settings.recipe.epochs:
            raise InputError(
                f"{metrics} has {len(epochs)} epochs, but the tested weights were trained for "
                f"{evaluation.settings.recipe.epochs}; name the metrics of the same training"
            )
    searches = tuple(
        tuple(read(StageResult, Path(path), "stage file", "pdarts.search") for path in search)
        for search in files.searches
    )
    return Row(files.architecture, evaluations, trainings, searches, _records(files, evaluations, searches))


def _records(
    files: RowFiles, evaluations: tuple[Evaluation, ...], searches: tuple[tuple[StageResult, ...], ...]
) -> Records:
    records: Records = {}
    for paths, stages in zip(files.searches, searches, strict=True):
        records |= {("search", path): stage.provenance for path, stage in zip(paths, stages, strict=True)}
    for path, evaluation in zip(files.tests, evaluations, strict=True):
        records["train", path] = evaluation.training_provenance
        records["test", path] = evaluation.provenance
    return records
