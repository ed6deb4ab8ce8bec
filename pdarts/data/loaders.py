"""Passes over images, in batches on the device that computes; here of images that lie in memory."""

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor

from pdarts.data.catalog import Split
from pdarts.data.share import WHOLE, Share
from pdarts.data.transforms import augment, normalize, on_device
from pdarts.settings.augmentation import Augmentation

Channels = tuple[float, float, float]
Batch = tuple[Tensor, Tensor]
"""Images, float32, shape (N, C, H, W), and labels, int64, shape (N,)."""


class Batches(Protocol):
    """What trains and tests: passes over a split; the last, smaller batch is kept.

    Where several processes share every batch, each gets its share of the batch that one process alone would get.
    """

    def __len__(self) -> int:
        """Batches of a pass."""

    def shuffled(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """One pass in random order, augmented; `seed` alone decides on both. The first `start` batches are left out."""

    def firsts(self, seeds: Iterable[int]) -> Iterator[Batch]:
        """The first batch of `shuffled` for each of the seeds, which may be without end."""

    def in_order(self) -> Iterator[Batch]:
        """One pass in the split's order, without augmentation."""


class Loader:
    """Passes over a split; the last, smaller batch is kept."""

    def __init__(
        self,
        split: Split,
        batch_size: int,
        mean: Channels,
        std: Channels,
        augmentation: Augmentation | None,
        device: torch.device,
        share: Share = WHOLE,
    ) -> None:
        """Move the images to `device`, as uint8.

        Args:
            split: the images.
            batch_size: images a batch.
            mean: of each colour channel, on a scale from 0 to 1.
            std: likewise.
            augmentation: random changes in shuffled passes; None for none.
            device: where the batches are made.
            share: what this process takes of every batch.
        """
        self.share = share
        self.images, self.labels = split.images.to(device), split.labels.to(device)
        self.batch_size = batch_size
        self.mean = torch.tensor(mean, device=device)[:, None, None]
        self.std = torch.tensor(std, device=device)[:, None, None]
        self.augmentation = augmentation

    def __len__(self) -> int:
        return math.ceil(len(self.labels) / self.batch_size)

    def shuffled(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """One pass in random order: images, float32, shape (N, C, H, W), and labels, shape (N,).

        Order and augmentation depend on `seed` alone, whatever the device.

        Args:
            seed: of the pass.
            start: batches to leave out; the others are the same as without.
        """
        return islice(self._shuffled(seed), start, None)

    def _shuffled(self, seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        for chosen in torch.randperm(len(self.labels), generator=generator).split(self.batch_size):
            places, own = on_device(chosen, self.labels.device), self.share.of(len(chosen))
            images = self.images[places]
            if self.augmentation is None:
                images = normalize(images, self.mean, self.std)
            else:
                images = augment(images, self.augmentation, self.mean, self.std, generator)
            yield images[own], self.labels[places][own]

    def firsts(self, seeds: Iterable[int]) -> Iterator[Batch]:
        """The first batch of `shuffled` for each of the seeds."""
        for seed in seeds:
            yield next(self.shuffled(seed))

    def in_order(self) -> Iterator[Batch]:
        """One pass in the split's order, without augmentation; shapes as in `shuffled`."""
        for images, labels in zip(self.images.split(self.batch_size), self.labels.split(self.batch_size), strict=True):
            own = self.share.of(len(labels))
            yield normalize(images[own], self.mean, self.std), labels[own]
