"""Yields images in batches on the device that computes; `Loader` does so for images in memory."""

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor

from pdarts.data.share import WHOLE, Share
from pdarts.data.split import Split
from pdarts.data.transforms import augment, normalize, on_device
from pdarts.settings.augmentation import Augmentation

Channels = tuple[float, float, float]
Batch = tuple[Tensor, Tensor]
"""Images, float32, shape (N, C, H, W), and labels, int64, shape (N,)."""


class Batches(Protocol):
    """Batches of a split for training and testing, pass by pass; the last batch may be smaller.

    If there are several processes, each gets its share of the batch that a single process would get.
    """

    def __len__(self) -> int:
        """Number of batches in a pass."""

    def shuffled(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """Yield one pass in random order, augmented, both decided by `seed`; the first `start` batches are left out."""

    def firsts(self, seeds: Iterable[int]) -> Iterator[Batch]:
        """Yield the first batch of `shuffled` for each seed; there may be infinitely many seeds."""

    def in_order(self) -> Iterator[Batch]:
        """Yield one pass in the split's order, without augmentation."""


class Loader:
    """Batches of images in memory; the last batch of a pass may be smaller."""

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
            batch_size: images per batch, over all processes.
            mean: mean of each colour channel, on a scale from 0 to 1.
            std: standard deviation of each, likewise.
            augmentation: random changes in shuffled passes; None for none.
            device: where batches are made.
            share: the images of every batch that this process takes.
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
        """Yield one pass in random order: images, float32, shape (N, C, H, W), and labels, shape (N,).

        Order and augmentation depend on `seed` alone, whatever the device.

        Args:
            seed: seed of the pass.
            start: batches to leave out; the others are the same as without.
        """
        return islice(self._shuffled(seed), start, None)

    def _shuffled(self, seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        for drawn in torch.randperm(len(self.labels), generator=generator).split(self.batch_size):
            indices, own = on_device(drawn, self.labels.device), self.share.of(len(drawn))
            images = self.images[indices]
            if self.augmentation is None:
                images = normalize(images, self.mean, self.std)
            else:
                images = augment(images, self.augmentation, self.mean, self.std, generator)
            yield images[own], self.labels[indices][own]

    def firsts(self, seeds: Iterable[int]) -> Iterator[Batch]:
        """Yield the first batch of `shuffled` for each seed."""
        for seed in seeds:
            yield next(self.shuffled(seed))

    def in_order(self) -> Iterator[Batch]:
        """Yield one pass in the split's order, without augmentation; shapes are those of `shuffled`."""
        for images, labels in zip(self.images.split(self.batch_size), self.labels.split(self.batch_size), strict=True):
            own = self.share.of(len(labels))
            yield normalize(images[own], self.mean, self.std), labels[own]
