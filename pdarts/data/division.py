"""Which training images train network weights, and which train alphas or are scored."""

import math
from dataclasses import dataclass
from typing import Literal, Protocol, Self, TypeVar

import torch
from torch import Tensor

from pdarts.errors import InputError


@dataclass(frozen=True)
class Division:
    """Two parts of a split, which share no image."""

    first: float
    """Share of the images that the first part has, above 0; rounded down."""
    second: float | None = None
    """Share of the images that the second part has; None for all others."""
    images: Literal["in_order", "by_class"] = "in_order"
    """The first images and those behind them, or these shares of every class, drawn at random."""
    seed: int = 0
    """Of the draw by class."""


class Divisible(Protocol):
    """Images in a fixed order, of which some can be taken."""

    def __len__(self) -> int: ...

    @property
    def labels(self) -> Tensor:
        """Classes from 0, int64, shape (N,)."""

    def part(self, start: int, stop: int) -> Self:
        """Images from number `start` up to, not including, `stop`."""

    def chosen(self, numbers: Tensor) -> Self:
        """The images of these numbers, in this order."""


AnySplit = TypeVar("AnySplit", bound=Divisible)


def divided(split: AnySplit, division: Division) -> tuple[AnySplit, AnySplit]:
    """The images of the first part, and those of the second.

    Raises:
        InputError: if a part that has a share would be empty.
    """
    if division.images == "by_class":
        first, second = _drawn(split.labels, division)
        parts = split.chosen(first), split.chosen(second)
    else:
        start, stop = _counts(len(split), division)
        parts = split.part(0, start), split.part(start, stop)
    wanted = (("train_portion", division.first, "weights"), ("alphas_portion", division.second, "alphas"))
    for part, (key, share, trained) in zip(parts, wanted, strict=True):
        if share is not None and len(part) == 0:
            raise InputError(
                f"{key} is {share}, which leaves none of {len(split)} training images to train {trained}; "
                f"allowed: from 1/{len(split)} to below 1"
            )
    return parts


def _counts(images: int, division: Division) -> tuple[int, int]:
    """Where the first part ends, and the second behind it."""
    first = math.floor(division.first * images)
    return first, images if division.second is None else min(first + math.floor(division.second * images), images)


def _drawn(labels: Tensor, division: Division) -> tuple[Tensor, Tensor]:
    """Numbers of the images of both parts, rising."""
    generator = torch.Generator().manual_seed(division.seed)
    first, second = [], []
    for label in range(int(labels.max()) + 1):
        numbers = (labels == label).nonzero().flatten()
        numbers = numbers[torch.randperm(len(numbers), generator=generator)]
        start, stop = _counts(len(numbers), division)
        first.append(numbers[:start])
        second.append(numbers[start:stop])
    return torch.cat(first).sort().values, torch.cat(second).sort().values
