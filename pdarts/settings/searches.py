"""Searches, which turn a dataset into genotypes."""

import json
from functools import cache
from typing import Annotated, Any, Literal, Self, TypeVar, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from pdarts.checking import parse, suggestion
from pdarts.errors import InputError, counted
from pdarts.settings.augmentation import AnyAugmentation
from pdarts.settings.base import (
    BatchSize,
    Cells,
    Channels,
    Epochs,
    FirstEpochs,
    Name,
    Once,
    Processes,
    Settings,
    SkipLimit,
    one_of,
)
from pdarts.settings.methods import METHODS, MethodKeys
from pdarts.settings.optimization import (
    AlphasOptimizer,
    Precision,
    Schedule,
    WeightsOptimizer,
    check_schedule,
    check_shares,
)
from pdarts.settings.repeats import Seeds
from pdarts.space.operations import OPERATIONS, SKIP
from pdarts.space.topology import EDGES_KEPT

Operation = Annotated[str, BeforeValidator(one_of(OPERATIONS)), Field(json_schema_extra={"examples": [*OPERATIONS]})]

PartOfImages = Annotated[float, Field(gt=0, lt=1, examples=[0.5])]


class Stage(Settings):
    """One stage of a search, as the paper's table describes it."""

    cells: Cells
    """Depth of the supernet."""
    channels: Channels
    """Initial channels of the supernet; even, since a factorized reduction halves them."""
    operations: Annotated[int, Field(ge=2, le=1000)]
    """Candidate operations on every edge: all in the first stage, the strongest of the stage before in later ones."""
    skip_dropout: Annotated[float, Field(ge=0, lt=1, examples=[0.4])]
    """Rate of the dropout after skip connections at the start of the stage; it decays from there."""


def _existing(method: str) -> str:
    if method not in METHODS:
        raise ValueError(f"{method!r} is not a method of search{suggestion(method, METHODS)}")
    return method


def _describe_keys_of_methods(schema: dict[str, Any], model: type[Settings]) -> None:
    for method, keys in METHODS.items() if not issubclass(model, MethodKeys) else ():
        for key, value in keys.model_json_schema().get("properties", {}).items():
            schema["properties"][key] = value | {"description": f"Of method {method}. {value['description']}"}


class SearchProtocol(Settings):
    """Settings that all stages of a search share, without the keys of its method; `with_keys_of_method` adds those."""

    model_config = ConfigDict(json_schema_extra=_describe_keys_of_methods)

    method: Annotated[Name, AfterValidator(_existing), Field(json_schema_extra={"examples": list(METHODS)})]
    """How alphas and weights are trained and a cell is derived: a module of `pdarts/progressive/methods`."""
    candidates: Annotated[tuple[Operation, ...], Field(min_length=2, json_schema_extra={"uniqueItems": True}), Once]
    """Candidate operations of the first stage, on every edge, in this order."""
    stem: Literal["cifar", "imagenet"]
    """First layers: `cifar` keeps the image size, `imagenet` divides it by 8."""
    alphas_batches: Literal["passes", "anew"]
    """Batches of the alphas' images: in passes over all of them in random order, or each drawn anew from all."""
    train_portion: PartOfImages
    """Portion of the training images that trains weights."""
    alphas_portion: PartOfImages | None
    """Portion of the training images that trains alphas; null for all that remain."""
    division: Literal["in_order", "by_class"]
    """Division into portions: the first images, then those that follow; or drawn by class, anew for each seed."""
    epochs: Epochs
    """Epochs of each stage."""
    frozen_epochs: FirstEpochs
    """First epochs of each stage, in which alphas are not updated."""
    scored_epochs: FirstEpochs
    """Last epochs of each stage, in which accuracy on the alphas' images is logged; it selects nothing."""
    batch_size: BatchSize
    """Images in a batch of all processes together, both for network weights and for alphas."""
    processes: Processes
    """Processes, each with a GPU of its own, that share every batch; BatchNorm sees one process's share."""
    precision: Precision
    """Type of feature maps and convolutions in training; weights, alphas, statistics and loss are float32."""
    weights: WeightsOptimizer
    """How network weights are trained."""
    schedule: Schedule
    """Course of the network weights' learning rate in each stage."""
    warmup_epochs: FirstEpochs
    """First epochs of each stage, in which the network weights' rate rises linearly to `learning_rate` instead."""
    alphas: AlphasOptimizer
    """How alphas are trained."""
    augmentation: AnyAugmentation
    """Random changes of all training images, both for network weights and for alphas."""

    @model_validator(mode="after")
    def _fits_its_method(self) -> Self:
        check_shares(self.batch_size, self.processes)
        check_schedule(self.schedule, self.warmup_epochs, self.epochs, self.weights)
        if self.frozen_epochs >= self.epochs:
            raise ValueError(
                f"frozen_epochs is {self.frozen_epochs}, but a stage has {counted(self.epochs, 'epoch')}, so that "
                "alphas would never be updated; allowed: fewer than epochs"
            )
        if self.train_portion + (self.alphas_portion or 0) > 1:
            raise ValueError(
                f"train_portion is {self.train_portion:g} and alphas_portion {self.alphas_portion:g}, more than all "
                "images together; allowed: 1 in sum, or alphas_portion: null for all others"
            )
        refused = METHODS[self.method].refused
        if both := [name for name in self.candidates if name in refused]:
            raise ValueError(f"candidates has {both[0]!r}, which method {self.method} has no use for; leave it out")
        return self


def not_all(operations: int, candidates: int) -> str:
    """Say why a first stage with so many operations is refused; empty if it starts with all of so many candidates."""
    if operations == candidates:
        return ""
    return (
        f"operations is {operations}, but the first stage starts with all {candidates} candidates; write "
        f"{candidates}, or list fewer candidates"
    )


class StageSettings(SearchProtocol, Stage):
    """Settings of one stage, as `pdarts.search --settings` takes them."""

    @model_validator(mode="after")
    def _fits_its_channels(self) -> Self:
        try:
            METHODS[self.method].check_channels(cast(MethodKeys, self), self.channels)
        except ValueError as error:
            raise ValueError(f"channels is {self.channels}; {error}") from error
        return self


class Search(SearchProtocol):
    """A search, which turns a dataset into genotypes."""

    dataset: Name
    """Name under `datasets`."""
    seeds: Seeds
    """Seeds, each of an independent search; a name under `repeats` stands for that many seeds, from 0 on."""
    validation: Name | None = None
    """Name under `recipes` of a recipe with the search's `train_portion`. By it the genotype of each seed is retrained,
    to choose one of several (`seed: chosen`) by accuracy on the other training images; null if none is chosen."""
    max_skips: SkipLimit | None
    """Skip connections that the normal cell may keep, 0 to 8; null for no limit."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    """The stages, in order."""

    def stage_settings(self, stage: int) -> StageSettings:
        """Select the settings that stage number `stage` (from 1) depends on."""
        whole, own = self.model_dump(mode="json"), METHODS[self.method].model_fields
        protocol = {key: value for key, value in whole.items() if key in own or key in SearchProtocol.model_fields}
        return parse_stage(protocol | self.stages[stage - 1].model_dump(mode="json"), f"stage {stage}")

    def check_limit(self, max_skips: int | None) -> None:
        """Refuse a limit on skip connections that no cell meets, since these candidates leave nothing else to keep."""
        if max_skips is not None and max_skips < EDGES_KEPT and {*self.candidates} == {"none", SKIP}:
            raise ValueError(
                f"max_skips is {max_skips}, but all {EDGES_KEPT} edges of a cell keep {SKIP} where it is the only "
                f"candidate besides none; add candidates, or set max_skips to {EDGES_KEPT} or null"
            )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        present = len(self.candidates)
        self.check_limit(self.max_skips)
        for number, stage in enumerate(self.stages, 1):
            try:
                METHODS[self.method].check_channels(cast(MethodKeys, self), stage.channels)
            except ValueError as error:
                raise ValueError(f"stages[{number - 1}].channels is {stage.channels}; {error}") from error
            if number == 1 and (reason := not_all(stage.operations, present)):
                raise ValueError(f"stages[0].{reason}")
            if stage.operations > present:
                raise ValueError(
                    f"stages[{number - 1}].operations is {stage.operations}, but only {present} are left after "
                    f"stage {number - 1}; allowed: 2 to {present}"
                )
            present = stage.operations
        return self


Protocol = TypeVar("Protocol", bound=SearchProtocol)


def with_keys_of_method(settings: type[Protocol], values: object) -> type[Protocol]:
    """Find the model of settings with the keys of the method that plain `values` name.

    Raises:
        ValueError: if the values have a key of another method.
    """
    method = values.get("method") if isinstance(values, dict) else None
    if not isinstance(values, dict) or not isinstance(method, str) or method not in METHODS:
        return _composed(settings, MethodKeys)
    own = METHODS[method]
    for other, keys in METHODS.items():
        foreign = keys.model_fields.keys() - own.model_fields.keys()
        if found := sorted(foreign & values.keys()):
            raise ValueError(f"{found[0]} is a key of method {other}, but method is {method!r}; leave it out")
    return _composed(settings, own)


@cache
def _composed(settings: type[Protocol], keys: type[MethodKeys]) -> type[Protocol]:
    return type(settings.__name__, (keys, settings), {"__doc__": settings.__doc__, "__module__": __name__})


def _validated(values: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    return with_keys_of_method(Search, values).model_validate_json(json.dumps(values), context=info.context)


AnySearch = Annotated[Search, WrapValidator(_validated)]
"""A search with the keys of its method."""


def parse_stage(values: object, where: str) -> StageSettings:
    """Check plain values of a stage, the keys of its method among them; arguments and errors as in `parse`."""
    try:
        model = with_keys_of_method(StageSettings, values)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error
    return parse(model, values, where)
