"""Divides training images into those that train network weights and those that train alphas or are scored."""

from dataclasses import dataclass
from typing import Literal, Protocol, Self, TypeVar

import torch
from torch import Tensor

from pdarts.errors import InputError
from pdarts.settings.images import none_left, portions


@dataclass(frozen=True)
class Division:
    """How a split is divided into two parts that have no image in common."""

    first: float
    """Fraction of the images that go to the first part, above 0; their number is rounded down."""
    second: float | None = None
    """Fraction of the images that go to the second part; None for all others."""
    images: Literal["in_order", "by_class"] = "in_order"
    """`in_order` takes the first images and those that follow; `by_class` draws these fractions of every class."""
    seed: int = 0
    """Seed of the draw by class."""


class Divisible(Protocol):
    """Images in a fixed order, from which a part can be taken."""

    def __len__(self) -> int: ...

    @property
    def labels(self) -> Tensor:
        """Classes from 0, int64, shape (N,)."""

    def part(self, start: int, stop: int) -> Self:
        """The images from index `start` up to, not including, `stop`."""

    def selected(self, indices: Tensor) -> Self:
        """The images at these indices, in this order."""


AnySplit = TypeVar("AnySplit", bound=Divisible)


def divided(split: AnySplit, division: Division) -> tuple[AnySplit, AnySplit]:
    """Divide a split into its first and second part.

    Raises:
        InputError: if a part whose fraction is given would be empty.
    """
    if division.images == "by_class":
        first, second = _drawn(split.labels, division)
        parts = split.selected(first), split.selected(second)
    else:
        start, stop = _counts(len(split), division)
        parts = split.part(0, start), split.part(start, stop)
    wanted = (("train_portion", division.first, "weights"), ("alphas_portion", division.second, "alphas"))
    for part, (key, fraction, trained) in zip(parts, wanted, strict=True):
        if fraction is not None and len(part) == 0:
            raise InputError(none_left(key, fraction, len(split), trained))
    return parts


def _counts(images: int, division: Division) -> tuple[int, int]:
    """Index after the last image of the first part, and that of the second, which follows it."""
    first, second = portions(images, division.first, division.second)
    return first, first + second


def _drawn(labels: Tensor, division: Division) -> tuple[Tensor, Tensor]:
    """Indices of the images of each part, in ascending order."""
    generator = torch.Generator().manual_seed(division.seed)
    first, second = [], []
    for label in range(int(labels.max()) + 1):
        indices = (labels == label).nonzero().flatten()
        indices = indices[torch.randperm(len(indices), generator=generator)]
        start, stop = _counts(len(indices), division)
        first.append(indices[:start])
        second.append(indices[start:stop])
    return torch.cat(first).sort().values, torch.cat(second).sort().values
