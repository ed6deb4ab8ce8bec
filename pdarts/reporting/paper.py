"""Reads the figures of the paper and of independent people from `paper.yaml`."""

from functools import cache
from pathlib import Path
from statistics import fmean, stdev

import yaml
from pydantic import model_validator

from pdarts.checking import parse
from pdarts.errors import InputError
from pdarts.settings.base import Settings
from pdarts.settings.tables import PaperTable, Row, Table

UNVERIFIED = "from memory, not compared with the paper: unverified"


class PaperRow(Settings):
    """The paper's figures of an architecture: errors in percent, sizes in millions, cost in GPU-days.

    A whole number is one that the paper prints without decimals.
    """

    architecture: str
    cifar10: float | None = None
    cifar100: float | None = None
    top1: float | None = None
    top5: float | None = None
    without_dropout: float | None = None
    with_dropout: float | None = None
    params: int | float | None = None
    madds: int | float | None = None
    cost: int | float | None = None
    method: str | None = None
    note: str | None = None
    """Remark on the cost."""
    detail: str | None = None
    """Remark on the errors: how many were averaged, their spread, where they are printed."""
    recipe: str | None = None
    """How the authors of its method retrain, in so far as it differs from the recipe of P-DARTS."""
    unverified: bool = False
    """Whether the errors were written down from memory."""

    @property
    def told(self) -> str:
        """All remarks on the errors in one text, or an empty one."""
        return "; ".join(filter(None, (self.detail, UNVERIFIED if self.unverified else "")))

    def error(self, column: str) -> float | None:
        """Error under `column` of a table, or None if the paper prints none."""
        value: float | None = getattr(self, column, None)
        return value


class Released(Settings):
    """Test accuracy in percent of weights that the paper's authors offer for download."""

    genotype: str
    top1: float
    top5: float | None = None

    def error(self, measure: str) -> float | None:
        """Error in percent by its name in the settings, or None if it is unknown."""
        accuracy = {"top1_error": self.top1, "top5_error": self.top5}[measure]
        return None if accuracy is None else round(100 - accuracy, 2)


class PaperFigures(Settings):
    """A table of the paper."""

    source: str
    decimals: int
    """Number of decimals of the printed errors."""
    unverified: bool = False
    multiply_adds: str | None = None
    """Remark on how its multiply-adds compare with those that are counted here."""
    released: Released | None = None
    rows: tuple[PaperRow, ...]

    def row(self, architecture: str) -> PaperRow:
        """Find the figures of `architecture`.

        Raises:
            InputError: if the table has no such row.
        """
        for row in self.rows:
            if row.architecture == architecture:
                return row
        names = ", ".join(row.architecture for row in self.rows)
        raise InputError(f"paper is {architecture!r}, which {self.source} does not have; allowed: {names}")


class Independent(Settings):
    """Accuracies in percent that other people measured: mean, standard deviation and n, or each value."""

    subject: str
    who: str
    what: str
    dataset: str
    mean: float | None = None
    std: float | None = None
    n: int | None = None
    values: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _mean_or_values(self) -> "Independent":
        if (self.mean is None) == (not self.values):
            raise ValueError("give mean, std and n, or values")
        return self

    @property
    def error(self) -> float:
        """Mean error in percent."""
        return 100 - (fmean(self.values) if self.mean is None else self.mean)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest error in percent; both are the mean if single values are unknown."""
        errors = [100 - value for value in self.values] or [self.error]
        return min(errors), max(errors)

    @property
    def text(self) -> str:
        """Mean error in percent, its standard deviation if known, and n."""
        spread = stdev(self.values) if self.mean is None and len(self.values) > 1 else self.std
        count = len(self.values) or self.n
        return f"{self.error:.2f}" + (f" ± {spread:.2f}" if spread is not None else "") + f" (n = {count})"


class Paper(Settings):
    """The content of `paper.yaml`."""

    tables: dict[PaperTable, PaperFigures]
    independent: tuple[Independent, ...]

    def others(self, subject: str | None, column: str) -> list[Independent]:
        """Find what other people measured of `subject` on the data set that `column` is named after."""
        return [entry for entry in self.independent if (entry.subject, entry.dataset) == (subject, column)]


@cache
def paper() -> Paper:
    """Read and check `paper.yaml`."""
    text = Path(__file__).with_name("paper.yaml").read_text(encoding="utf-8")
    return parse(Paper, yaml.safe_load(text), "paper.yaml")


def quoted_by(table: Table, row: Row) -> str | None:
    """The architecture of the paper's table whose figures stand beside a row: named, or of the same name; or None."""
    figures = paper().tables[table.paper] if table.paper else None
    if figures is None or row.paper is not None:
        return row.paper
    return row.architecture if row.architecture in [each.architecture for each in figures.rows] else None


def check_quotes(name: str, table: Table) -> None:
    """Check that `paper.yaml` has everything that a declared table quotes.

    Raises:
        InputError: if a row quotes something that it lacks.
    """
    subjects = sorted({entry.subject for entry in paper().independent})
    for index, row in enumerate(table.rows):
        where = f"tables.{name}.rows[{index}]"
        if table.paper is not None and (row.paper is not None or row.quotes):
            try:
                paper().tables[table.paper].row(row.paper or row.architecture)
            except InputError as error:
                raise InputError(f"{where}.{error}") from error
        for column, subject in row.independent.items():
            if subject not in subjects:
                raise InputError(f"{where}.independent.{column} is {subject!r}; allowed: {', '.join(subjects)}")
