"""Small stages of a search, by any method."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pdarts.progressive.bilevel import Point
from pdarts.progressive.training import StageTraining
from pdarts.settings.machine import Machine
from pdarts.settings.methods import METHODS
from pdarts.settings.searches import StageSettings, parse_stage
from pdarts.space.candidates import Candidates
from tests.configuration import CONFIG

DIGITS = CONFIG.searches["digits"].stage_settings(1).model_dump(mode="json")


def keys_of(method: str) -> dict[str, Any]:
    """The method and keys of its own, with the values of the first search that has it."""
    values = next(search for search in CONFIG.searches.values() if search.method == method).model_dump(mode="json")
    return {key: values[key] for key in ("method", *METHODS[method].model_fields)}


def settings_of(method: str, **changes: Any) -> StageSettings:
    """The first stage of the digits' search with another method, over the candidates that it takes."""
    candidates = [name for name in DIGITS["candidates"] if name not in METHODS[method].refused]
    return parse_stage({**DIGITS, "candidates": candidates, **keys_of(method), **changes}, "settings")


def training_of(
    candidates: Mapping[str, Candidates], method: str = "darts", machine: Machine | None = None, **changes: Any
) -> StageTraining:
    """What such a stage over these candidates trains, for ten classes."""
    settings = settings_of(method, **changes)
    return StageTraining(settings, candidates, 10, torch.get_default_device(), machine or Machine())


def logits(training: StageTraining, images: Tensor, skip_dropout: float | None = None) -> Tensor:
    """What the supernet makes of images in the first epoch."""
    weights = training.method.weights(training.supernet.architecture_parameters, scalar(0))
    return training.supernet(images, weights, None if skip_dropout is None else scalar(skip_dropout))


def point_of(training: StageTraining, epoch: int) -> Point:
    """The point at the beginning of an epoch."""
    training.begin_epoch(epoch)
    return training.point


def scalar(value: float) -> Tensor:
    """A number that changes from epoch to epoch, as updates take it."""
    return torch.tensor(value, dtype=torch.float64)
