"""Yields batches of image files, which worker processes decode in every pass."""

import hashlib
import math
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pdarts.data.decoding import decode
from pdarts.data.index import Index
from pdarts.data.loaders import Batch, Channels
from pdarts.data.share import WHOLE, Share
from pdarts.data.stream_transforms import ImageTransform, centre_view, random_view
from pdarts.data.transforms import normalize
from pdarts.errors import InputError
from pdarts.settings.augmentation import StreamedAugmentation

Draws = list[tuple[int, int]]
"""Index and seed of each image of a batch."""


class StreamLoader:
    """Batches of the images of an index; the last batch of a pass may be smaller.

    Every image has a seed of its own, which the pass's seed and the image's index decide, and decoding and transforms
    compute in integers. Therefore the number of workers changes no bit of a batch.
    """

    def __init__(
        self,
        index: Index,
        image_size: int,
        batch_size: int,
        mean: Channels,
        std: Channels,
        augmentation: StreamedAugmentation | None,
        device: torch.device,
        workers: int,
        share: Share = WHOLE,
    ) -> None:
        """Prepare the passes; no image is read yet.

        Args:
            index: the images.
            image_size: height and width that every image is cropped to, in pixels.
            batch_size: images per batch, over all processes.
            mean: mean of each colour channel, on a scale from 0 to 1.
            std: standard deviation of each, likewise.
            augmentation: random changes in shuffled passes; None treats images as `in_order` does.
            device: where batches are put together.
            workers: number of processes that decode during a pass; 0 decodes in this one.
            share: the images of every batch that this process takes; it decodes no others.
        """
        self.share = share
        self.index, self.batch_size, self.device, self.workers = index, batch_size, device, workers
        self.mean = torch.tensor(mean, device=device)[:, None, None]
        self.std = torch.tensor(std, device=device)[:, None, None]
        self.testing = centre_view(image_size)
        self.training = self.testing if augmentation is None else random_view(image_size, augmentation)

    def __len__(self) -> int:
        return math.ceil(len(self.index) / self.batch_size)

    def shuffled(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """Yield one pass in random order, augmented: images, float32, shape (N, 3, H, W), and labels, shape (N,).

        Args:
            seed: seed of the pass.
            start: batches to leave out, which are not decoded; the others are the same as without.
        """
        return self._batches(islice(self._drawn(seed), start, None), self.training)

    def firsts(self, seeds: Iterable[int]) -> Iterator[Batch]:
        """Yield the first batch of `shuffled` for each seed; workers decode ahead."""
        return self._batches((next(self._drawn(seed)) for seed in seeds), self.training)

    def in_order(self) -> Iterator[Batch]:
        """Yield one pass in the index's order, without augmentation; shapes are those of `shuffled`."""
        indices = torch.arange(len(self.index)).split(self.batch_size)
        return self._batches(([(index, 0) for index in batch.tolist()] for batch in indices), self.testing)

    def _drawn(self, seed: int) -> Iterator[Draws]:
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.index), generator=generator)
        seeds = torch.randint(2**63 - 1, (len(self.index),), generator=generator)
        for indices in order.split(self.batch_size):
            yield list(zip(indices.tolist(), seeds[indices].tolist(), strict=True))

    def _batches(self, draws: Iterable[Draws], transform: ImageTransform) -> Iterator[Batch]:
        batches = DataLoader(
            _Images(self.index, transform),
            sampler=(batch[self.share.of(len(batch))] for batch in draws),
            batch_size=None,
            num_workers=self.workers,
            worker_init_fn=_ignore_signals,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # not the global one, which a DataLoader would draw from
        )
        for batch in batches:
            if isinstance(batch, InputError):
                raise batch
            images, labels = (part.to(self.device, non_blocking=True) for part in batch)
            yield normalize(images, self.mean, self.std), labels


def _ignore_signals(worker: int) -> None:
    """Keep a worker alive when its job is told to end: the job finishes an iteration and then ends the worker."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


@dataclass(frozen=True)
class _Images(Dataset[Batch | InputError]):
    """Batches, by the indices and seeds of their images."""

    index: Index
    transform: ImageTransform

    def __getitem__(self, draws: Draws) -> Batch | InputError:
        """Decode a batch: uint8, shape (N, 3, H, W), and labels; N may be 0.

        An error is returned, since a `DataLoader` would change the message of one that is raised.
        """
        try:
            images = [self._image(index, seed) for index, seed in draws]
        except InputError as error:
            return error
        labels = torch.tensor([self.index[index].label for index, _ in draws])
        return torch.stack(images) if images else torch.empty(0, 3, 1, 1), labels

    def _image(self, index: int, seed: int) -> Tensor:
        entry = self.index[index]
        path = self.index.root / entry.path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); {_ADVICE}") from error
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise InputError(f"{path}: is not the file that was verified, but cut off or another one; {_ADVICE}")
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would also reset the GPU's
            return self.transform(decode(content))


_ADVICE = "restore it, or run pdarts.prepare again, and what was made of the old images after it"
