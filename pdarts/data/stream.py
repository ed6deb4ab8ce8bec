"""Yields batches of image files, which worker processes decode in every pass."""

import math
import shutil
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pdarts.data.batching import Batching
from pdarts.data.decoding import decode
from pdarts.data.index import Index
from pdarts.data.loaders import Batch, Channels
from pdarts.data.stream_transforms import ImageTransform, centre_view, random_view
from pdarts.data.transforms import normalize, on_device
from pdarts.errors import InputError
from pdarts.settings.augmentation import Augmentation

Draws = list[tuple[int, int]]
"""Index and seed of each image of a batch."""
Decoded = tuple[Tensor, Tensor] | tuple[NDArray[Any], NDArray[Any]]
"""Images, uint8, shape (N, 3, H, W), and labels, int64, shape (N,).

Tensors go from process to process through shared memory. Containers have little of it, and a worker that finds none
left is never heard of again; arrays go through a pipe, which takes three times as long.
"""
SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps it; other systems have no such folder."""
AHEAD = 2
"""Batches that each worker decodes ahead, as a `DataLoader` does."""


class StreamLoader:
    """Batches of the images of an index; the last batch of a pass may be smaller.

    Every image has a seed of its own, which the pass's seed and the image's index decide, and decoding and transforms
    compute in integers. Therefore the number of workers changes no bit of a batch.
    """

    def __init__(
        self, index: Index, image_size: int, batching: Batching, mean: Channels, std: Channels, workers: int
    ) -> None:
        """Prepare the passes; no image is read yet.

        Args:
            index: the images.
            image_size: height and width that every image is cropped to, in pixels.
            batching: how batches are made, with an augmentation for image files.
            mean: mean of each colour channel, on a scale from 0 to 1.
            std: standard deviation of each, likewise.
            workers: number of processes that decode during a pass; 0 decodes in this one.
        """
        augmentation, device = batching.augmentation, batching.device
        assert not isinstance(augmentation, Augmentation)
        self.share, self.batch_size, self.device = batching.share, batching.batch_size, device
        self.index, self.image_size, self.workers = index, image_size, workers
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
        shared = self.workers > 0 and self._fits_into_shared_memory()
        batches = DataLoader(
            _Images(self.index, transform, shared),
            sampler=(batch[self.share.of(len(batch))] for batch in draws),
            batch_size=None,
            num_workers=self.workers,
            worker_init_fn=_ignore_signals,
            collate_fn=_as_it_is,
            generator=torch.Generator(),  # not the global one, which a DataLoader would draw from
        )
        for batch in _watched(batches):
            if isinstance(batch, InputError):
                raise batch
            images, labels = (on_device(torch.as_tensor(part), self.device) for part in batch)
            yield normalize(images, self.mean, self.std), labels

    def _fits_into_shared_memory(self) -> bool:
        """Whether there is twice the shared memory that the batches of this pass take: others use it too."""
        if not SHARED_MEMORY.is_dir():
            return True
        images = self.share.of(min(self.batch_size, len(self.index)))
        batch = 3 * self.image_size**2 * len(range(self.batch_size)[images])
        return shutil.disk_usage(SHARED_MEMORY).free >= 2 * batch * AHEAD * (self.workers + 1)


def _as_it_is(batch: Any) -> Any:
    """Return `batch`; a `DataLoader` would else make tensors of arrays."""
    return batch


def _watched(batches: "DataLoader[Decoded | InputError]") -> Iterator[Decoded | InputError]:
    """Yield the batches of a `DataLoader`, whose errors only say that one of its processes has ended."""
    iterator = iter(batches)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler would raise such an error amid an iteration
    try:
        yield from iterator
    except (RuntimeError, ConnectionError, EOFError) as error:
        if isinstance(error, RuntimeError) and "DataLoader" not in str(error):
            raise
        raise InputError(
            f"no more images ({' '.join(str(error).split())}): a process that decodes them has ended, probably killed "
            "for lack of memory; set fewer machine.workers. The same command continues what was saved"
        ) from error


def _ignore_signals(worker: int) -> None:
    """Keep a worker alive when its job is told to end: the job finishes an iteration and then ends the worker."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@dataclass(frozen=True)
class _Images(Dataset[Decoded | InputError]):
    """Batches, by the indices and seeds of their images."""

    index: Index
    transform: ImageTransform
    shared: bool
    """Whether there is shared memory for batches."""

    def __getitem__(self, draws: Draws) -> Decoded | InputError:
        """Decode a batch: uint8, shape (N, 3, H, W), and labels; N may be 0.

        An error is returned, since a `DataLoader` would change the message of one that is raised.
        """
        try:
            images = [self._image(index, seed) for index, seed in draws]
        except InputError as error:
            return error
        labels = torch.tensor([self.index[index].label for index, _ in draws], dtype=torch.int64)
        stacked = torch.stack(images) if images else torch.empty(0, 3, 1, 1, dtype=torch.uint8)
        return (stacked, labels) if self.shared else (stacked.numpy(), labels.numpy())

    def _image(self, index: int, seed: int) -> Tensor:
        entry = self.index[index]
        content = self.index.content(entry)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would also reset the GPU's
            return self.transform(decode(content))
