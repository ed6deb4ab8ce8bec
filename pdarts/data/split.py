"""Images in memory with their classes: one of a data set's two splits, or a part of it."""

from dataclasses import dataclass
from typing import Literal, Self

from torch import Tensor

SplitName = Literal["train", "test"]


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their classes, in a fixed order."""

    images: Tensor
    """uint8, shape (N, 3, H, W)."""
    labels: Tensor
    """int64, shape (N,), from 0."""

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, stop: int) -> Self:
        """The images from index `start` up to, not including, `stop`; a view."""
        return type(self)(self.images[start:stop], self.labels[start:stop])

    def selected(self, indices: Tensor) -> Self:
        """The images at these indices, in this order; a copy."""
        return type(self)(self.images[indices], self.labels[indices])
