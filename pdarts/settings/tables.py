"""What is set side by side."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pdarts.settings.base import Name, Named, Settings, known

PaperTable = Literal["table1", "table2", "depth_study", "skip_study", "methods", "methods_imagenet"]
OF_THE_PAPER = ("table1", "table2", "depth_study", "skip_study")
"""Those of P-DARTS' paper; the others gather figures of several papers."""


class Column(Settings):
    """A test result that stands beside the paper's."""

    heading: Annotated[str, Field(min_length=1)]
    """What stands over it, such as `CIFAR-10`."""
    measure: Literal["top1_error", "top5_error"]
    """Percent of the test images whose class is not the most probable one, or not among the five most probable."""


class Row(Settings):
    """One line of a table."""

    architecture: Annotated[str, Field(min_length=1)]
    """What the row is called."""
    training: Name | None = None
    """Name under `trainings`, for all columns; null where each column has a training of its own, or none has one."""
    trainings: Named[Name] = {}
    """Name under `trainings` for each column that is run here; it retrains one genotype with every seed."""
    searches: Named[Name] = {}
    """Name under `trainings`, by column, that retrains the genotypes of several searches once each (`seed: each`)."""
    checkpoints: Named[Name] = {}
    """Name under `checkpoints`, by column, of weights that others trained; a column has this or a training."""
    paper: Annotated[str, Field(min_length=1)] | None = None
    """Architecture in the paper's table whose figures stand beside; a row without trainings only quotes them."""
    independent: Named[str] = {}
    """What independent people measured alike, by column: a `subject` in `pdarts/reporting/paper.yaml`."""

    def trained(self, columns: Iterable[str]) -> dict[str, str]:
        """The training of each column that has one."""
        return dict.fromkeys(columns, self.training) if self.training else self.trainings


class Table(Settings):
    """Rows of trainings, tested and set side by side."""

    title: Annotated[str, Field(min_length=1)]
    """Caption of the table."""
    paper: PaperTable | None = None
    """The table of published figures that stand beside: the paper's own, or those of several papers."""
    columns: Named[Column] = {}
    """Test results side by side, by the paper's name for them; without any, a row shows the accuracy of a training."""
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    """The lines, in order."""

    @property
    def of_paper(self) -> bool:
        """Whether it repeats a table of P-DARTS' paper."""
        return self.paper in OF_THE_PAPER

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for place, row in enumerate(self.rows):
            where = f"rows[{place}]"
            if not self.columns and (
                row.training is None or row.trainings or row.searches or row.checkpoints or row.paper
            ):
                raise ValueError(
                    f"{where} ({row.architecture}): a table without columns takes architecture and training alone; "
                    "name the training, or give the table columns"
                )
            if row.training is not None and row.trainings:
                raise ValueError(f"{where} ({row.architecture}) has both training and trainings; keep one of them")
            if both := set(row.checkpoints) & set(row.trained(self.columns)):
                raise ValueError(
                    f"{where} ({row.architecture}) has a training and a checkpoint for {min(both)}; give each a row"
                )
            if not (row.training or row.trainings or row.searches or row.checkpoints or row.paper):
                raise ValueError(f"{where} ({row.architecture}) shows nothing; give it trainings, or paper to quote")
            if row.paper is not None and self.paper is None:
                raise ValueError(f"{where}.paper is {row.paper!r}, but the table names no paper table; set paper")
            for key in ("trainings", "searches", "checkpoints", "independent"):
                for column in getattr(row, key):
                    known(f"{where}.{key}: column", column, self.columns)
        return self
