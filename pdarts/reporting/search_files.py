"""Models of the files that searches write: stage files, their metrics and traces."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from pdarts.reporting.result_files import Provenance, Result
from pdarts.settings.methods import UNNAMED, described
from pdarts.space.topology import EDGES


class EdgeWeights(Result):
    """Architecture weights of the operations that an edge still considers."""

    edge: tuple[int, int]
    weights: dict[str, float]


Edges = Annotated[tuple[EdgeWeights, ...], Field(min_length=len(EDGES), max_length=len(EDGES))]


class Cells(Result):
    """Edges of both cells, in the order of `EDGES`."""

    normal: Edges
    reduction: Edges


class AlphasOptimizer(Result):
    """The optimizer of alphas, as far as a report names it."""

    learning_rate: float


class StageSettings(Result):
    """Settings of a stage that a report names; other keys, such as its method's, are kept."""

    model_config = ConfigDict(extra="allow")

    method: str = UNNAMED
    stem: str
    cells: int
    channels: int
    operations: int
    skip_dropout: float
    epochs: int
    frozen_epochs: int
    batch_size: int
    train_portion: float
    alphas_portion: float | None = None
    alphas: AlphasOptimizer
    division: str = "in_order"

    @property
    def images(self) -> str:
        """Says which training images train network weights and which train alphas."""
        weights = f"{100 * self.train_portion:g} %"
        alphas = "the others" if self.alphas_portion is None else f"another {100 * self.alphas_portion:g} %"
        which = (
            f"the first {weights} of the training images"
            if self.division == "in_order"
            else f"{weights} of every class"
        )
        return f"{which} train network weights, {alphas} alphas"

    @property
    def of_method(self) -> str:
        """Says how the method differs from others."""
        return described(self.method, self.model_extra or {})


class StageResult(Result):
    """A stage file."""

    stage: int
    settings: StageSettings
    cells: Cells
    epochs_run: int | None = None
    """None in older files."""
    wall_seconds: Annotated[float, Field(alias="seconds")]
    provenance: Provenance

    @property
    def seconds(self) -> float:
        """Time that the stage took, as `Provenance.spent` has it."""
        return self.provenance.spent(self.wall_seconds)

    @property
    def epochs(self) -> int:
        """Number of epochs that ran."""
        return self.settings.epochs if self.epochs_run is None else self.epochs_run


class StageEpoch(Result):
    """A line of a stage's metrics; accuracies are in percent, and architecture weights have a row per edge."""

    epoch: int
    train_loss: float
    train_accuracy: float
    valid_loss: float | None
    valid_accuracy: float | None
    learning_rate: float
    skip_dropout: float
    architecture_weights: dict[str, tuple[tuple[float, ...], ...]]
    edge_weights: dict[str, tuple[float, ...]] | None = None
    """None of methods without them."""


class TraceEpoch(Result):
    """A line of a search's trace: the cell that its weights stood for; fields are None where they yield no cell."""

    stage: int
    epoch: int
    """Number within the stage."""
    frozen: bool = False
    """Whether alphas were not trained in it; older files do not say."""
    genotype: dict[str, Any] | None
    skips: int | None
    """Skip connections of the normal cell."""
    unlimited_skips: int | None
    """The same without skip limit."""
    parameters: int | None
    """Of all cells in a network of the last stage's depth and width."""
    entropy: dict[str, float]
    """Mean over the weights of a kind of cell, from 0 (decided) to 1 (open)."""
