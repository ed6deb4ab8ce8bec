"""Tables of results side by side, and the trainings that their rows make."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pdarts.settings.base import Name, Named, Once, Positive, Settings, SkipLimit, known
from pdarts.settings.repeats import Seed, Seeds
from pdarts.settings.trainings import Genotype

PaperTable = Literal["table1", "table2", "depth_study", "skip_study", "methods", "methods_imagenet"]
OF_THE_PAPER = ("table1", "table2", "depth_study", "skip_study")
"""Tables of P-DARTS' paper; the others gather figures of several papers."""


Measure = Literal["top1_error", "top5_error"]


class Column(Settings):
    """How the genotypes of rows are retrained, and the test result that stands beside the paper's."""

    heading: Annotated[str, Field(min_length=1)] | None = None
    """Text over the column, such as `CIFAR-10`; without headings a table has a line for each training."""
    measure: Measure | None = None
    """Test error in percent: images whose class is not the most probable one, or not among the five most probable."""
    dataset: Name | None = None
    """Name under `datasets` of the images that rows' genotypes are retrained and tested on."""
    recipe: Name | None = None
    """Name under `recipes` of the recipe by which they are retrained."""
    seeds: Seeds | None = None
    """Seeds of these trainings; a name under `repeats` stands for that many seeds, from 0 on."""


def distinct(key: str, named: Iterable[tuple[str, str | None]]) -> None:
    """Check that names which lead readers to a row or column differ.

    Args:
        key: of the names.
        named: where each stands, and the name.

    Raises:
        ValueError: if two are the same.
    """
    first: dict[str | None, str] = {}
    for where, name in named:
        if name is not None and name in first:
            raise ValueError(f"{where}.{key} is {name!r}, as in {first[name]}; give each a name of its own")
        first[name] = where


def _form_of_search(value: Any) -> str:
    return "<dict>" if isinstance(value, dict) else "<str>"


class Row(Settings):
    """One line of a table. It names a search, genotype, training or checkpoint, or else only quotes the paper."""

    architecture: Annotated[str, Field(min_length=1)]
    """Name that the table shows."""
    name: Name | None = None
    """First part of the names of the row's trainings, `NAME-on-DATASET`; by default the name of the search, with
    `-skipsM` or `-stageN` after it where the row has such a limit or stage."""
    search: (
        Annotated[
            Annotated[Name, Tag("<str>")] | Annotated[Named[Name], Field(min_length=1), Tag("<dict>")],
            Discriminator(_form_of_search),
        ]
        | None
    ) = None
    """Name under `searches`, or one for each column. Its chosen genotype is retrained with every seed of the column,
    and if it has several seeds, the genotype of each of them once (`NAME-each-on-DATASET`)."""
    seed: Seed | None = None
    """Seed of the search whose genotype is retrained with every seed; null for the chosen one."""
    max_skips: SkipLimit | None = None
    """Another skip limit than the search's own, from 0 on; not together with `stage`."""
    stage: Positive | None = None
    """Another stage of the search than its last one, from 1."""
    genotype: Genotype | None = None
    """Genotype to retrain, as of a training: a published cell, the path of a genotype file, random cells, or what a
    random search chooses."""
    changes: dict[str, Any] = {}
    """Keys of the recipe that the row's trainings override."""
    columns: Annotated[tuple[Name, ...], Field(min_length=1, strict=False), Once] | None = None
    """Columns in which the row is retrained; null for all."""
    training: Name | None = None
    """Name under `trainings`, instead of a search or genotype."""
    checkpoint: Name | None = None
    """Name under `checkpoints` of weights that others trained, tested in the columns of its dataset."""
    paper: Annotated[str, Field(min_length=1)] | None = None
    """Architecture in the paper's table whose figures stand beside; null for the architecture that the row names."""
    independent: Named[str] = {}
    """Measurements by other people, by column: each is a `subject` in `pdarts/reporting/paper.yaml`."""

    @property
    def _named(self) -> list[str]:
        """Keys that name what the row shows, of which a row has one at most."""
        keys = ("search", "genotype", "training", "checkpoint")
        return [key for key in keys if getattr(self, key) is not None]

    @property
    def quotes(self) -> bool:
        """Whether the row only repeats figures of the paper."""
        return not self._named

    def stands_in(self, column: str) -> bool:
        """Whether the row is not limited to other columns."""
        searched = not isinstance(self.search, dict) or column in self.search
        return searched and (self.columns is None or column in self.columns)

    def search_of(self, column: str) -> str | None:
        """Name of the search that the column shows, if any."""
        return self.search.get(column) if isinstance(self.search, dict) else self.search

    def trainings(self, name: str, column: Column) -> dict[str, dict[str, Any] | None]:
        """Make plain settings, by name, of the trainings that a column shows; None for one that `trainings` declares.

        Args:
            name: of the column.
            column: its settings. `seeds` of a training are None where they are those of its search.
        """
        search = self.search_of(name)
        if self.columns is not None and name not in self.columns:
            return {}
        if self.training is not None:
            return {self.training: None}
        made = {"dataset": column.dataset, "recipe": column.recipe, "changes": self.changes}
        if search is None:
            genotype = self.genotype.model_dump() if isinstance(self.genotype, Settings) else self.genotype
            own = {**made, "genotype": genotype, "seeds": column.seeds}
            return {} if genotype is None else {f"{self.name}-on-{column.dataset}": own}
        found = {"search": search, "max_skips": self.max_skips, "stage": self.stage}
        variant = "" if self.max_skips is None else f"-skips{self.max_skips}"
        variant += "" if self.stage is None else f"-stage{self.stage}"
        stem, seed = self.name or f"{search}{variant}", "chosen" if self.seed is None else self.seed
        return {
            f"{stem}-on-{column.dataset}": {**made, "genotype": {**found, "seed": seed}, "seeds": column.seeds},
            f"{stem}-each-on-{column.dataset}": {**made, "genotype": {**found, "seed": "each"}, "seeds": None},
        }

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if len(named := self._named) > 1:
            raise ValueError(f"({self.architecture}) has both {named[0]} and {named[1]}; give each a row of its own")
        retrains = self.search is not None or self.genotype is not None
        if self.name is not None and not retrains:
            raise ValueError(f"({self.architecture}) has a name but no search or genotype; leave the name out")
        if self.genotype is not None and self.name is None:
            raise ValueError(f"({self.architecture}) has a genotype but no name; name its trainings, as in name: mine")
        of_search = [key for key in ("seed", "max_skips", "stage") if getattr(self, key) is not None]
        if of_search and self.search is None:
            raise ValueError(f"({self.architecture}) has {of_search[0]} but no search; name the search")
        if self.changes and not retrains:
            raise ValueError(f"({self.architecture}) has changes but no search or genotype; change its training")
        return self


class Table(Settings):
    """Rows of trainings, tested and set side by side."""

    title: Annotated[str, Field(min_length=1)]
    """Caption of the table."""
    paper: PaperTable | None = None
    """Table of published figures to show beside the results: one of the paper, or figures of several papers."""
    complete: bool = False
    """Also quote those architectures of the paper's table that have no row here, in the paper's order."""
    baseline: Annotated[str, Field(min_length=1)] | None = None
    """Architecture of the row that every row with at least two results is compared with, by the difference of means and
    its 95 % confidence interval (Welch's t); null for no such columns."""
    columns: Named[Column] = {}
    """Columns with test results, by the paper's names for them; without any, each row names a training."""
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    """The lines, in order."""

    @property
    def of_paper(self) -> bool:
        """Whether it repeats a table of P-DARTS' paper."""
        return self.paper in OF_THE_PAPER

    @property
    def compares(self) -> bool:
        """Whether test results stand side by side under headings; otherwise each training has a line."""
        return any(column.heading for column in self.columns.values())

    def _check_row(self, where: str, row: Row) -> None:
        if not self.compares and (row.quotes or row.checkpoint or row.paper):
            raise ValueError(
                f"{where} ({row.architecture}): a table without headings has a line for each training; name a search, "
                "genotype or training, or give the table columns with headings"
            )
        if not self.columns and row.training is None:
            raise ValueError(
                f"{where} ({row.architecture}): a table without columns shows trainings that have names; name the "
                "training, or give the table columns"
            )
        if self.paper is None and row.paper is not None:
            raise ValueError(f"{where}.paper is {row.paper!r}, but the table names no paper table; set paper")
        if self.paper is None and row.quotes:
            raise ValueError(
                f"{where} ({row.architecture}) shows nothing; name a search, genotype, training or checkpoint"
            )
        by_column = {"columns": row.columns or (), "independent": row.independent}
        by_column |= {"search": row.search} if isinstance(row.search, dict) else {}
        for key, names in by_column.items():
            for name in names:
                known(f"{where}.{key}: column", name, self.columns)
        for name, column in self.columns.items():
            untold = [key for key in ("dataset", "recipe", "seeds") if getattr(column, key) is None]
            if untold and any(row.trainings(name, column).values()):
                raise ValueError(
                    f"columns.{name} names no {untold[0]}, but {where} ({row.architecture}) is retrained there; give "
                    "the column dataset, recipe and seeds, or let the row name a training"
                )

    def _check_baseline(self) -> None:
        if self.baseline is None:
            return
        measured = [row.architecture for row in self.rows if not (row.quotes or row.checkpoint)]
        known("baseline: an architecture that is trained here", self.baseline, measured)
        alike = [row.architecture for row in self.rows].count(self.baseline)
        if alike > 1:
            raise ValueError(
                f"baseline is {self.baseline!r}, which {alike} rows are called; give the row "
                "that others are compared with an architecture of its own"
            )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name, column in self.columns.items():
            if (column.heading is None) == self.compares or (column.measure is None) == self.compares:
                raise ValueError(f"columns.{name}: give every column of the table heading and measure, or none of them")
        distinct("heading", [(f"columns.{name}", column.heading) for name, column in self.columns.items()])
        for index, row in enumerate(self.rows):
            self._check_row(f"rows[{index}]", row)
        for name in self.columns if self.compares else ():
            those = [(f"rows[{index}]", row.architecture) for index, row in enumerate(self.rows) if row.stands_in(name)]
            distinct("architecture", those)
        self._check_baseline()
        if self.complete and self.paper is None:
            raise ValueError("complete is true, but the table names no paper table; set paper, or complete: false")
        return self
