"""From a dataset to genotypes."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from pdarts.settings.augmentation import AnyAugmentation
from pdarts.settings.base import Name, Once, Positive, Settings, Share, SkipLimit
from pdarts.settings.optimization import AlphasOptimizer, Precision, WeightsOptimizer, check_shares
from pdarts.settings.repeats import Seeds
from pdarts.space.operations import OPERATIONS

if TYPE_CHECKING:
    Operation = str
else:
    Operation = Literal[OPERATIONS]


class Stage(Settings):
    """One stage of a search, as the paper's table describes it."""

    cells: Positive
    """Depth of the supernet."""
    channels: Annotated[int, Field(ge=2, multiple_of=2)]
    """Initial channels of the supernet; even, since a factorized reduction halves them."""
    operations: Annotated[int, Field(ge=2)]
    """Candidate operations on every edge: all in the first stage, the strongest of the stage before in later ones."""
    skip_dropout: Share
    """Dropout rate behind skip connections at the start of the stage; it decays from there."""


class SearchProtocol(Settings):
    """What all stages of a search have in common."""

    candidates: Annotated[tuple[Operation, ...], Field(min_length=2, json_schema_extra={"uniqueItems": True}), Once]
    """Candidate operations of the first stage, on every edge, in this order."""
    approximation: Literal["first_order", "second_order"]
    """Gradient of the alphas: at the present weights, or through one virtual step of them (DARTS, section 2.3)."""
    partial_channels: Positive
    """1/n of an edge's channels go through operations; above 1, edges have weights of their own (PC-DARTS)."""
    alphas_batches: Literal["passes", "anew"]
    """Batches of the alphas' images: one pass after another in random order, or each drawn anew from all of them."""
    train_portion: Annotated[float, Field(gt=0, lt=1)]
    """Share of the training images, from the first on, that trains weights; the rest trains alphas."""
    epochs: Positive
    """Epochs of each stage."""
    frozen_epochs: Annotated[int, Field(ge=0)]
    """First epochs of each stage, in which alphas do not move."""
    scored_epochs: Annotated[int, Field(ge=0)]
    """Last epochs of each stage, in which accuracy on the alphas' images is logged; nothing is selected by it."""
    batch_size: Positive
    """Images a step, of weights and of alphas alike."""
    processes: Positive
    """Processes, each with a GPU of its own, that share every batch; BatchNorm normalises each one's share."""
    precision: Precision
    """Of feature maps and convolutions in training; weights, alphas, statistics, loss and optimizers are float32."""
    weights: WeightsOptimizer
    """How network weights are trained."""
    alphas: AlphasOptimizer
    """How alphas are trained."""
    augmentation: AnyAugmentation
    """Random changes of the images of both halves."""

    @model_validator(mode="after")
    def _shares_are_equal(self) -> Self:
        check_shares(self.batch_size, self.processes)
        return self


class StageSettings(SearchProtocol, Stage):
    """All that one stage needs to know: `pdarts.search --settings`."""


class Search(SearchProtocol):
    """Turns a dataset into genotypes."""

    dataset: Name
    """Name under `datasets`."""
    seeds: Seeds
    """One independent search each; a name under `repeats` stands for that many seeds, from 0 on."""
    validation: Name | None = None
    """Name under `recipes`, with the search's `train_portion`: how the genotype of each seed is retrained to choose
    among several (`seed: chosen`), by accuracy on the other training images; null where none is chosen."""
    max_skips: SkipLimit | None
    """Skip connections that the normal cell may keep, 0 to 8; null for no limit."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    """The stages, in order."""

    def stage_settings(self, stage: int) -> StageSettings:
        """What stage number `stage` (from 1) depends on, and nothing else."""
        protocol = self.model_dump(include=set(SearchProtocol.model_fields))
        return StageSettings(**protocol, **self.stages[stage - 1].model_dump())

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        present = len(self.candidates)
        if self.frozen_epochs > self.epochs:
            raise ValueError(f"frozen_epochs is {self.frozen_epochs}, but a stage has {self.epochs} epochs")
        for number, stage in enumerate(self.stages, 1):
            if stage.channels % self.partial_channels:
                raise ValueError(
                    f"stages[{number - 1}].channels is {stage.channels}; allowed: multiples of partial_channels, "
                    f"which is {self.partial_channels}"
                )
            if number == 1 and stage.operations != present:
                raise ValueError(
                    f"stages[0].operations is {stage.operations}, but the first stage starts with all "
                    f"{present} candidates; write {present}, or list fewer candidates"
                )
            if stage.operations > present:
                raise ValueError(
                    f"stages[{number - 1}].operations is {stage.operations}, but only {present} are left after "
                    f"stage {number - 1}; allowed: 2 to {present}"
                )
            present = stage.operations
        return self
